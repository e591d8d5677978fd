"""`steelyard weigh report`, `verify` and `list`, and the keeping of recorded weighings."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call, CallJson
from tests.weigh.evidence.given import gains, table
from tests.weigh.evidence.pages import Page

SIDES = ("--baseline", "a", "--candidate", "b", "--margin", "0.1")


@pytest.fixture
def results(tmp_path: Path) -> str:
    directory = tmp_path / "private" / "customer"
    directory.mkdir(parents=True)
    return str(table(directory / "results.csv", gains(120, topic=("x", "y"))))


@pytest.fixture(autouse=True)
def kept(catalogue_kept: None) -> None:
    """Have the catalogue read already."""


def weigh(call: Call, results: str, *more: str) -> Any:
    result = call("weigh", "recorded", results, *SIDES, *more, "--json")
    assert result.exit_code == 1, result.output
    return json.loads(result.stdout), result.stderr


def test_a_recorded_weighing_is_kept_listed_reported_and_verified(
    call: Call, call_json: CallJson, results: str, tmp_path: Path
) -> None:
    row, notes = weigh(call, results, "--slice", "topic")
    assert notes == f"report   steelyard weigh report {row['id']} --html report.html\n"
    (listed,) = call_json("weigh", "list")
    assert {**listed, "created": None} == {
        "id": row["id"], "created": None, "kind": "recorded", "title": "b for a", "models": ["a", "b"],
        "verdict": row["verdict"],
    }  # fmt: skip
    told = call_json("weigh", "report", row["id"], "--html", "out.html", "--json-out", "report.json")
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert told == {
        "id": row["id"], "verdict": row["verdict"], "html": "out.html", "json": "report.json",
        "sha256": report["sha256"],
    }  # fmt: skip
    assert report["verdict"] == {key: value for key, value in row.items() if key != "id"}
    assert report["sha256"] in Page((tmp_path / "out.html").read_text("utf-8")).text
    checked = call_json("weigh", "verify", "report.json", "--inputs", results)
    assert (checked["equal"], checked["differences"], checked["verdict"]) == (True, [], row["verdict"])
    assert checked["tolerance"] == 1e-9


def test_the_directory_of_a_file_is_not_kept(call: Call, results: str, tmp_path: Path) -> None:
    weigh(call, results)
    (folder,) = (tmp_path / "home" / "weighings").iterdir()
    for name in ("plan.json", "evidence.json"):
        content = (folder / name).read_text("utf-8")
        assert "results.csv" in content
        assert "customer" not in content
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    assert (plan["kind"], plan["models"], plan["declared"]["margin"]) == ("recorded", ["a", "b"], 0.1)
    evidence = json.loads((folder / "evidence.json").read_text("utf-8"))
    assert evidence["inputs"][0]["sha256"] in plan["source"]


def test_nothing_is_kept_that_nobody_wants_kept(call: Call, results: str, tmp_path: Path) -> None:
    row, notes = weigh(call, results, "--no-keep")
    assert "id" not in row
    assert notes == ""
    assert not (tmp_path / "home" / "weighings").exists()


def test_a_data_directory_that_cannot_be_written_is_no_reason_to_fail(call: Call, results: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "weighings").write_text("a file stands here", encoding="utf-8")
    row, notes = weigh(call, results)
    assert "id" not in row
    assert "Note: the weighing is not kept" in notes


def test_a_configuration_that_was_named_must_be_right(call: Call, results: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    result = call("weigh", "recorded", results, *SIDES, "--config", "own.toml")
    assert result.exit_code == 2
    assert "prot" in result.stderr


def test_a_configuration_that_nobody_named_may_be_wrong(call: Call, results: str, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    row, notes = weigh(call, results)
    assert "id" not in row
    assert "Note: the weighing is not kept" in notes


def test_a_file_whose_name_is_no_utf_8_is_kept_all_the_same(call: Call, results: str, tmp_path: Path) -> None:
    odd = os.fsdecode(b"r\xff.csv")
    (tmp_path / odd).write_bytes(Path(results).read_bytes())
    row, _ = weigh(call, odd)
    assert "id" in row
    (folder,) = (tmp_path / "home" / "weighings").iterdir()
    assert (
        json.loads((folder / "evidence.json").read_text("utf-8"))["inputs"][0]["name"]
        == "r\N{REPLACEMENT CHARACTER}.csv"
    )


def test_items_are_hashed_only_where_they_are_written(call: Call, results: str) -> None:
    weigh(call, results)
    result = call("weigh", "report", "latest", "--hash-items")
    assert result.exit_code == 2
    assert "--json-out" in result.stderr


def test_items_are_hashed_where_asked_for(call: Call, call_json: CallJson, results: str, tmp_path: Path) -> None:
    row, _ = weigh(call, results, "--hash-items")
    call_json("weigh", "report", row["id"], "--json-out", "one.json")
    report = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert report["items_hashed"]
    assert {len(one["item"]) for one in report["rows"]} == {64}
    again, _ = weigh(call, results)
    call_json("weigh", "report", again["id"], "--json-out", "two.json", "--hash-items")
    other = json.loads((tmp_path / "two.json").read_text("utf-8"))
    assert other["rows"] == report["rows"]
    for name in ("one.json", "two.json"):
        assert call_json("weigh", "verify", name, "--inputs", results)["equal"]


def test_a_report_that_was_changed_is_found_out(call: Call, call_json: CallJson, results: str, tmp_path: Path) -> None:
    row, _ = weigh(call, results)
    call_json("weigh", "report", row["id"], "--json-out", "report.json")
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    report["rows"][7]["candidate"] = 1 - report["rows"][7]["candidate"]
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    result = call("weigh", "verify", "report.json", "--inputs", results)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("$.sha256: the report says ")
    assert lines[1].startswith("$.rows[7].candidate: the report says ")
    assert lines[-1].startswith("NOT EQUAL: ")
    alone = call("weigh", "verify", "report.json")
    assert alone.exit_code == 1
    assert "The rows were not compared with what was weighed" in alone.stderr


def test_what_cannot_be_read_ends_in_2(call: Call, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"schema": 1, "sha256": ""}', encoding="utf-8")
    result = call("weigh", "verify", "odd.json")
    assert result.exit_code == 2
    assert "odd.json: no evidence of a weighing: Object missing required field" in result.stderr
    assert call("weigh", "verify", "gone.json").exit_code == 2
    assert call("weigh", "verify", "odd.json", "other.json").exit_code == 2


def test_a_page_is_written_beside_the_weighing_where_no_place_is_named(
    call: Call, call_json: CallJson, results: str
) -> None:
    row, _ = weigh(call, results)
    told = call_json("weigh", "report", "latest")
    assert told["id"] == row["id"]
    assert Path(told["html"]).is_file()
    assert Path(told["html"]).parent.name == row["id"]
    shown = call("weigh", "report", "latest")
    assert shown.stdout.startswith("verdict   NEED MORE ")


def test_licences_are_those_of_cards_and_stay_as_they_were_first_reported(
    call: Call, call_json: CallJson, tmp_path: Path
) -> None:
    models = "gpt-4o-2024-05-13", "HuggingFaceTB/SmolLM2-135M-Instruct"
    rows = [
        {models[{"a": 0, "b": 1}[key]] if key in ("a", "b") else key: value for key, value in row.items()}
        for row in gains(60)
    ]
    file = table(tmp_path / "w.csv", rows)
    sides = ("--baseline", models[0], "--candidate", models[1], "--margin", "0.1")
    assert call("weigh", "recorded", str(file), *sides).exit_code == 1
    first = call_json("weigh", "report", "latest", "--html", "page.html")
    cells = {row[0]: row for row in Page((tmp_path / "page.html").read_text("utf-8")).cells if row}
    assert cells["Licence or termsdiffers"][1:] == ["openai-services", "apache-2.0"]
    assert cells["Opennessdiffers"][1] == "closed"
    assert call_json("weigh", "report", "latest")["sha256"] == first["sha256"]


def test_an_unknown_weighing_is_told(call: Call) -> None:
    result = call("weigh", "report", "2020")
    assert result.exit_code == 2
    assert 'No weighing is called "2020"' in result.stderr


def test_a_list_of_nothing_is_empty(call: Call, call_json: CallJson) -> None:
    assert call_json("weigh", "list") == []
    assert "No weighings in" in call("weigh", "list").stderr


def test_a_broken_weighing_does_not_hide_the_others(call: Call, call_json: CallJson, results: str) -> None:
    row, _ = weigh(call, results)
    folder = Path(call_json("weigh", "report", row["id"])["html"]).parent
    broken = folder.with_name("20200101-000000-aaaa")
    broken.mkdir()
    (broken / "plan.json").write_text("{", encoding="utf-8")
    result = call("weigh", "list", "--json")
    assert [one["id"] for one in json.loads(result.stdout)] == [row["id"]]
    assert "20200101-000000-aaaa" in result.stderr
