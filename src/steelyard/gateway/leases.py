"""What this gateway is lent of limits and budgets that others count too: told, asked for and given back, off the hot
path.

A call takes of what its gateway holds. A few times a second the gateway tells what it took, and takes as much again as
it lately needed; where it holds too little, calls wait for one question to the server. See docs/design/limits.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from math import floor, inf
from typing import TYPE_CHECKING, Final

from msgspec import structs

from steelyard.limits.share import Share, Sharing
from steelyard.limits.window import PARTS
from steelyard.shared import FULL, HELD, OK, RESTORING, Ask, Given, Loan, Store, StoreLost, Told

if TYPE_CHECKING:
    from steelyard.gateway.borrowers import Borrowers
    from steelyard.gateway.gateway import Gateway

__all__ = ["Leases"]

_BEAT_S: Final = 0.25
_HURRY_S: Final = 0.03
"""How long until the next question, while calls wait for what others hold."""
_SAFE: Final = 0.8
"""For which part of its time a lease is used: clocks differ."""
_MOST_ASKS: Final = 200
_FRESH_S: Final = 2.0
_MOST_FRESH: Final = 16
_TIGHT_S: Final = 1.0
_YIELDS: Final = 0.3
"""How often a gateway leaves to others what several wait for: else two could hold for ever what the other one lacks."""
_SHORT_S: Final = 0.25
_CALM_S: Final = 0.5
"""For how long nothing is asked for after the server's clock was set."""
_CLOCK_S: Final = 0.5
"""Server clocks that go on a different way than ours: all is told anew."""


class Leases:
    """The talk of one gateway with the server. `writer` is its name there. `on_epoch` is called when the server has
    other data than before: it was emptied, or is heard for the first time."""

    def __init__(self, sharing: Sharing, store: Store, writer: str, lease_s: float) -> None:
        self.sharing = sharing
        self.store = store
        self.writer = writer
        self.lease_s = lease_s
        self.epoch = ""
        self.live = 1
        self.syncs = 0
        self.on_epoch: Callable[[], None] = _nothing
        self.borrowers: Borrowers | None = None
        self.gateway: Gateway | None = None
        self._offset: float | None = None
        self._heard_at = -inf
        self._refused = False
        self._calm_until = -inf
        self._least_offset = -inf
        self._wanted = asyncio.Event()
        self._tour: Iterator[Share] = iter(())
        self._task: asyncio.Task[None] | None = None

    def begin(self, gateway: Gateway, borrowers: Borrowers) -> None:
        """Begin to talk."""
        self.gateway = gateway
        self.borrowers = borrowers
        self._task = gateway.loop.create_task(self._live())

    async def end(self) -> None:
        """Give everything back, and hang up."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        sharing = self.sharing
        for share in sharing.shares.values():
            share.room = share.pace = share.paced = share.seen = share.need = 0
            if share.synced_at > -inf:
                sharing.active[share.key] = share
        try:
            while sharing.active and not sharing.pulse.lost:
                await self._sync()
            if not sharing.pulse.lost:
                await self.store.leave(self.writer)
        except StoreLost:
            pass  # it is given back when the lease ends
        await self.store.close()

    def hurry(self) -> None:
        """Have what was asked for asked of the server now."""
        self._wanted.set()

    def server_now(self, now: float) -> float | None:
        """Return the server's time at a moment of our clock, or a little later; None while it is not known."""
        return None if self._offset is None else now + self._offset

    def has_told(self, now: float) -> bool:
        """Say whether the server knows of all that was taken here, and has had the time to hear it of all others: it
        lends nothing before."""
        server_now = self.server_now(now)
        if server_now is None or self.sharing.pulse.lost:
            return False
        born_ms = int(self.epoch.split(":")[1])
        if server_now < born_ms / 1000 + self.lease_s:
            return False
        return all(one.synced_at >= self._heard_at or not one.paced for one in self.sharing.shares.values())

    async def _live(self) -> None:
        gateway = self.gateway
        assert gateway is not None
        failures = 0
        while True:
            try:
                await self._sync()
            except StoreLost as error:
                self._lose(error)
                longest = min(0.1 * 2**failures, self.lease_s / 4)
                failures = min(failures + 1, 10)
                await asyncio.sleep(longest * (0.5 + gateway.randomness() / 2))
                continue
            except Exception as error:  # without this task nothing would ever be lent again
                gateway.notices.complain(
                    f"[shared]: {type(error).__name__}: {error}. This is a fault of Steelyard's; it goes on."
                )
                await asyncio.sleep(_BEAT_S)
                continue
            failures = 0
            await self._rest()

    async def _rest(self) -> None:
        borrowers = self.borrowers
        waiting = borrowers is not None and len(borrowers) > 0
        if len(self.sharing.active) > _MOST_ASKS and not waiting:
            return
        try:
            async with asyncio.timeout(_HURRY_S if waiting else _BEAT_S):
                await self._wanted.wait()
        except TimeoutError:
            return  # it is time
        finally:
            self._wanted.clear()

    async def _sync(self) -> None:
        gateway, pulse = self.gateway, self.sharing.pulse
        assert gateway is not None
        now = gateway.clock()
        if pulse.until < now:
            self._lapse()
        shares = self._due(now) if self._offset is not None else []
        gateway.outbox.flush()  # so that the journal has whatever has been counted
        yields = gateway.randomness() < _YIELDS
        asks = [self._ask(share, now, yields=yields) for share in shares]
        place = gateway.journal.position
        whole = len(self.sharing.active) == 0
        mark = f"{place[0]}:{place[1]}" if place is not None and whole and self._offset is not None else ""
        try:
            told = await self.store.sync(self.writer, asks, mark)
        except BaseException:  # a cancelled task too: what was not told is told the next time
            for share in shares:
                self.sharing.active.setdefault(share.key, share)
            raise
        self.syncs += 1
        self._take_in(told, shares, asks, now)

    def _due(self, now: float) -> list[Share]:
        """Return what there is to talk of, and take it from the list."""
        active = self.sharing.active
        for share in self._stale(now):
            active[share.key] = share
        shares = list(active.values())[:_MOST_ASKS]
        for share in shares:
            del active[share.key]
            share.changed = False
        return shares

    def _stale(self, now: float) -> Iterator[Share]:
        """Yield what was not talked of lately: it is shown, and others may have taken of it."""
        for _ in range(_MOST_FRESH):
            share = next(self._tour, None)
            if share is None:
                self._tour = iter(list(self.sharing.shares.values()))
                return
            if share.synced_at < now - _FRESH_S and self.sharing.shares.get(share.key) is share:
                yield share

    def _ask(self, share: Share, now: float, *, yields: bool) -> Ask:
        lately = share.paced - share.seen
        share.pace = max(share.pace, lately)
        if now - share.paced_at >= _BEAT_S:
            share.pace = max(lately, share.pace // 2)
            share.seen, share.paced_at = share.paced, now
        unit = share.unit
        room = 0 if share.alone else max(0, share.room)
        tight = now < share.tight_until
        aim = 0 if tight or share.over else 4 * share.pace
        keep = room if share.need and not tight else min(room, aim)
        held = keep // unit
        share.room = held * unit
        loan = Loan(want=max(0, aim // unit - held))
        if now < self._calm_until:
            loan = Loan()
        elif share.need and not (tight and yields):
            need = max(0, -(-share.need // unit) - held)
            least = max(1, -(-share.least // unit) - held)
            loan = Loan(max(need, least), least, loan.want)
        share.awaited = share.need > 0
        share.need = share.least = 0
        ends_at = share.ends_at if share.ends_at < inf else None
        taken = self._taken(share)
        return Ask(share.key, share.rule, share.kind, share.limit, taken, held, loan, share.length_s, ends_at)

    def _taken(self, share: Share) -> str:
        told = share.told()
        if share.kind == "gate":
            return str(told[0][1]) if told else ""
        if share.kind == "purse":
            return f"{told[0][1]}:{told[1][1]}"
        assert self._offset is not None
        width = share.length_s / PARTS
        slots: dict[int, int] = {}
        for at, amount in told:
            slot = floor((at + self._offset) / width)
            slots[slot] = slots.get(slot, 0) + amount
        return " ".join([f"{slot}:{amount}" for slot, amount in slots.items() if amount])

    def _take_in(self, told: Told, shares: list[Share], asks: list[Ask], sent_at: float) -> None:
        sharing, gateway = self.sharing, self.gateway
        assert gateway is not None
        before = self._offset
        was_set = self._date(told.now_s, sent_at, gateway.clock())
        assert self._offset is not None
        moved = was_set or (before is not None and abs(self._offset - before) > _CLOCK_S)
        sharing.pulse.until = sent_at + self.lease_s * _SAFE
        if sharing.pulse.lost:
            gateway.notices.tell("[shared]: the server is there again; limits are counted together")
        sharing.pulse.lost = False
        self.live = told.live
        for share, ask, given in zip(shares, asks, told.given, strict=True):
            # Of a clock that was set what was told is dated wrongly: what was granted for it is given back.
            self._receive(share, ask, structs.replace(given, granted=0) if was_set else given, sent_at)
        if moved or told.epoch != self.epoch:
            sharing.active.update(sharing.shares)
        if told.epoch != self.epoch:
            self.epoch = told.epoch
            self._heard_at = sent_at
            self.on_epoch()
        for name in told.tight:
            tight = sharing.shares.get(name)
            if tight is not None:
                tight.tight_until = sent_at + _TIGHT_S
                if tight.room > 0:
                    sharing.active[name] = tight
                    self._wanted.set()
        if self.borrowers is not None:
            self.borrowers.retry()

    def _date(self, server_now: float, sent_at: float, now: float) -> bool:
        """Take note of how far the server's clock is ahead of ours. Return whether it was set since it was last asked:
        then nothing is asked for until others have told anew, too."""
        least, most = server_now - now, server_now - sent_at
        was_set = self._offset is not None and (least > self._offset + _CLOCK_S or most < self._least_offset - _CLOCK_S)
        # It is never below the truth: what counts is kept a moment longer, never shorter.
        self._offset, self._least_offset = most, least
        if was_set:
            self._calm_until = now + _CALM_S
        return was_set

    def _receive(self, share: Share, ask: Ask, given: Given, now: float) -> None:
        """Take note of what the server says of one counter."""
        present = self.sharing.shares.get(share.key)
        if present is not None and present is not share:
            self.sharing.active[share.key] = present  # it was forgotten, and came again: that one tells what is held
            return
        share.synced_at = now
        share.alone = False
        share.room += given.granted * share.unit
        others, reserved = given.others * share.unit, given.reserved * share.unit
        if (others, reserved) != (share.others, share.others_held):
            share.others, share.others_held = others, reserved
            self._touch()
        share.empty_at = now + given.empty_s
        if given.status == FULL:
            share.short = (ask.loan.least + ask.held) * share.unit
            share.full_until = now + (min(_SHORT_S, given.wait_s) if given.wait_s > 0 else _SHORT_S)
            share.wait_at = now + given.wait_s
        elif given.status in (HELD, RESTORING):
            share.restoring = given.status == RESTORING
        elif ask.loan.need:
            share.restoring = False
        if given.status in (OK, FULL) and share.over and not share.changed and share.room <= 0:
            self._part(share)
        elif share.room > 0:
            self.sharing.active[share.key] = share

    def _part(self, share: Share) -> None:
        """Forget a period that is over, once none of its calls is under way."""
        if not share.told()[-1][1]:
            self.sharing.drop(share)

    def _touch(self) -> None:
        gateway = self.gateway
        if gateway is not None and gateway.limiter is not None:
            gateway.limiter.limits.touched = True

    def _lapse(self) -> None:
        """Hold nothing any more: what was lent is lent no longer."""
        for share in self.sharing.shares.values():
            if share.room:
                share.room = min(share.room, 0)
                self.sharing.active[share.key] = share

    def _lose(self, error: StoreLost) -> None:
        gateway, sharing = self.gateway, self.sharing
        assert gateway is not None
        if not sharing.pulse.lost:
            gateway.notices.complain(
                f'[shared]: {error}. Limits with fail = "local" are counted by this gateway alone.'
            )
        elif error.refused and not self._refused:
            gateway.notices.complain(f"[shared]: {error}.")  # it broke off the connection first, and told no reason
        self._refused = error.refused
        sharing.pulse.lost = True
        for share in sharing.shares.values():
            if share.local:
                share.alone = True
        if self.borrowers is not None:
            self.borrowers.retry()


def _nothing() -> None:
    """Do nothing: nobody wants to know."""
