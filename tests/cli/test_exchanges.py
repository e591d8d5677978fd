"""Attempts that took something though their answer was not the client's, in rows and for people."""

import json

import msgspec
import pytest

from steelyard.cli.exchanges import as_row, print_exchange
from steelyard.core.exchange import Attempt, Exchange
from steelyard.core.usage import Usage
from steelyard.ledger.queries import Found

OUTRUN = Attempt("acme/slow", "outrun", 0.0, 50.0, usage=Usage(27, 0, estimated=True), cost_usd="0.000054")
FILTERED = Attempt("acme/strict", "filtered", 0.0, 50.0, 200, "A filter.", usage=Usage(8, 3), cost_usd=None)
EXCHANGE = Exchange(
    *("req_1", 0.0, "0", "chat/completions", "openai", None, "quick", "acme/fast", 200, "ok", False),
    attempts=(OUTRUN, FILTERED, Attempt("acme/fast", "ok", 40.0, 60.0, 200)),
)


def test_a_row_names_what_each_attempt_took() -> None:
    row = json.loads(json.dumps(as_row(Found(1, EXCHANGE))))
    outrun, _, answered = row["attempts"]
    assert outrun["usage"]["input"] == 27
    assert outrun["usage"]["estimated"] is True
    assert outrun["cost_usd"] == "0.000054"
    assert (answered["usage"], answered["cost_usd"]) == (None, None)


def test_people_read_what_an_attempt_took_and_that_it_is_an_estimate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_exchange(EXCHANGE)
    shown = capsys.readouterr().out
    assert "took 27 in, 0 out, $0.000054 (estimated)" in shown
    assert "A filter. (took 8 in, 3 out, cost unknown)" in shown


def test_attempts_of_earlier_records_are_read() -> None:
    early = b'["acme/ok","status",0.0,1.5,500,"told"]'
    read = msgspec.json.decode(early, type=Attempt)
    assert (read.deployment, read.detail, read.usage, read.cost_usd) == ("acme/ok", "told", None, None)
