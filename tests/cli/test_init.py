"""`steelyard init`."""

from pathlib import Path

import pytest

from steelyard.catalog.prices import priced_models
from steelyard.catalog.providers import provider_table
from steelyard.cli.init import USUAL_MODELS
from steelyard.config.loader import load_config
from tests.cli.conftest import Call, CallJson
from tests.fake import FakeProvider

SECRET = "sk-that-nobody-may-see"


def test_what_is_found_is_written_and_loads(call_json: CallJson, home_with_model: Path) -> None:
    told = call_json("init", env={"OPENAI_API_KEY": SECRET})
    text = (home_with_model / "steelyard.toml").read_text()
    assert SECRET not in text
    config = load_config(home_with_model / "steelyard.toml", {}, {})
    assert config.routes["assistant"].deployments == ("openai/gpt-4.1", "local/smollm2-135m")
    assert told["local_models"] == ["smollm2-135m"]
    assert told["providers"][0]["because"] == "OPENAI_API_KEY is set"


def test_keys_of_every_dialect_are_found(call_json: CallJson, tmp_path: Path) -> None:
    env = {"ANTHROPIC_API_KEY": SECRET, "GEMINI_API_KEY": SECRET, "AWS_PROFILE": "work", "AWS_REGION": "eu-central-1"}
    told = call_json("init", env=env)
    found = {row["id"]: row["because"] for row in told["providers"]}
    assert found == {
        "anthropic": "ANTHROPIC_API_KEY is set",
        "gemini": "GEMINI_API_KEY is set",
        "bedrock": "AWS_PROFILE is set",
    }
    config = load_config(tmp_path / "steelyard.toml", {}, {})
    assert config.routes["assistant"].deployments == (
        "anthropic/claude-sonnet-4-5",
        "gemini/gemini-2.5-flash",
        "bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    )


def test_a_server_of_this_machine_is_found_by_its_models(call_json: CallJson) -> None:
    with FakeProvider() as provider:
        told = call_json("init", env=_base_url("vllm", provider.base_url))
    (found,) = [row for row in told["providers"] if row["id"] == "vllm"]
    assert "ok" in found["models"]


def test_a_file_that_is_there_is_kept(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text("# mine\n")
    result = call("init")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (tmp_path / "steelyard.toml").read_text() == "# mine\n"


def test_force_replaces_it(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text("# mine\n")
    assert call("init", "--force").exit_code == 0
    assert "# mine" not in (tmp_path / "steelyard.toml").read_text()


def test_a_place_that_cannot_be_written_is_told(call: Call) -> None:
    result = call("init", "--config", "nowhere/steelyard.toml")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(("name", "model"), USUAL_MODELS.items())
def test_models_to_begin_with_have_a_known_price(name: str, model: str) -> None:
    prices = provider_table()[name].prices
    assert prices is not None
    assert model in priced_models(prices)


def _base_url(provider: str, address: str) -> dict[str, str]:
    return {provider_table()[provider].base_url_env[0]: address}
