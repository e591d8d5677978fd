"""Writes, gathered until the loop has looked at everything that came in, and then sent together.

Each write to a socket wakes its peer, which costs the writer more than the copying does when the peer sleeps (on a
virtual machine an inter-processor interrupt leaves the guest). One burst of writes wakes each peer once: nginx, which
answers a batch of events in the same manner, gains from it likewise. After a tenth of a millisecond without a write
nothing is gathered: at a slow pace each event stands alone, and waiting would only cost another turn of the loop. Work
on a call is no pause: what a translation gives to write is gathered if the last write was less than a millisecond ago,
and held for two at most.

The exchanges of the answers that end in one turn go to the journal in one write, before any of those answers leaves:
what databases call group commit.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.journal.writer import JournalWriter

__all__ = ["Connection", "Outbox", "Recorded"]

_QUIET_S = 0.0001
_WORK_S = 0.001
_LONGEST_S = 0.002
"""After how long, while each call takes its time, what has been gathered is written."""


class Connection:
    """What can be written to."""

    __slots__ = ("open", "transport")

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.open = False


class Recorded(Protocol):
    """Whose answer is not to leave before it is on record."""

    def unrecorded(self, error: StoreError) -> bytes:
        """Return what is sent instead, where the record could not be written."""


class Outbox:
    """What is to be written at the end of this turn of the loop, in order."""

    __slots__ = ("_call_soon", "_journal", "_last", "_pieces", "_records", "_since")

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: JournalWriter) -> None:
        self._call_soon = loop.call_soon
        self._last = 0.0
        self._since = 0.0
        self._journal = journal
        self._pieces: list[tuple[Connection, bytes]] = []
        self._records: list[tuple[int, Exchange, Recorded]] = []

    def write(self, connection: Connection, piece: bytes) -> None:
        """Have `piece` written."""
        pieces = self._pieces
        if not pieces:
            now = monotonic()
            if now - self._last > _QUIET_S:
                self._last = now
                _write(connection, piece)
                return
            self._since = now
            self._call_soon(self.flush)
        pieces.append((connection, piece))

    def keep_pace(self) -> None:
        """Take the time that one call's work took for no pause between writes: what it gives to write is gathered if
        anything was written within the last millisecond."""
        now = monotonic()
        if self._pieces:
            if now - self._since > _LONGEST_S:
                self.flush()
        elif now - self._last <= _WORK_S:
            self._last = now

    def settle(self, connection: Connection, piece: bytes, exchange: Exchange, owner: Recorded) -> None:
        """Have `piece`, the end of an answer, written once `exchange` is in the journal."""
        pieces = self._pieces
        if not pieces:
            now = monotonic()
            if now - self._last > _QUIET_S:
                self._last = now
                self._settle_now(connection, piece, exchange, owner)
                return
            self._since = now
            self._call_soon(self.flush)
        self._records.append((len(pieces), exchange, owner))
        pieces.append((connection, piece))

    def _settle_now(self, connection: Connection, piece: bytes, exchange: Exchange, owner: Recorded) -> None:
        try:
            self._journal.append(exchange)
        except StoreError as error:
            piece = owner.unrecorded(error)
        _write(connection, piece)

    def flush(self) -> None:
        """Record and write everything now: at the end of the turn, and before a connection is closed."""
        pieces = self._pieces
        if not pieces:
            return
        self._pieces = []
        if self._records:
            records, self._records = self._records, []
            try:
                self._journal.append_all([exchange for _, exchange, _ in records])
            except StoreError as error:
                for at, _, owner in records:
                    pieces[at] = (pieces[at][0], owner.unrecorded(error))
        before: Connection | None = None
        held: list[bytes] = []
        for connection, piece in pieces:
            if connection is not before:
                if before is not None:
                    _write_all(before, held)
                before = connection
                held = []
            held.append(piece)
        assert before is not None
        _write_all(before, held)
        self._last = monotonic()


def _write(connection: Connection, piece: bytes) -> None:
    # A transport that is closing has no socket to write to any more; that it is closed comes to be known a turn later.
    transport = connection.transport
    if connection.open and not transport.is_closing():
        transport.write(piece)


def _write_all(connection: Connection, pieces: list[bytes]) -> None:
    """Write pieces of one connection that follow each other: each byte is copied once, however many they are."""
    transport = connection.transport
    if connection.open and not transport.is_closing():
        transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
