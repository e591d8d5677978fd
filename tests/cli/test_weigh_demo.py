"""`steelyard weigh demo`: what a newcomer sees of weighing before having results of her own."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from steelyard.weigh.demo.cases import CASES, FILE
from tests.cli.conftest import Call, CallJson
from tests.weigh.results.given import shared_file

COLUMNS = {
    "llama-3.1-405b": "Llama-3.1-405B-Inst@hyperbolic",
    "mistral-large-2": "Mistral-Large-2",
    "llama-3.1-70b": "Meta-Llama-3.1-70B-Instruct",
    "qwen2-72b": "Qwen2-72B-Instruct",
    "gemma-2-27b": "gemma-2-27b-it",
    "llama-3.1-8b": "Meta-Llama-3.1-8B-Instruct",
    "mixtral-8x7b": "Mixtral-8x7B-Instruct-v0.1",
}
"""How the recorded results call what the demonstration calls otherwise."""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as into a file, whatever the terminal of those who test is like."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_newcomer_sees_a_question_its_verdict_and_one_of_each_other(call: Call) -> None:
    result = call("weigh", "demo")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "May Llama 3.1 405B answer instead of GPT-4o?"
    assert "Margin 0.03." in lines[1]
    words = [line.partition(" ")[0] for line in lines if re.match(r"SWAP|DON'T|NEED MORE", line)]
    assert words == ["SWAP", "NEED", "DON'T"]
    assert sum("├" in line and "●" in line for line in lines) == 5  # all items, and four slices
    for told in ("ZeroEval", "Apache-2.0", "GSM8K", "MIT", str(FILE), "file:///", "steelyard weigh run"):
        assert told in result.stdout


def test_in_brief_it_is_one_question_one_line_of_the_plot_and_where_to_read_on(call: Call) -> None:
    result = call("weigh", "demo", "--brief")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) <= 12
    assert result.stdout.count("●") == 1
    assert "\nSWAP " in result.stdout
    assert re.search(r"\nreport  file:///\S+/report.html\nmore    steelyard weigh demo\n$", result.stdout)


def test_programs_get_each_case_as_weigh_recorded_prints_it(call: Call, call_json: CallJson) -> None:
    told = call_json("weigh", "demo")
    assert [one["verdict"] for one in told["cases"]] == ["SWAP", "NEED_MORE", "DONT"]
    assert told["file"] == str(FILE)
    for case, row in zip(CASES, told["cases"], strict=True):
        words = ["--baseline", case.baseline, "--candidate", case.candidate, "--margin", str(case.margin)]
        words += [word for name in case.slices for word in ("--slice", name)]
        recorded = json.loads(call("weigh", "recorded", str(FILE), *words, "--no-keep", "--json").stdout)
        assert {name: row[name] for name in recorded} == recorded
        assert row["question"] == case.question
    assert [row["verdict"] for row in call_json("weigh", "demo", "--brief")["cases"]] == ["SWAP"]


def test_the_next_step_that_it_names_is_one(call: Call, call_json: CallJson) -> None:
    result = call(*shlex.split(call_json("weigh", "demo", "--brief")["next"])[1:])
    assert result.exit_code == 2
    assert re.search(r"\bFILE\b", result.output)  # that file is all that is missing
    assert "No such option" not in result.output


def test_the_report_stands_where_it_is_said_to_stand_and_can_be_computed_again(call: Call, call_json: CallJson) -> None:
    first, again = call_json("weigh", "demo"), call_json("weigh", "demo", "--brief")
    assert first["report"] == again["report"]  # written anew, not beside the first
    page = Path(urlsplit(first["report"]).path)
    text = page.read_text("utf-8")
    for told in ("llama-3.1-405b", "WildEval/ZeroEval", "had seen them", "open weights", "closed"):
        assert told in text
    verified = call("weigh", "verify", str(page.with_name("evidence.json")), "--inputs", str(FILE))
    assert verified.exit_code == 0, verified.output
    assert call("weigh", "list", "--json").stdout.strip() in ("[]", "")  # among one's own weighings it is none


def test_the_report_is_written_where_one_likes(call_json: CallJson, tmp_path: Path) -> None:
    page = tmp_path / "a page.html"
    assert call_json("weigh", "demo", "--html", str(page))["report"] == page.as_uri()
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_changes_no_verdict(call: Call, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "demo").write_text("a file in the directory's place")
    result = call("weigh", "demo", "--brief", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["report"] is None
    assert told["cases"][0]["verdict"] == "SWAP"
    assert "the report is not written" in result.stderr
    asked = call("weigh", "demo", "--html", str(tmp_path / "nowhere" / "page.html"))
    assert asked.exit_code == 2


def test_the_numbers_that_come_along_are_those_that_were_recorded() -> None:
    ours = _columns(FILE.read_text("utf-8"))
    theirs = _columns(shared_file("zeroeval-gsm/correct.csv").read_text("utf-8"))
    models = [name for name in ours if name not in ("item", "steps")]
    assert len(models) == 12
    for model in models:
        assert ours[model] == theirs[COLUMNS.get(model, model)], model


def test_only_numbers_come_along_and_few_of_them() -> None:
    text = FILE.read_text("utf-8")
    assert len(text) < 50_000
    assert all(re.fullmatch(r"\d+,(0 to 2|3|4|5 to 8)(,[01]?){12}", line) for line in text.splitlines()[1:])


def _columns(text: str) -> Mapping[str, list[Any]]:
    heads, *rows = [line.split(",") for line in text.splitlines()]
    return dict(zip(heads, map(list, zip(*rows, strict=True)), strict=True))
