"""What callers, providers and models sent must not command a terminal."""

import pytest

from steelyard.cli.child import Event
from steelyard.cli.exchanges import print_exchange, print_line_of
from steelyard.cli.narrator import Narrator
from steelyard.cli.shown import table
from steelyard.core.exchange import Attempt, Exchange
from steelyard.ledger.queries import Found

EVIL = "a\x1b[2Jb\x9bc\x00\nd"
SEEN = r"a\x1b[2Jb\x9bc\x00\x0ad"

EXCHANGE = Exchange(
    *("req_1", 0.0, "0", "chat/completions", "openai", None, EVIL, None, 404, "rejected", False),
    attempts=(Attempt(EVIL, "status", 0.0, 1.0, detail=EVIL),),
    error=EVIL,
    model_reported=EVIL,
    end_user=EVIL,
    response=EVIL.encode(),
)


def _harmless(text: str) -> bool:
    return not any(letter != "\n" and (letter < " " or "\x7f" <= letter < "\xa0") for letter in text)


def test_a_line_of_the_ledger_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line_of(Found(1, EXCHANGE))
    shown = capsys.readouterr().out
    assert SEEN in shown
    assert _harmless(shown)
    assert shown.count("\n") == 1


def test_an_exchange_is_shown_with_newlines_in_bodies_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print_exchange(EXCHANGE)
    shown = capsys.readouterr().out
    assert _harmless(shown)
    assert f"error           {SEEN}" in shown
    assert SEEN.replace(r"\x0a", "\n") in shown.partition("response")[2]


def test_cells_of_tables_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    table(("NAME",), [(EVIL,)])
    assert SEEN in capsys.readouterr().out


def test_lines_of_children_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator(as_json=False)(Event("said", "engine", EVIL.replace("\n", "")))
    assert capsys.readouterr().err == "engine: " + SEEN.replace(r"\x0a", "") + "\n"
