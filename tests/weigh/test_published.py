"""Published figures come out of right and wrong by item, which the repository carries, and that of the raw outputs.

The raw outputs lie in ../shared, which the repository does not hold: tests of them are skipped without it.
`python -m tests.weigh.published` prints the table: published, ours, difference."""

import string
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from langdetect import DetectorFactory, detect  # type: ignore[import-untyped]

from tests.weigh.published.__main__ import main, shown
from tests.weigh.published.benchmark import BENCHMARKS, carried, compared
from tests.weigh.published.raw import EVALS, RAW, completions, drawn_by_lot, instructions, lines

needs_raw = pytest.mark.skipif(not EVALS.is_dir(), reason="the raw outputs are in ../shared, which is not here")

EQUAL = {
    "zeroeval-gsm": (42, 42),
    "gsm8k-openai": (4, 4),
    "ifeval-en": (20, 28),
    "xstest": (2, 4),
    "routellm": (4, 4),
    "llmbar": (72, 72),
}
"""How many figures are equal to what was published, of how many. Every other one has its reason beside it."""


@pytest.mark.parametrize("name", BENCHMARKS)
def test_published_figures_come_out_of_right_and_wrong_by_item(name: str) -> None:
    figures = compared(BENCHMARKS[name], carried(name))
    print(f"\n{name}\n{shown(figures, BENCHMARKS[name].digits)}")
    assert (sum(one.equal for one in figures), len(figures)) == EQUAL[name]
    assert all(one.note for one in figures if not one.equal)


@needs_raw
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RAW if name != "ifeval-en"])
def test_right_and_wrong_by_item_come_out_of_the_raw_outputs(name: str) -> None:
    assert RAW[name]() == carried(name)


@needs_raw
def test_every_solution_is_judged_as_openais_record_says() -> None:
    records = list(lines(EVALS / "gsm8k-openai" / "example_model_solutions.jsonl"))
    for system, marks in carried("gsm8k-openai").items():
        assert [mark == "1" for mark in marks] == [row[system]["is_correct"] for row in records]


def test_the_table_is_printed_by_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert "zeroeval-gsm: 42 of 42 equal" in told
    (row,) = (line for line in told.splitlines() if line.startswith("gpt-4o-2024-05-13"))
    assert row.split() == ["gpt-4o-2024-05-13", "95.38", "95.38", "+0.00"]


def test_ifevals_figures_differ_by_instructions_that_were_decided_by_lot_and_by_no_others() -> None:
    told = carried("ifeval-en")
    lots = told.pop("decided by lot")
    unlike = [(one, lot) for marks in told.values() for one, lot in zip(marks, lots, strict=True) if one in "ro"]
    assert (len(told), len(lots), lots.count("1")) == (14, 834, 31 + 25 + 39 + 2)
    assert len(unlike) == 14
    assert {lot for _, lot in unlike} == {"1"}


def test_ifevals_figures_come_out_where_the_lots_are_as_they_were_drawn() -> None:
    figures = compared(BENCHMARKS["ifeval-en"], carried("ifeval-en"))
    drawn = [one for one in figures if one.name.endswith("lots as drawn there")]
    # The page prints 85.9 for o1-preview, and its own record of the responses gives 86.7.
    assert [one.name.partition(",")[0] for one in drawn if not one.equal] == ["o1-preview-2024-09-12"]
    assert len(drawn) == 14


def outcomes(response: str, kind: str, arguments: Mapping[str, Any], wanted: bool) -> bool:
    """Say whether the lot can decide so: some letter, or some seed of langdetect, leads to the outcome."""
    if kind == "keywords:letter_frequency":
        counts, least = Counter(response.lower()), arguments["let_frequency"]
        assert arguments["let_relation"] == "at least"
        return wanted in {counts[letter] >= least for letter in string.ascii_lowercase}
    cased = {"change_case:english_capital": response.isupper(), "change_case:english_lowercase": response.islower()}
    language = arguments.get("language") or "en"
    return any((cased.get(kind, True) and detected(response, seed) == language) == wanted for seed in range(100))


@cache
def detected(text: str, seed: int) -> str:
    before, DetectorFactory.seed = DetectorFactory.seed, seed
    try:
        return str(detect(text))
    finally:
        DetectorFactory.seed = before


@needs_raw
@pytest.mark.slow
def test_every_instruction_is_decided_as_ifeval_does_or_as_its_lot_may_fall() -> None:
    marks: dict[str, str] = {}
    unlike = 0
    for model, response, kind, arguments, recorded, ours in instructions():
        mark = "10"[not recorded] if recorded == ours else "r" if recorded else "o"
        marks[model] = marks.get(model, "") + mark
        if recorded != ours:
            unlike += 1
            assert drawn_by_lot(kind, arguments), (model, kind, arguments)
            assert outcomes(response, kind, arguments, recorded), (model, kind, arguments)
    assert unlike == 14
    assert {**marks, "decided by lot": carried("ifeval-en")["decided by lot"]} == carried("ifeval-en")


@needs_raw
@pytest.mark.parametrize(
    ("name", "safe", "refusal_or_none", "three_classes"),
    [
        ("llama2orig", True, 0.87, 0.66),
        ("llama2orig", False, 0.98, 0.90),
        ("gpt4", True, 0.92, 0.91),
        ("gpt4", False, 0.98, 0.93),
    ],
)
def test_string_match_agrees_with_people_as_far_as_the_guide_says(
    name: str, safe: bool, refusal_or_none: float, three_classes: float
) -> None:
    pairs = completions(name, safe=safe)
    either = sum((label == "compliance") == (ours == "compliance") for label, ours in pairs) / len(pairs)
    same = sum(label == ours for label, ours in pairs) / len(pairs)
    print(f"\n{name}, safe={safe}: refusal or none {either:.3f}, three classes {same:.3f}, n={len(pairs)}")
    assert refusal_or_none <= either < refusal_or_none + 0.02
    assert three_classes <= same < three_classes + 0.03
