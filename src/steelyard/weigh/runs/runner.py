"""Make the calls of a plan, several at a time, and write each down when it has come back."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from steelyard.catalog.charge import usd_text
from steelyard.core.errors import ConfigError, EngineError
from steelyard.core.loose import Members
from steelyard.weigh.calls.caller import Caller, Reply, Request
from steelyard.weigh.runs.asked import Asked, lost_of, most_of
from steelyard.weigh.runs.call import FREE, Call, settled
from steelyard.weigh.runs.folder import Appender, Folder
from steelyard.weigh.runs.order import Group, groups_of
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.runs.prices import Offers, bound_of
from steelyard.weigh.runs.purse import Purse, charged, spent_by
from steelyard.weigh.runs.scoring import Scoring
from steelyard.weigh.runs.unread import UNREAD_IN_A_ROW, Unread
from steelyard.weigh.scorers.score import Scorer

__all__ = ["Ended", "Pace", "Progress", "Runner", "Stopped", "left_of"]

Stopped: TypeAlias = Literal["ceiling", "interrupted", "refused", "failing", "gateway", "scorer", "unread"]
"""Why a run ended before its calls were made: the ceiling; a person; what would refuse every call; a model of which
nothing comes back; a gateway that went away; an answer that the scorer cannot score; a model of which nothing can be
read."""

_REFUSALS: Final = frozenset(
    {
        *("policy_denied", "route_not_allowed", "host_not_allowed", "origin_not_allowed"),
        *("missing_api_key", "invalid_api_key", "key_expired", "key_revoked"),
        *("model_not_found", "endpoint_not_served", "provider_not_configured", "route_empty"),
    }
)
"""The gateway's codes that the next call of the same model would get too (docs/reference/errors.md)."""
_FAILURES_IN_A_ROW: Final = 10


class Pace(Struct, frozen=True, kw_only=True):
    """How fast, and how far. `ceiling` None: there is none. `offers` says who may answer at which price, `unread` how
    many outputs of a model in a row may be unparsed (0: any number)."""

    concurrency: int = 8
    unread: int = UNREAD_IN_A_ROW
    ceiling: Decimal | None = None
    offers: Offers = {}


class Progress(Struct, frozen=True):
    """How far it has come, earlier runs of the same weighing included. `unpriced` calls cost nobody knows how much."""

    done: int
    failed: int
    total: int
    spent_usd: Decimal
    unpriced: int


class Ended(Struct, frozen=True):
    """How a run ended. `stopped` None: every call was made; else `why` says what happened, for people."""

    stopped: Stopped | None
    why: str
    progress: Progress


class Runner:
    """One run of a weighing: what is left of its plan. `watch` is told of every call that has come back.

    `stop` ends it: calls under way come back and are written down, and no more are made."""

    def __init__(
        self,
        folder: Folder,
        made: Scorer | None,
        caller: Caller,
        pace: Pace,
        watch: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._scorer = made
        self._caller = caller
        self._pace = pace
        self._watch = watch
        self._stopped: tuple[Stopped, str] | None = None
        self._broken: Exception | None = None
        self._back = asyncio.Event()
        self._failures: Counter[str] = Counter()
        self._unread = Unread(pace.unread)
        self._under_way = 0
        self._done = self._failed = self._unpriced = self._total = 0
        self._purse = Purse(None)

    def stop(self, kind: Stopped, why: str) -> None:
        """Make no more calls. The first reason is the one that is told."""
        self._stopped = self._stopped or (kind, why)

    @property
    def under_way(self) -> int:
        """How many calls have not come back."""
        return self._under_way

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return Progress(self._done, self._failed, self._total, self._purse.spent, self._unpriced)

    async def run(self) -> Ended:
        """Make the calls. Raises StoreError where they cannot be written, or another process writes them."""
        plan = self._folder.plan()
        items = self._folder.items()
        with self._folder.appending("calls.jsonl") as lines, self._folder.appending("asked.jsonl") as asked:
            earlier = self._folder.read("calls.jsonl", Call)
            with Scoring(self._scorer, {item.id: item for item in items}) as scoring:
                await self._score_again(earlier, scoring, lines)
                self._begin(plan.repeats * len(plan.models) * len(items), earlier)
                made = frozenset(call.key for call in _counting(earlier) if not call.again)
                await self._make(list(groups_of(plan, items, made)), _Desk(scoring, lines, asked))
                self._watch(self.progress)  # the last call was told of before it was paid for
        kind, why = self._stopped or (None, "")
        return Ended(kind, why, self.progress)

    def _begin(self, total: int, earlier: Sequence[Call]) -> None:
        counting = [call for call in _counting(earlier) if not call.again]
        self._total = total
        self._done = len(counting)
        self._failed = sum(not call.answered for call in counting)
        lost = lost_of(self._folder.read("asked.jsonl", Asked), earlier)
        self._unpriced = sum(call.unpriced for call in earlier) + len(lost)
        self._purse = Purse(self._pace.ceiling, spent_by(earlier) + sum(map(most_of, lost), Decimal(0)))
        self._watch(self.progress)

    async def _score_again(self, earlier: list[Call], scoring: Scoring, lines: Appender) -> None:
        """Score what came back and was not scored, because the scorer could not."""
        if self._scorer is None:
            return
        for place in settled(earlier):
            if earlier[place].answered and earlier[place].scorer is None:
                # It was paid for once: the line that says so is the first.
                again = replace(await scoring.scored(earlier[place]), cost_usd="0", cost_at_most_usd=None)
                lines.append(again)
                earlier.append(again)

    async def _make(self, groups: Sequence[Group], desk: "_Desk") -> None:
        slots = asyncio.Semaphore(self._pace.concurrency)
        tasks: set[asyncio.Task[None]] = set()
        try:
            for group in groups:
                wanted = [self._asked(group, model) for model in group.models]
                if not await self._reserved(sum(map(most_of, wanted), Decimal(0)), group):
                    break
                for asked in wanted:
                    await slots.acquire()
                    if self._stopped is not None:
                        slots.release()
                        break
                    self._under_way += 1
                    task = asyncio.create_task(self._one(asked, group.item, desk, slots))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._broken is not None:
            raise self._broken

    def _asked(self, group: Group, model: str) -> Asked:
        bound = bound_of(group.item, self._pace.offers.get(model, ())).usd
        told = None if bound is None else usd_text(bound)
        return Asked(item=group.item.id, model=model, repeat=group.repeat, at_most_usd=told)

    async def _reserved(self, amount: Decimal, group: Group) -> bool:
        """Reserve an amount, when it must be after calls under way have come back; return False where it is to end."""
        while self._stopped is None:
            self._back.clear()
            if self._purse.reserve(amount):
                return True
            if not self._under_way:
                left = (self._purse.ceiling or Decimal(0)) - self._purse.spent
                self.stop(
                    "ceiling",
                    f"The ceiling is reached: ${_usd(self._purse.spent)} of ${_usd(self._purse.ceiling)} is spent, and "
                    f"the next item ({group.item.id[:60]}, {len(group)} calls) may cost ${_usd(amount)}, which is more "
                    f"than the ${_usd(left)} that are left.",
                )
                return False
            await self._back.wait()
        return False

    async def _one(self, asked: Asked, item: Planned, desk: "_Desk", slots: asyncio.Semaphore) -> None:
        cost = Decimal(0)
        try:
            desk.asked.append(asked)
            call = _call(asked, await self._reply(asked, item))
            cost = charged(call)
            scored = await self._scored(call, desk.scoring)
            desk.lines.append(scored)
            self._came_back(scored)
        except Exception as error:  # whatever it is, no more calls may be made, and `run` raises it
            self.stop("failing", str(error))
            self._broken = self._broken or error
        finally:
            self._purse.settle(most_of(asked), cost)
            self._under_way -= 1
            slots.release()
            self._back.set()

    async def _scored(self, call: Call, scoring: Scoring) -> Call:
        """Return the call scored; unscored, and no more calls are made, where that fails: it was paid for."""
        try:
            return await scoring.scored(call)
        except ConfigError as error:
            self.stop("scorer", str(error))
        except Exception as error:  # a function of the user's may raise anything
            self.stop("scorer", f"The scorer broke on item {call.item}: {type(error).__name__}: {error}")
        return call

    async def _reply(self, asked: Asked, item: Planned) -> Reply:
        began = time.time()
        try:
            return await self._caller.call(Request(asked.model, item.messages, item.request))
        except EngineError as error:
            # Nobody was there to make a call that costs anything.
            self.stop("gateway", str(error))
            return Reply(
                exchange=None, status=None, text=None, error=str(error), cost_usd="0", started_at=began, took_s=0.0
            )

    def _came_back(self, call: Call) -> None:
        self._unpriced += call.unpriced
        self._done += 1
        if call.answered:
            self._failures[call.model] = 0
            self._read(call)
        else:
            self._failed += 1
            self._look_at(call)
        self._watch(self.progress)

    def _read(self, call: Call) -> None:
        """Stop where nothing can be read of a model's outputs; what has a score all the same was read."""
        lost = not call.parsed and call.score is None
        told = self._unread.came(call.model, str(call.detail.get("reason") or "no score") if lost else None)
        if told is not None:
            self.stop("unread", f"{told} The last one, of item {call.item[:60]}, is in calls.jsonl.")

    def _look_at(self, call: Call) -> None:
        """Stop where a failure tells that more would follow."""
        if call.code in _REFUSALS:
            self.stop("refused", f"{call.model}: {call.error}")
        self._failures[call.model] += call.again
        if self._failures[call.model] >= _FAILURES_IN_A_ROW:
            why = f"{_FAILURES_IN_A_ROW} calls of {call.model} in a row have failed, the last so: {call.error}"
            self.stop("failing", why)


class _Desk(Struct, frozen=True):
    """Where calls are scored and written down; `asked` before they are made, `lines` when they have come back."""

    scoring: Scoring
    lines: Appender
    asked: Appender


def left_of(folder: Folder) -> list[Group]:
    """Return what is still to be asked of a weighing's plan. Raises StoreError."""
    calls = folder.read("calls.jsonl", Call)
    made = frozenset(call.key for call in _counting(calls) if not call.again)
    return list(groups_of(folder.plan(), folder.items(), made))


def _call(asked: Asked, reply: Reply) -> Call:
    at_most = "0" if reply.status in FREE else asked.at_most_usd
    told: Members = {name: getattr(reply, name) for name in Reply.__struct_fields__ if name != "text"}
    return Call(
        item=asked.item,
        model=asked.model,
        repeat=asked.repeat,
        output=reply.text,
        cost_at_most_usd=None if reply.cost_usd is not None else at_most,
        **told,
    )


def _counting(calls: Sequence[Call]) -> list[Call]:
    return [calls[place] for place in settled(calls)]


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}".rstrip("0").rstrip(".") or "0"
