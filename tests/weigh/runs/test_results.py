"""Calls of a live weighing as results."""

from pathlib import Path
from typing import Any

import pytest

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.results.pairs import Asked, paired
from steelyard.weigh.runs.call import Call, settled
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256
from steelyard.weigh.runs.plan import Plan, Planned
from steelyard.weigh.runs.results import results_of
from steelyard.weigh.verdict_recorded import Declared, weighed

ONE, OTHER = "acme/one", "acme/other"


def planned(number: int, **row: Any) -> Planned:
    prompt = f"What is {number} plus {number}, please?"
    return Planned(
        id=f"i{number}",
        place=f"items.csv:{number + 2}",
        messages=({"role": "user", "content": prompt},),
        request={},
        target=str(2 * number),
        row=row,
    )


def called(item: str, model: str, score: float | None = 1.0, **more: Any) -> Call:
    told: dict[str, Any] = {"exchange": "req_1", "status": 200, "output": f"It is {score}.", "repeat": 0}
    told |= {"started_at": 0.0, "took_s": 0.1, "scorer": "exact", "version": "1", "score": score} | more
    return Call(item=item, model=model, **told)


def folder_of(tmp_path: Path, items: list[Planned], calls: list[Call], repeats: int = 1) -> Folder:
    plan = Plan(
        id="20260101-000000-abcd",
        kind="live",
        created="2026-01-01T00:00:00Z",
        code="0",
        title="test",
        source="items.csv",
        models=(ONE, OTHER),
        items=len(items),
        items_sha256=items_sha256(items),
        repeats=repeats,
    )
    folder = Weighings(tmp_path).create(plan, items)
    with folder.appending("calls.jsonl") as lines:
        for call in calls:
            lines.append(call)
    return folder


def both(number: int, one: float | None, other: float | None, **more: Any) -> list[Call]:
    return [called(f"i{number}", ONE, one, **more), called(f"i{number}", OTHER, other, **more)]


def kinds(folder: Folder) -> dict[str, str]:
    return {flag.kind: flag.text for flag in results_of(folder).flags}


def test_calls_are_weighed_item_by_item_with_the_items_columns(tmp_path: Path) -> None:
    items = [planned(number, topic="sums" if number % 2 else "more") for number in range(40)]
    calls = [call for number in range(40) for call in both(number, 1.0, 1.0 if number % 4 else 0.0)]
    results = results_of(folder_of(tmp_path, items, calls))
    found = weighed(results, Asked(ONE, OTHER, slices=("topic",)), Declared(0.05))
    assert (found.n, found.baseline_mean, found.candidate_mean) == (40, 1.0, 0.75)
    assert {(one.name, one.value, one.n) for one in found.slices} == {("topic", "sums", 20), ("topic", "more", 20)}
    assert results.blocks[0].sheet.where(0) == "20260101-000000-abcd/calls.jsonl:1"


def test_the_order_in_which_answers_came_back_changes_nothing(tmp_path: Path) -> None:
    items = [planned(number) for number in range(5)]
    calls = [call for number in range(5) for call in both(number, 1.0, 0.5)]
    forth = results_of(folder_of(tmp_path / "forth", items, calls))
    back = results_of(folder_of(tmp_path / "back", items, calls[::-1]))
    assert forth.blocks[0].sheet.columns == back.blocks[0].sheet.columns
    assert forth.sha256 != back.sha256


def test_repeats_are_averaged(tmp_path: Path) -> None:
    calls = [
        called("i1", model, score, repeat=repeat)
        for model in (ONE, OTHER)
        for repeat, score in enumerate((1.0, 0.0, 1.0, 0.0))
    ]
    results = results_of(folder_of(tmp_path, [planned(1)], calls, repeats=4))
    assert paired(results, Asked(ONE, OTHER)).baseline.tolist() == [0.5]


def test_of_a_call_that_was_made_again_the_answer_counts(tmp_path: Path) -> None:
    failed: dict[str, Any] = {"output": None, "status": None, "error": "broke off"}
    calls = [called("i1", ONE, None, **failed), called("i1", OTHER, 1.0), called("i1", ONE, 0.0)]
    assert settled(calls) == [1, 2]
    assert settled([calls[2], calls[0]]) == [0]
    assert settled([calls[0], calls[0]]) == [1]
    results = results_of(folder_of(tmp_path, [planned(1)], calls))
    assert paired(results, Asked(ONE, OTHER)).baseline.tolist() == [0.0]


def test_a_failed_call_is_a_missing_score_and_told(tmp_path: Path) -> None:
    items = [planned(number) for number in range(3)]
    calls = [call for number in range(3) for call in both(number, 1.0, 1.0)]
    calls[0] = called("i0", ONE, None, output=None, status=502, error="HTTP 502 upstream_cut: it broke")
    folder = folder_of(tmp_path, items, calls)
    assert len(paired(results_of(folder), Asked(ONE, OTHER))) == 2
    assert paired(results_of(folder), Asked(ONE, OTHER, missing="fail")).baseline.tolist() == [0.0, 1.0, 1.0]
    assert kinds(folder)["failed"] == ("1 of 3 calls of acme/one failed, 1 of them so: HTTP 502 upstream_cut: it broke")


def test_outputs_that_copy_the_prompt_are_flagged(tmp_path: Path) -> None:
    items = [planned(number) for number in range(4)]
    calls = [call for number in range(4) for call in both(number, 1.0, 1.0)]
    calls[1::2] = [called(f"i{n}", OTHER, 0.0, output=f"WHAT is {n}  plus {n}, please?\nWell") for n in range(4)]
    flags = kinds(folder_of(tmp_path, items, calls))
    assert flags["echo"] == "4 of 4 outputs of acme/other begin with the prompt, word for word."


def test_what_was_cut_unparsed_or_answered_by_others_is_flagged(tmp_path: Path) -> None:
    calls = both(1, None, 1.0, parsed=False, finish_reason="length", deployment="acme/a")
    calls += both(2, 1.0, 1.0, deployment="acme/b")
    flags = kinds(folder_of(tmp_path, [planned(1), planned(2)], calls))
    assert flags["cut"].startswith("1 of 2 outputs of")
    assert flags["unparsed"].startswith("From 1 of 2 outputs of")
    assert flags["deployments"].endswith("acme/a 1, acme/b 1.")


def test_a_weighing_that_was_stopped_says_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [planned(1), planned(2)], both(1, 1.0, 1.0))
    assert kinds(folder)["incomplete"] == "2 of 4 calls were made: it was stopped, and can be resumed."


def test_scorers_that_differ_between_the_sides_are_flagged(tmp_path: Path) -> None:
    calls = both(1, 1.0, 1.0)
    calls[1] = called("i1", OTHER, 1.0, version="2")
    found = weighed(results_of(folder_of(tmp_path, [planned(1)], calls)), Asked(ONE, OTHER), Declared(0.05))
    assert "scorer" in {flag.kind for flag in found.flags}


def test_a_column_that_is_called_like_ours_keeps_what_it_says(tmp_path: Path) -> None:
    results = results_of(folder_of(tmp_path, [planned(1, model="T-34", output="old")], both(1, 1.0, 1.0)))
    sheet = results.blocks[0].sheet
    assert sheet.columns["row.model"] == ["T-34", "T-34"]
    assert sheet.columns["model"] == [ONE, OTHER]


def test_before_the_first_call_there_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="steelyard weigh run --resume 20260101-000000-abcd"):
        results_of(folder_of(tmp_path, [planned(1)], []))


def test_a_call_of_another_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"calls.jsonl:1: a call that the plan does not have"):
        results_of(folder_of(tmp_path, [planned(1)], [called("elsewhere", ONE)]))


def test_calls_of_tools_are_what_was_said() -> None:
    call = called("i1", ONE, output="", tool_calls=({"function": {"name": "f", "arguments": "{}"}},))
    assert call.said == '{"content":"","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}'
