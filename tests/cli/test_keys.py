"""`steelyard keys`."""

import json
from pathlib import Path

from tests.cli.conftest import Call, CallJson
from tests.support import config_text

ACME = "http://127.0.0.1:9/v1"


def test_a_key_is_printed_once_and_only_its_hash_is_kept(call_json: CallJson, call: Call, tmp_path: Path) -> None:
    made = call_json("keys", "create", "team-a")
    assert list(made) == ["id", "name", "key"]
    assert made["key"].startswith("sy-")
    assert made["key"] not in (tmp_path / "home" / "keys.json").read_text()
    listed = call("keys", "list")
    assert made["key"] not in listed.output
    assert "team-a" in listed.stdout


def test_for_a_person_stdout_holds_the_key_alone(call: Call) -> None:
    result = call("keys", "create", "team-a", "--route", "assistant", "--expires", "90d")
    assert result.stdout.startswith("sy-")
    assert len(result.stdout.split()) == 1
    assert "for assistant, until" in result.stderr


def test_limits_of_a_key_are_listed(call_json: CallJson) -> None:
    call_json("keys", "create", "team-a", "--route", "a", "--route", "b", "--expires", "1h", "--record", "full")
    (row,) = call_json("keys", "list")
    assert (row["routes"], row["record"], row["state"]) == (["a", "b"], "full", "live")
    assert 3590 < row["expires_at"] - row["created_at"] <= 3601


def test_a_key_has_the_priority_it_was_made_with_and_normal_without_one(call: Call, call_json: CallJson) -> None:
    told = call("keys", "create", "dialogue", "--priority", "high")
    assert "of high priority" in told.stderr
    call_json("keys", "create", "team-a")
    assert [(row["name"], row["priority"]) for row in call_json("keys", "list")] == [
        ("dialogue", "high"),
        ("team-a", "normal"),
    ]
    listed = call("keys", "list").stdout
    assert "high" in listed
    assert call("keys", "create", "b", "--priority", "urgent").exit_code == 2


def test_a_revoked_key_stays_in_the_list(call_json: CallJson) -> None:
    made = call_json("keys", "create", "team-a")
    assert call_json("keys", "revoke", "team-a")["id"] == made["id"]
    assert [row["state"] for row in call_json("keys", "list")] == ["revoked"]


def test_a_duration_that_is_none_is_bad_input(call: Call) -> None:
    result = call("keys", "create", "team-a", "--expires", "soon", "--json")
    assert result.exit_code == 2
    assert "is not a duration" in json.loads(result.stdout)["error"]["message"]


def test_a_key_for_a_route_that_is_none_is_made_with_a_note(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": ACME}, routes={"note": {"deployments": ["acme/ok"]}}))
    result = call("keys", "create", "b", "--route", "nope", "--route", "note", "--route", "acme/any")
    assert result.exit_code == 0
    assert result.stdout.startswith("sy-")
    assert 'No route or deployment is called "nope". Nearest: note.' in result.stderr
    assert result.stderr.count("Note:") == 1
