"""One answered call of a weighing: a line of `calls.jsonl`."""

from typing import Any

from msgspec import Struct

__all__ = ["Call"]


class Call(Struct, frozen=True, kw_only=True):
    """What one model answered to one item, once.

    `exchange` is the id under which the gateway recorded it. `output` None: there is no answer, and `error` says why.
    `tool_calls` are OpenAI's, where there are any. `score` None: unknown; `parsed` False: nothing could be read from
    the output. `scorer` is the label and `version` that of the rules; None: not scored. `cost_usd` is a decimal string,
    None: unknown. Times are seconds: `started_at` since the epoch, `took_s` until the whole answer was there."""

    item: str
    model: str
    repeat: int
    exchange: str | None
    status: int | None
    output: str | None
    error: str | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    finish_reason: str | None = None
    deployment: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: str | None = None
    started_at: float
    took_s: float
    score: float | None = None
    parsed: bool = True
    scorer: str | None = None
    version: str | None = None
    detail: dict[str, Any] = {}
