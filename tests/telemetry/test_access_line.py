"""A line of the access log says how a call went, and nothing of what was said."""

import json
from datetime import datetime

import pytest

from steelyard.telemetry.access_line import BEGINS, AccessLine, line_of
from tests.docs.pages import cells, read
from tests.journal.samples import exchange

SECRET = b"k" * 32


def test_a_line_holds_what_a_log_is_read_for() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    line = line_of(exchange(7, stream=True, traceparent=parent), SECRET)
    assert line.startswith(BEGINS.encode())
    assert b"\n" not in line
    row = json.loads(line)
    assert datetime.fromisoformat(row["time"]).timestamp() == 1_760_000_000.25
    assert row == {
        "time": "2025-10-09T08:53:20.250Z",
        "id": f"req_{7:032x}",
        "worker": "w0",
        "endpoint": "/v1/chat/completions",
        "dialect": "openai",
        "key": "team-a",
        "user": None,
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "route": "assistant",
        "deployment": "openai/gpt-4.1",
        "model": "gpt-4.1-2025-04-14",
        "status": 200,
        "outcome": "ok",
        "stream": True,
        "attempts": 2,
        "finish_reason": "stop",
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_tokens": 50,
        "tokens_estimated": False,
        "cost_usd": "0.00026",
        "first_byte_ms": 800.1,
        "duration_ms": 812.2,
        "request_bytes": 812,
        "response_bytes": 1043,
    }


def test_neither_bodies_nor_errors_nor_users_stand_in_it() -> None:
    told = exchange(
        1, record="full", request=b"SECRET", response=b"SECRET", error="SECRET", end_user="SECRET", usage_raw=b"SECRET"
    )
    assert b"SECRET" not in line_of(told, SECRET)


def test_a_user_has_one_hash_an_installation() -> None:
    def user(name: str, secret: bytes) -> str:
        hashed: str = json.loads(line_of(exchange(1, end_user=name), secret))["user"]
        return hashed

    assert user("ann", SECRET) == user("ann", SECRET)
    assert len({user("ann", SECRET), user("bob", SECRET), user("ann", b"other")}) == 3


def test_unknown_is_null() -> None:
    row = json.loads(line_of(exchange(1, usage=None, cost_usd=None, first_byte_ms=None, deployment=None), SECRET))
    unknown = {
        "user",
        "trace",
        "deployment",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "cost_usd",
        "first_byte_ms",
    }
    assert {name for name, value in row.items() if value is None} == unknown


@pytest.mark.parametrize("seconds", [float("nan"), 1e300, -1e300])
def test_a_time_that_no_calendar_holds_is_no_fault(seconds: float) -> None:
    assert json.loads(line_of(exchange(1, received_at=seconds), SECRET))["time"] == "1970-01-01T00:00:00.000Z"


def test_names_that_callers_made_too_long_are_cut() -> None:
    row = json.loads(line_of(exchange(1, deployment="acme/" + "m" * 10_000), SECRET))
    assert len(row["deployment"]) == 500


def test_every_field_is_documented() -> None:
    rows = cells(read("docs/guides/access-log.md"))
    assert [row[0].strip("`") for row in rows] == list(AccessLine.__struct_fields__)
    assert all(row[1].endswith(".") for row in rows)
