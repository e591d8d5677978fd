"""What a server on loopback saw: connections and requests, with the time of everything."""

import json
import time
from typing import Any, Literal

__all__ = ["ReceivedRequest", "SeenConnection"]


class SeenConnection:
    """One accepted connection. Times are `time.monotonic()` seconds; `closed_at` is the first close of either side."""

    def __init__(self, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self.opened_at = time.monotonic()
        self.closed_at: float | None = None
        self.closed_by: Literal["peer", "server"] | None = None
        self.requests: list[ReceivedRequest] = []

    def note_closed(self, by: Literal["peer", "server"]) -> None:
        """Keep the first close only: the second side's follows from it."""
        if self.closed_at is None:
            self.closed_at = time.monotonic()
            self.closed_by = by

    @property
    def open(self) -> bool:
        return self.closed_at is None


class ReceivedRequest:
    """One request, headers in the order and spelling received. It appears as soon as its head is complete; `body` grows
    until `complete`. `sent_bytes` and `events_sent` say how much of the answer was written so far."""

    def __init__(self, raw_head: bytes, connection: SeenConnection) -> None:
        self.raw_head = raw_head
        self.connection = connection
        lines = raw_head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.path, _, self.query = self.target.partition("?")
        self.headers = tuple(_field(line) for line in lines[1:] if line)
        self.received_at = time.monotonic()
        self.body = b""
        self.complete = False
        self.sent_bytes = 0
        self.events_sent = 0

    def header(self, name: str) -> str | None:
        """Return the values of all fields of that name, joined by commas (RFC 9110, section 5.2)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)

    @property
    def closed_at(self) -> float | None:
        return self.connection.closed_at

    def __repr__(self) -> str:
        return f"<{self.method} {self.target} {len(self.body)} bytes on connection {self.connection.number}>"


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key, value.strip(" \t")
