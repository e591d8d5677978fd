"""`steelyard weigh recorded`: what the guide shows, what programs get, and what is refused."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.weigh.results.given import RECORDED, csv, shared_file

REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "docs" / "guides" / "weigh.md"
EXAMPLES = re.findall(
    r"```sh\n(steelyard weigh recorded .*?)```\n\n```text\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL
)
GSM8K = str(REPOSITORY / "src" / "steelyard" / "weigh" / "demo" / "gsm8k.csv")

KEYS = [
    *("verdict", "n", "clusters", "baseline_mean", "candidate_mean", "difference", "se", "ci", "method", "margin"),
    *("p_noninferior", "p_difference", "n_needed", "slices", "flags", "seed", "inputs_sha256", "id"),
]
SLICE_KEYS = ["name", "value", *KEYS[1:13], "verdict"]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as into a file, whatever the terminal of those who test is like."""
    monkeypatch.delenv("COLUMNS", raising=False)


def asked(call: Call, *arguments: str, code: int) -> Any:
    """Return what `--json` prints, which ends in this exit code."""
    result = call("weigh", "recorded", *arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def sides(baseline: str, candidate: str, margin: float) -> list[str]:
    """Return the arguments that name who is weighed."""
    return ["--baseline", baseline, "--candidate", candidate, "--margin", str(margin)]


@pytest.mark.parametrize(("line", "shown"), EXAMPLES, ids=["swap", "dont", "need_more"])
def test_the_guide_shows_what_is_printed(call: Call, line: str, shown: str) -> None:
    _, *words = shlex.split(line.replace("\\\n", " ").replace("src/steelyard/weigh/demo/gsm8k.csv", GSM8K))
    result = call(*words)
    assert result.stdout == shown
    assert result.exit_code == (0 if shown.startswith("SWAP") else 1)


def test_the_guide_shows_all_three_verdicts() -> None:
    assert [shown.partition(" ")[0] for _, shown in EXAMPLES] == ["SWAP", "DON'T", "NEED"]


def test_programs_get_the_keys_that_are_documented(call: Call) -> None:
    row = asked(call, GSM8K, *sides("gpt-4o-2024-05-13", "llama-3.1-405b", 0.03), "--slice", "steps", code=0)
    assert list(row) == KEYS
    assert [list(one) for one in row["slices"]] == [SLICE_KEYS] * 4
    assert (row["verdict"], row["n"], row["clusters"], row["n_needed"]) == ("SWAP", 1318, None, None)
    assert row["ci"] == pytest.approx([-0.0039, 0.0180], abs=1e-4)
    assert row["flags"] == [{"kind": "missing", "text": row["flags"][0]["text"]}]
    documented = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE.read_text("utf-8"), re.MULTILINE)))
    assert set(KEYS) <= set(documented)


def test_the_published_accuracies_of_routellm_come_out(call: Call) -> None:
    table = shared_file("routellm/gsm8k/gsm8k_responses.csv")
    listed = shared_file("routellm/gsm8k/contaminated_prompts.jsonl")
    gpt, mixtral = "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"
    row = asked(call, str(table), *sides(gpt, mixtral, 0.03), "--contaminated", str(listed), code=1)
    assert (row["verdict"], row["n"]) == ("DONT", 1307)
    assert 100 * row["baseline_mean"] == pytest.approx(85.77, abs=0.005)
    assert 100 * row["candidate_mean"] == pytest.approx(63.73, abs=0.005)


def test_published_accuracies_of_zeroeval_come_out(call: Call) -> None:
    table = shared_file("zeroeval-gsm/correct.csv")
    published = json.loads(shared_file("zeroeval-gsm/published.json").read_text("utf-8"))
    accuracy = {row["Model"]: float(row["Acc"]) for row in published}
    one, other = "gpt-4o-2024-05-13", "claude-3-5-sonnet-20240620"
    row = asked(call, str(table), *sides(one, other, 0.03), "--missing", "fail", code=0)
    assert 100 * row["baseline_mean"] == pytest.approx(accuracy[one], abs=0.01)
    assert 100 * row["candidate_mean"] == pytest.approx(accuracy[other], abs=0.01)


def test_logs_of_inspect_are_weighed(call: Call) -> None:
    files = [str(RECORDED / f"inspect-{name}.eval") for name in ("alpha", "beta")]
    row = asked(call, *files, *sides("mockllm/alpha", "mockllm/beta", 0.1), "--score", "match", code=1)
    assert (row["verdict"], row["ci"], row["se"]) == ("NEED_MORE", None, None)
    assert row["flags"][0]["kind"] == "few_differences"


def test_mistakes_end_in_2_with_file_and_line(call: Call, tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b", [("i1", 1, "good")])
    row = asked(call, file, *sides("a", "b", 0.03), code=2)
    assert row["error"]["findings"] == [f'{file}:2: b: "good" is no score']


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["--margin", "-0.1"], "--margin"),
        (["--alpha", "0"], "--alpha"),
        (["--alpha", "0.6"], "--alpha"),
        (["--missing", "ignore"], "--missing"),
        (["--margin", "3"], "A margin of 3 points in 100 is 0.03."),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, changed: list[str], told: str) -> None:
    result = call("weigh", "recorded", GSM8K, *sides("gpt-4o-2024-05-13", "llama-3.1-405b", 0.03), *changed)
    assert result.exit_code == 2
    assert told in result.stderr


def test_the_margin_must_be_declared(call: Call) -> None:
    result = call("weigh", "recorded", GSM8K, "--baseline", "gpt-4o-2024-05-13", "--candidate", "llama-3.1-405b")
    assert result.exit_code == 2
    assert "Missing option '--margin'" in result.stderr


@pytest.mark.parametrize("columns", ["80", "100", "200"])
def test_the_plot_fits_the_terminal(call: Call, columns: str) -> None:
    named = sides("gpt-4o-2024-05-13", "gemini-1.5-flash", 0.05)
    result = call("weigh", "recorded", GSM8K, *named, env={"COLUMNS": columns})
    plot = result.stdout.split("\n\n")[1].splitlines()
    assert len(plot) == 3
    assert max(map(len, plot)) <= int(columns)


def test_a_hostile_name_reaches_no_terminal(call: Call, tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,model,score,topic", [
        (f"i{k}", model, (k * n) % 3 > 0, "\x1b[31mred") for k in range(40) for n, model in ((1, "a\x1b[2J"), (2, "b"))
    ])  # fmt: skip
    result = call("weigh", "recorded", file, *sides("a\x1b[2J", "b", 0.2), "--slice", "topic")
    assert result.exit_code in (0, 1)
    assert "\x1b" not in result.output
