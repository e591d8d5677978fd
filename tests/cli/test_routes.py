"""`steelyard routes`."""

import json
from pathlib import Path

from tests.cli.conftest import Call, CallJson
from tests.support import config_text

SECRET = "sk-that-nobody-may-see"


def _write(directory: Path) -> None:
    text = config_text(
        {"acme": {"base_url": "https://api.acme.example/v1", "api_key": "env:ACME_API_KEY", "region": "eu-fr"}},
        routes={
            "assistant": {"deployments": ["acme/large", "openai/gpt-4.1", "local/none"], "retries": 1},
            "nobody": {"deployments": ["openai/gpt-4.1"]},
        },
        deployments={"acme/large": {"price": {"input_usd_per_mtok": "2.50", "output_usd_per_mtok": "10"}}},
    )
    (directory / "steelyard.toml").write_text(text)


def test_a_plan_is_explained_with_prices_and_reasons_and_no_secret(call_json: CallJson, tmp_path: Path) -> None:
    _write(tmp_path)
    plan = call_json("routes", "explain", "assistant", env={"ACME_API_KEY": SECRET})
    (chosen,) = plan["deployments"]
    assert (chosen["deployment"], chosen["region"]) == ("acme/large", "eu-fr")
    assert chosen["address"] == "https://api.acme.example/v1/chat/completions"
    assert chosen["price"]["input_usd_per_mtok"] == "2.5"
    assert chosen["price"]["output_usd_per_mtok"] == "10"
    reasons = {row["deployment"]: row["reason"] for row in plan["left_out"]}
    assert "OPENAI_API_KEY" in reasons["openai/gpt-4.1"]
    assert "No local model" in reasons["local/none"]
    assert plan["retries"] == 1
    assert SECRET not in json.dumps(plan)


def test_a_route_that_nobody_could_answer_is_a_no(call: Call, tmp_path: Path) -> None:
    _write(tmp_path)
    result = call("routes", "explain", "nobody")
    assert result.exit_code == 1
    assert "left out: openai/gpt-4.1: No key for provider" in result.stdout


def test_a_provider_without_its_key_is_explained_too(call: Call) -> None:
    result = call("routes", "explain", "openai/gpt-4.1", "--json")
    assert result.exit_code == 1
    assert "OPENAI_API_KEY" in json.loads(result.stdout)["left_out"][0]["reason"]


def test_an_unknown_route_is_bad_input(call: Call) -> None:
    assert call("routes", "explain", "nothing").exit_code == 2


def test_an_unknown_price_is_shown_as_unknown(call: Call) -> None:
    result = call("routes", "explain", "openai/of-my-own", env={"OPENAI_API_KEY": SECRET})
    assert result.exit_code == 0
    assert "unknown" in result.stdout
    assert "$0" not in result.stdout
    assert SECRET not in result.output


def test_routes_are_listed_with_what_is_left_out(call_json: CallJson, tmp_path: Path) -> None:
    _write(tmp_path)
    rows = {row["name"]: row for row in call_json("routes", "list", env={"ACME_API_KEY": SECRET})}
    assert rows["assistant"]["deployments"] == ["acme/large"]
    assert set(rows["assistant"]["left_out"]) == {"openai/gpt-4.1", "local/none"}
    assert rows["nobody"]["deployments"] == []


def _speaking(directory: Path) -> dict[str, str]:
    acme = {"base_url": "https://api.acme.example/v1", "streaming": "always"}
    mixed = ["acme/large", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "openai/gpt-4.1"]
    routes = {"mixed": {"deployments": mixed, "strict": True}}
    (directory / "steelyard.toml").write_text(config_text({"acme": acme}, routes=routes))
    return {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET, "GEMINI_API_KEY": SECRET}


def test_it_is_said_who_is_relayed_and_who_is_translated(call_json: CallJson, tmp_path: Path) -> None:
    plan = call_json("routes", "explain", "mixed", env=_speaking(tmp_path))
    rows = {row["deployment"]: (row["dialect"], row["clients"]) for row in plan["deployments"]}
    relayed = {"whole": "relayed", "stream": "relayed"}
    translated = {"whole": "translated", "stream": "translated"}
    assert rows["anthropic/claude-sonnet-4-5"] == (
        "anthropic",
        {"openai": translated, "openai-responses": translated, "anthropic": relayed, "gemini": translated},
    )
    assert rows["gemini/gemini-2.5-flash"][1]["gemini"] == relayed
    assert rows["openai/gpt-4.1"][1] == {
        "openai": relayed,
        "openai-responses": relayed,
        "anthropic": translated,
        "gemini": translated,
    }
    # It only streams: whole answers are put together, also in its own dialect.
    assert rows["acme/large"][1]["openai"] == {"whole": "translated", "stream": "relayed"}
    assert plan["strict"] is True


def test_a_person_is_told_who_is_relayed_and_who_is_translated(call: Call, tmp_path: Path) -> None:
    lines = call("routes", "explain", "mixed", env={**_speaking(tmp_path), "COLUMNS": "160"}).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "SPEAKS" in line)
    head, _, acme, claude = lines[at : at + 4]
    assert "ANTHROPIC CLIENTS" in head
    assert acme.split()[2:7] == ["openai", "translated,", "streams", "relayed", "translated"]
    assert claude.split()[2:] == ["anthropic", "translated", "translated", "relayed", "translated"]
    assert any(line.split(maxsplit=1) == ["losses", "refused (strict)"] for line in lines)
