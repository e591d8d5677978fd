"""Writes, gathered until the loop has looked at everything that came in, and then sent together.

Each write to a socket wakes its peer, which costs the writer more than the copying does when the peer sleeps (on a
virtual machine an inter-processor interrupt leaves the guest). One burst of writes wakes each peer once: nginx, which
answers a batch of events in the same manner, gains from it likewise. With one event at hand nothing is delayed.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Connection", "Outbox"]


class Connection(Protocol):
    """What can be written to."""

    open: bool
    transport: asyncio.Transport


class Outbox:
    """What is to be written at the end of this turn of the loop, in order."""

    __slots__ = ("_call_soon", "_pieces")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_soon = loop.call_soon
        self._pieces: list[tuple[Connection, bytes]] = []

    def write(self, connection: Connection, piece: bytes) -> None:
        """Have `piece` written; pieces of one connection that follow each other go out together."""
        pieces = self._pieces
        if not pieces:
            self._call_soon(self.flush)
        elif pieces[-1][0] is connection:
            piece = pieces.pop()[1] + piece
        pieces.append((connection, piece))

    def flush(self) -> None:
        """Write everything now: at the end of the turn, and before a connection is closed."""
        pieces, self._pieces = self._pieces, []
        for connection, piece in pieces:
            if connection.open:
                connection.transport.write(piece)
