"""`steelyard models`, with the real model."""

import json
from pathlib import Path

from steelyard.engines.store import StoredModel
from tests.cli.conftest import Call, CallJson


def test_what_could_be_pulled_is_listed_before_it_is(call_json: CallJson) -> None:
    (row,) = [row for row in call_json("models", "list") if row["name"] == "smollm2-135m"]
    assert (row["state"], row["size_bytes"], row["licence"]) == ("not pulled", 98362432, "Apache-2.0")


def test_a_file_is_pulled_shown_and_removed(call_json: CallJson, call: Call, smollm: StoredModel) -> None:
    pulled = call_json("models", "pull", str(smollm.path), "--name", "mine")
    assert pulled["sha256"] == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert call_json("models", "show", "mine")["claims"]["context"]["value"] == 8192
    assert "98.4 MB" in call("models", "list").stdout
    assert call_json("models", "remove", "mine")["removed"] is True
    assert not Path(pulled["path"]).exists()
    assert smollm.path.exists()


def test_a_model_that_is_not_here_is_told_how_to_get(call: Call) -> None:
    result = call("models", "show", "smollm2-135m", "--json")
    assert result.exit_code == 2
    assert "steelyard models pull smollm2-135m" in json.loads(result.stdout)["error"]["message"]


def test_notes_of_a_pull_go_to_stderr(call: Call, smollm: StoredModel) -> None:
    result = call("models", "pull", str(smollm.path), "--name", "mine", "--json")
    assert json.loads(result.stdout)["name"] == "mine"
    assert "Checking" in result.stderr
