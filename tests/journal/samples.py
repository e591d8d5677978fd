"""Exchanges to write, and what a directory holds."""

from pathlib import Path

import msgspec

from steelyard.core.exchange import Attempt, Exchange
from steelyard.core.usage import Usage
from steelyard.journal.tail import Batch, Tail

__all__ = ["drained", "exchange", "ids"]

_SAMPLE = Exchange(
    id="req_019ab0000000aaaaaaaaaaaaaaaaaaaa",
    received_at=1_760_000_000.25,
    worker="w0",
    endpoint="/v1/chat/completions",
    dialect="openai",
    key="team-a",
    route="assistant",
    deployment="openai/gpt-4.1",
    status=200,
    outcome="ok",
    stream=False,
    attempts=(
        Attempt("acme/gpt-4.1", "refused", 0.1, 2.5, None, "connection refused"),
        Attempt("openai/gpt-4.1", "ok", 2.6, 812.2, 200),
    ),
    first_byte_ms=800.1,
    last_byte_ms=812.2,
    usage=Usage(100, 20, 50),
    usage_raw=b'{"prompt_tokens":100,"completion_tokens":20}',
    cost_usd="0.00026",
    price_source="genai-prices 0.2.3",
    finish_reason="stop",
    request_bytes=812,
    response_bytes=1043,
    model_reported="gpt-4.1-2025-04-14",
)


def exchange(number: int = 0, **changes: object) -> Exchange:
    """Return a call like any other; `number` goes into its id."""
    return msgspec.structs.replace(_SAMPLE, **{"id": f"req_{number:032x}", **changes})


def ids(batch: Batch) -> list[int]:
    """Return the numbers of a batch's exchanges."""
    return [int(entry.exchange.id.removeprefix("req_"), 16) for entry in batch.entries]


def drained(directory: Path, limit: int = 2000) -> list[int]:
    """Return the numbers of all exchanges in a directory, read and accepted batch by batch."""
    tail = Tail(directory, {})
    found: list[int] = []
    while True:
        batch = tail.read(limit)
        tail.accept(batch)
        if not batch.positions:
            return found
        found += ids(batch)
