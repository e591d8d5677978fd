"""Ask judges: many calls at once, each written down when it is answered, until all are or a reason says stop."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable

from steelyard.weigh.calls.caller import Caller, Reply
from steelyard.weigh.judges.asks import Ask, Way, judged
from steelyard.weigh.judges.ceiling import Ceiling
from steelyard.weigh.judges.judgement import Judgement

__all__ = ["ask_all", "remaining"]

_LASTING = (401, 403, 404)
"""Statuses that the next call of the same judge would get too (docs/reference/errors.md), where no call had an answer
yet."""

_PATIENCE = 10
"""Calls of a judge without an answer, one after the other and with none before, after which it is asked no more."""


def remaining(asks: Iterable[Ask], judgements: Iterable[Judgement]) -> list[Ask]:
    """Return what is still to be asked: what was not, and what has no answer."""
    answered = {one.asked for one in judgements if one.reply is not None}
    return [ask for ask in asks if ask.asked not in answered]


async def ask_all(
    asks: Iterable[Ask],
    way: Way,
    caller: Caller,
    ceiling: Ceiling,
    at_once: int,
    on_judgement: Callable[[Judgement], None],
) -> str | None:
    """Make the calls in their order, `at_once` at a time; return why not all were made, None where they were.

    A judge that never answers is not asked on. Raises EngineError where the gateway is gone; what was answered before
    has been given to `on_judgement`.
    """
    queue = deque(asks)
    answered: set[str] = set()
    failed: Counter[str] = Counter()

    def note(judge: str, reply: Reply) -> None:
        if reply.text is not None:
            answered.add(judge)
            return
        failed[judge] += 1
        if judge not in answered and (reply.status in _LASTING or failed[judge] >= _PATIENCE):
            ceiling.stop(f"{judge} gives no answer: {reply.error}")

    async def work() -> None:
        while queue and await ceiling.begin():
            reply: Reply | None = None
            try:
                if not queue:
                    return
                ask = queue.popleft()
                reply = await caller.call(ask.request)
                on_judgement(judged(ask, way, reply))
                note(ask.request.model, reply)
            finally:
                told = reply is not None and reply.text is not None
                await ceiling.end(reply.cost_usd if reply is not None else None, answered=told)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
    return ceiling.reason if queue else None
