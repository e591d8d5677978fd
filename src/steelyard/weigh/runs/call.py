"""One answered call of a weighing: a line of `calls.jsonl`."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import field

from steelyard.core.loose import JsonObject
from steelyard.weigh.calls.caller import CameBack

__all__ = ["FINAL", "FREE", "Call", "settled"]

FINAL: Final = frozenset({400, 413, 422})
"""Statuses after which the same call would fail the same way: the request itself is refused. It is not made again."""

FREE: Final = range(400, 500)
"""Statuses of calls that were refused before a model answered: they cost nothing."""


class Call(CameBack, frozen=True, kw_only=True):
    """What one model answered to one item, once.

    `output` None: there is no answer, and `error` says why, with its `code`. `tool_calls` are OpenAI's, where there are
    any. `score` None: unknown; `parsed` False: nothing could be read from the output. `scorer` is the label and
    `version` that of the rules; None: not scored. Where `cost_usd` is None, `cost_at_most_usd` says what the call may
    have cost; None: that is unknown too. `attempts` counts the tries."""

    item: str
    model: str
    repeat: int
    output: str | None
    code: str | None = None
    tool_calls: tuple[JsonObject, ...] = ()
    cost_at_most_usd: str | None = None
    attempts: int = 1
    score: float | None = None
    parsed: bool = True
    scorer: str | None = None
    version: str | None = None
    detail: JsonObject = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """Which of the planned calls it is: item, model, repeat."""
        return self.item, self.model, self.repeat

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.output is not None

    @property
    def again(self) -> bool:
        """Whether it is made again when the weighing is resumed: it failed, for a reason that may pass."""
        return self.output is None and self.status not in FINAL

    @property
    def unpriced(self) -> bool:
        """Whether nobody knows what it cost."""
        return self.cost_usd is None and self.status not in FREE

    @property
    def said(self) -> str | None:
        """What is scored: the text; with calls of tools, a message as JSON that holds both."""
        if not self.tool_calls or self.output is None:
            return self.output
        return msgspec.json.encode({"content": self.output, "tool_calls": self.tool_calls}).decode()


def settled(calls: Sequence[Call]) -> list[int]:
    """Return the places of the lines that count: of each planned call the last one that was answered, else its last.

    A call that failed and was made again has several lines; all of them may have cost something."""
    counts: dict[tuple[str, str, int], int] = {}
    for place, call in enumerate(calls):
        held = counts.get(call.key)
        if held is None or call.answered or not calls[held].answered:
            counts[call.key] = place
    return sorted(counts.values())
