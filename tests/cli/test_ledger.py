"""`steelyard ledger`, on calls that went through a real gateway and a real clerk."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.cli.program import Program, run_program, until
from tests.fake import FakeProvider
from tests.support import RawHTTP, config_text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose ledger holds four calls: one with a price, one without, one for a model that is unknown, and one
    that was translated."""
    directory = tmp_path_factory.mktemp("ledger")
    with FakeProvider() as provider:
        text = config_text(
            {"acme": provider.base_url},
            server={"record": "full"},
            deployments={"acme/ok": {"price": {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}}},
        )
        (directory / "steelyard.toml").write_text(text)
        with Program("up", "--json", "--port", "0", cwd=directory) as up:
            up.wait_ready("gateway", "clerk")
            with RawHTTP(up.address) as http:
                assert http.chat("acme/ok").status == 200
                assert http.chat("acme/echo").status == 200
                assert http.chat("acme/nobody").status == 404
                ask: dict[str, Any] = {
                    "model": "acme/ok",
                    "max_tokens": 20,
                    "messages": [{"role": "user", "content": "Hi there"}],
                }
                assert http.request("POST", "/v1/messages", **ask, top_k=3).status == 200
            assert up.end() == 0, up.told
    return directory


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(home)
    return {"STEELYARD_HOME": str(home / "home"), "STEELYARD_CONFIG": str(home / "steelyard.toml")}


def test_tail_prints_an_object_a_line(call: Call, here: dict[str, str]) -> None:
    rows = [json.loads(line) for line in call("ledger", "tail", "--json", env=here).stdout.splitlines()]
    assert [row["deployment"] for row in rows] == ["acme/ok", "acme/echo", "acme/nobody", "acme/ok"]
    assert rows[0]["usage"]["output"] > 0
    assert rows[0]["attempts"][0]["outcome"] == "ok"
    assert rows[0]["cost_usd"] is not None
    assert rows[1]["cost_usd"] is None


def test_tail_takes_as_many_as_are_asked_for(call: Call, here: dict[str, str]) -> None:
    assert len(call("ledger", "tail", "-n", "2", env=here).stdout.splitlines()) == 2


def test_an_unknown_cost_is_never_nothing(call: Call, here: dict[str, str]) -> None:
    lines = call("ledger", "cost", "--by", "model", env=here).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("acme/echo")]
    assert "unknown" in line
    assert "$0" not in line
    rows = {row["group"]: row for row in json.loads(call("ledger", "cost", "--by", "model", "--json", env=here).stdout)}
    assert rows["acme/echo"]["cost_usd"] is None
    assert rows["acme/echo"]["unknown"] == 1
    assert float(rows["acme/ok"]["cost_usd"]) > 0


@pytest.mark.parametrize("by", ["route", "model", "key", "day"])
def test_cost_adds_up_every_call_whatever_it_is_added_up_by(call: Call, here: dict[str, str], by: str) -> None:
    rows = json.loads(call("ledger", "cost", "--by", by, "--json", env=here).stdout)
    assert sum(row["calls"] for row in rows) == 4


def test_an_exchange_is_shown_with_its_attempts_and_bodies(call: Call, here: dict[str, str]) -> None:
    first = json.loads(call("ledger", "tail", "--json", env=here).stdout.splitlines()[0])
    shown = json.loads(call("ledger", "show", first["id"], "--json", env=here).stdout)
    assert json.loads(shown["request"])["model"] == "acme/ok"
    text = call("ledger", "show", first["id"][:20], env=here).stdout
    for word in ("acme/ok", "200 ok", "ATTEMPT", "cost", "request"):
        assert word in text


def test_a_translated_call_is_shown_with_its_dialects_and_what_got_lost(call: Call, here: dict[str, str]) -> None:
    last = json.loads(call("ledger", "tail", "-n", "1", "--json", env=here).stdout)
    shown = json.loads(call("ledger", "show", last["id"], "--json", env=here).stdout)
    assert (shown["dialect"], shown["spoken"]) == ("anthropic", "openai")
    lost = {(one["path"], one["how"]): one["reason"] for one in shown["losses"]}
    assert lost["top_k", "dropped"]
    lines = call("ledger", "show", last["id"], env=here).stdout.splitlines()
    assert any(line.split(maxsplit=1) == ["dialect", "anthropic, translated to openai"] for line in lines)
    (line,) = [line for line in lines if line.startswith("top_k ")]
    assert line.split(maxsplit=2) == ["top_k", "dropped", lost["top_k", "dropped"]]


def test_a_relayed_call_has_lost_nothing(call: Call, here: dict[str, str]) -> None:
    first = json.loads(call("ledger", "tail", "--json", env=here).stdout.splitlines()[0])
    assert (first["dialect"], first["spoken"], first["losses"]) == ("openai", None, [])
    text = call("ledger", "show", first["id"], env=here).stdout
    assert "translated" not in text
    assert "LOST" not in text


def test_an_id_that_is_none_is_bad_input(call: Call, here: dict[str, str]) -> None:
    assert call("ledger", "show", "req_nothing", env=here).exit_code == 2


def test_without_a_ledger_it_is_told_what_makes_one(call: Call) -> None:
    result = call("ledger", "cost")
    assert result.exit_code == 2
    assert "steelyard up" in result.stderr


def test_following_prints_what_comes_until_it_is_ended(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        (tmp_path / "steelyard.toml").write_text(config_text({"acme": provider.base_url}))
        with Program("up", "--json", "--port", "0", cwd=tmp_path) as up:
            up.wait_ready("gateway", "clerk")
            with Program("ledger", "tail", "-f", "--json", cwd=tmp_path) as tail, RawHTTP(up.address) as http:
                http.chat("acme/ok")
                until(lambda: len(tail.lines) == 1, f"the first call\n{tail.told}")
                http.chat("acme/echo")
                until(lambda: len(tail.lines) == 2, f"the second call\n{tail.told}")
                assert tail.end(signal.SIGINT) == 0
                assert tail.notes == []
            assert up.end() == 0
    assert json.loads(tail.lines[1])["deployment"] == "acme/echo"


def test_the_ledger_is_read_beside_a_configuration_named_by_a_flag(home: Path, tmp_path: Path) -> None:
    done = run_program(
        *("ledger", "cost", "--config", str(home / "steelyard.toml"), "--json"),
        cwd=tmp_path,
        STEELYARD_HOME=str(home / "home"),
    )
    assert sum(row["calls"] for row in json.loads(done.stdout)) == 4


def test_a_ledger_that_is_a_file_is_named_by_its_plain_path(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "dätä dir"
    result = call("ledger", "cost", env={"STEELYARD_HOME": str(home)})
    assert result.exit_code == 2
    assert f"{home}/ledger.sqlite3" in result.stderr
