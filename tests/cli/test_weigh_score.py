"""`steelyard weigh score`."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Call, CallJson

OUTPUTS = """\
item,model,output,answer,topic
1,large,It is 18.,18,eggs
2,large,I do not know.,3,hens
1,small,It is 17.,18,eggs
2,small,,3,hens
"""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    path = tmp_path / "outputs.csv"
    path.write_text(OUTPUTS)
    return path


def test_the_table_goes_to_standard_output_and_the_sums_beside_it(call: Call, outputs: Path) -> None:
    result = call("weigh", "score", "outputs.csv", "--scorer", "numeric", "--keep", "topic")
    assert result.exit_code == 0
    rows = list(csv.reader(StringIO(result.stdout)))
    assert rows == [
        ["topic", "item", "model", "score", "parsed", "scorer", "version"],
        ["eggs", "1", "large", "1.0", "true", "numeric", "1"],
        ["hens", "2", "large", "", "false", "numeric", "1"],
        ["eggs", "1", "small", "0.0", "true", "numeric", "1"],
        ["hens", "2", "small", "", "false", "numeric", "1"],
    ]
    assert "large: mean 1.0000 of 1 scored (2 outputs, 1 unparsed, 0 missing); 0.5000 with those" in result.stderr
    assert "small: mean 0.0000 of 1 scored (2 outputs, 0 unparsed, 1 missing); 0.0000 with those" in result.stderr


def test_json_tells_the_rows_and_the_sums(call_json: CallJson, outputs: Path) -> None:
    told = call_json("weigh", "score", "outputs.csv", "--scorer", "numeric", "--option", "find=first")
    assert (told["scorer"], told["version"], told["out"]) == ("numeric(find=first)", "1", None)
    assert told["models"][0] == {
        "model": "large", "n": 2, "scored": 1, "unparsed": 1, "missing": 0, "mean": 1.0, "mean_of_all": 0.5,
    }  # fmt: skip
    assert [row["score"] for row in told["rows"]] == [1.0, None, 0.0, None]


def test_the_table_is_written_as_csv_or_lines_of_json(call_json: CallJson, outputs: Path, tmp_path: Path) -> None:
    told = call_json("weigh", "score", "outputs.csv", "--scorer", "numeric", "--out", "scores.jsonl")
    assert told["out"] == "scores.jsonl"
    assert "rows" not in told
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [(row["item"], row["model"], row["score"]) for row in rows] == [
        ("1", "large", 1.0), ("2", "large", None), ("1", "small", 0.0), ("2", "small", None),
    ]  # fmt: skip
    call_json("weigh", "score", "outputs.csv", "--scorer", "numeric", "--out", "scores.csv")
    assert (tmp_path / "scores.csv").read_text().startswith("item,model,score,parsed,scorer,version\n1,large,1.0,true,")


def test_what_cannot_be_read_is_wrong_only_when_asked(call_json: CallJson, outputs: Path) -> None:
    told = call_json("weigh", "score", "outputs.csv", "--scorer", "numeric", "--unparsed-as-wrong")
    assert [row["score"] for row in told["rows"]] == [1.0, 0.0, 0.0, 0.0]
    assert [row["parsed"] for row in told["rows"]] == [True, False, True, False]


def test_targets_may_stand_in_a_file_of_items(call_json: CallJson, tmp_path: Path) -> None:
    (tmp_path / "outputs.jsonl").write_text('{"id": "a", "output": "18"}\n{"id": "b", "output": "4"}\n')
    (tmp_path / "items.csv").write_text("id,gold,topic\na,18,eggs\nb,3,hens\nc,1,hens\n")
    told = call_json(
        "weigh", "score", "outputs.jsonl", "--items", "items.csv", "--scorer", "numeric", "--target", "gold",
        "--as", "large", "--keep", "topic",
    )  # fmt: skip
    assert [(row["model"], row["item"], row["topic"], row["score"]) for row in told["rows"]] == [
        ("large", "a", "eggs", 1.0), ("large", "b", "hens", 0.0),
    ]  # fmt: skip


def test_a_task_brings_scorer_targets_cluster_and_slices(call_json: CallJson, tmp_path: Path) -> None:
    (tmp_path / "outputs.jsonl").write_text(
        '{"item": "jam", "model": "large", "response": "4500 / 300\\n#### 15"}\n'
        '{"item": "bus", "model": "large", "response": "1 h 25 min"}\n'
    )
    told = call_json("weigh", "score", "outputs.jsonl", "--task", "gsm8k")
    assert told["scorer"] == "numeric(find=marker)"
    assert [(row["score"], row["parsed"], row["steps"]) for row in told["rows"]] == [
        (1.0, True, "one or two"), (None, False, "one or two"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--scorer", "nummeric"), 'no scorer is called "nummeric"; did you mean "numeric"?'),
        (("--scorer", "numeric", "--option", "fnd=last"), 'did you mean "find"?'),
        (("--scorer", "numeric", "--output", "outptu"), 'did you mean "output"?'),
        (("--scorer", "numeric", "--target", "topic"), 'outputs.csv:2: the target "eggs" holds no number'),
        (("--scorer", "numeric", "--items", "none.csv"), "none.csv: cannot be read"),
        (("--scorer", "numeric", "--out", "scores.xlsx"), "written as .csv or .jsonl"),
        (("--task", "gsm8"), 'did you mean "gsm8k"?'),
        (("--task", "gsm8k"), 'outputs.csv:2: the item "1" is not in the task gsm8k'),
        ((), "Give --scorer NAME, or --task NAME|FILE."),
        (("--scorer", "numeric", "--task", "gsm8k"), "Give --scorer NAME, or --task NAME|FILE."),
        (("--task", "gsm8k", "--option", "find=last"), "A task has its own options"),
    ],
)
def test_bad_input_ends_in_2_and_says_what_to_do(
    call: Call, outputs: Path, arguments: tuple[str, ...], reason: str
) -> None:
    result = call("weigh", "score", "outputs.csv", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_said(call: Call) -> None:
    result = call("weigh", "score", "none.csv", "--scorer", "exact")
    assert (result.exit_code, "none.csv: cannot be read" in result.stderr) == (2, True)


def test_the_guides_example_is_what_the_command_prints(call: Call, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "scorers.md").read_text(encoding="utf-8")
    (tmp_path / "outputs.csv").write_text(guide.split("```csv\n")[1].partition("```")[0])
    result = call("weigh", "score", "outputs.csv", "--scorer", "numeric", "--out", "scores.csv")
    assert result.stderr == guide.split("```text\n")[1].partition("```")[0]
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 5


def test_runs_of_one_item_stay_apart_on_the_way_to_a_verdict(call: Call, tmp_path: Path) -> None:
    rows = [f"{item},{model},{epoch},{item + epoch},{item}" for item in range(12) for model in "ab" for epoch in (0, 1)]
    (tmp_path / "runs.csv").write_text("item,model,epoch,output,answer\n" + "\n".join(rows) + "\n")
    assert call("weigh", "score", "runs.csv", "--scorer", "numeric", "--out", "scores.csv").exit_code == 0
    asked = ("--baseline", "a", "--candidate", "b", "--margin", "0.1", "--json")
    told = json.loads(call("weigh", "recorded", "scores.csv", *asked).stdout)
    assert (told["n"], told["baseline_mean"]) == (12, 0.5)
    assert "repeats" in {flag["kind"] for flag in told["flags"]}


def test_a_table_that_cannot_be_written_is_told_before_anything_is_scored(call: Call, outputs: Path) -> None:
    result = call("weigh", "score", "outputs.csv", "--scorer", "numeric", "--out", "nowhere/scores.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--out nowhere/scores.csv: there is no directory nowhere" in result.stderr
