"""A client's connection as those see it who answer: what is written to it, when it must wait, and how it ends."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Literal, Protocol

from steelyard.core.errors import CallError, TooLarge
from steelyard.gateway.answers import error_answer
from steelyard.gateway.incoming import Incoming
from steelyard.gateway.outbox import Connection
from steelyard.gateway.surface import dialect_of

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway

__all__ = ["CONTINUE", "Client", "Service"]

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Service(Protocol):
    """What answers one request of a client."""

    def gone(self) -> None:
        """Take note that the client has closed."""

    def pause(self) -> None:
        """Write no more for now: the client reads too slowly."""

    def resume(self) -> None:
        """Write on."""

    def more(self, piece: bytes) -> None:
        """Take a piece of the request's body, where the service was begun before its end."""

    def no_more(self) -> None:
        """Take note that the request's body is whole."""


class Client(Connection):
    """One connection, which `Http11` reads. Requests are answered in their order; those that come early wait (RFC 9112,
    9.3.2)."""

    __slots__ = (
        "_gateway",
        "_outbox",
        "_reading",
        "_reception",
        "_waiting",
        "closing_since",
        "deaf",
        "doom",
        "held_back",
        "incoming",
        "lingering",
        "paused_since",
        "service",
        "since",
        "state",
    )

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway
        self._outbox = gateway.outbox
        self._reception = gateway.reception
        self._waiting: deque[Incoming] = deque()
        self._reading: Service | None = None
        self.incoming = Incoming()
        self.service: Service | None = None
        self.closing_since = 0.0
        self.deaf = False
        self.doom: CallError | None = None
        self.held_back = False
        self.lingering = False
        self.paused_since: float | None = None
        self.since = 0.0
        self.state: Literal["idle", "headers", "body"] = "idle"

    def pause_writing(self) -> None:
        self.paused_since = self._gateway.clock()
        if self.service is not None:
            self.service.pause()

    def resume_writing(self) -> None:
        self.paused_since = None
        if self.service is not None:
            self.service.resume()

    def answered(self, *, keep_alive: bool) -> None:
        """Take note that the present request is answered in full; go on to the next, or close."""
        self.service = None
        if not self.open:
            return
        if self.held_back:
            self.release()  # what the answered request held back is no longer needed; what follows is
        if not keep_alive or self._gateway.draining:
            self.hang_up()
        elif self._reading is not None and self.state == "body":
            self.hang_up()  # answered before the body was whole
        elif self._waiting:
            self._reception.serve(self, self._waiting.popleft())
        elif self.doom is not None:
            self.refuse(self.doom)
        else:
            self.since = self._gateway.clock()
            if self.state == "body" and b"expect" in self.incoming.headers and not self.incoming.size:
                self.write(CONTINUE)  # which could not be said while another answer was being written

    def write(self, piece: bytes) -> None:
        """Send bytes to the client."""
        self._outbox.write(self, piece)

    def flush(self) -> None:
        """Send now what waits for the end of this turn of the loop."""
        self._outbox.flush()

    def refuse(self, error: CallError) -> None:
        """Answer with an error, now or after the requests that are being answered, and close."""
        if self.lingering:
            return
        if self.service is not None and self.service is not self._reading:
            self.doom = error
            self.deaf = True
            return
        service, self.service = self.service, None
        if service is not None:
            service.gone()
        self._gateway.meter.refused(error)
        if self.open:
            dialect = dialect_of(self.incoming.target, self.incoming.headers)
            self.write(error_answer(error, self._gateway.next_id(), keep_alive=False, dialect=dialect))
        self.hang_up()

    def hang_up(self) -> None:
        """Close, but let the peer read what was written first: closing with unread input in the socket would reset the
        connection and destroy it (RFC 9112, 9.6)."""
        if not self.open or self.lingering:
            return
        self._outbox.flush()
        self.lingering = True
        self.since = self.closing_since = self._gateway.clock()
        if self.state == "idle" and not self.deaf:
            self.transport.close()
        else:
            self.transport.write_eof()
            if self.held_back:
                self.transport.resume_reading()

    def part(self, asked_before: float) -> None:
        """Close when nothing was asked since then. A request that crosses the close on its way finds a clean end
        without an answer, and may be sent again (RFC 9112, 9.3.1); closing both directions at once would reset it."""
        idle = self.state == "idle" and self.service is None and not self._waiting
        if idle and self.open and not self.lingering and self.since <= asked_before:
            self.lingering = True
            self.since = self.closing_since = self._gateway.clock()
            self.transport.write_eof()

    def hold(self) -> None:
        """Read no more for now: the upstream takes the body more slowly than it comes."""
        if not self.held_back and self.open:
            self.held_back = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Read on; the time that we made the client wait is not held against it."""
        if self.held_back and self.open:
            self.held_back = False
            self.since = self._gateway.clock() - self._gateway.header_timeout_s
            self.transport.resume_reading()

    def too_large(self) -> TooLarge:
        """Return the error that tells of a body over the limit."""
        limit = self._gateway.max_body_bytes
        return TooLarge(f"The body is over {limit} bytes. Send less, or raise [server] max_body_bytes.")
