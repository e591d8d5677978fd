"""What a dialect does, toward upstreams, clients, or both. Each is a package of pure functions behind one value."""

from typing import Protocol

from msgspec import Struct

from steelyard.core.answer import Answer
from steelyard.core.errors import CallError
from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.core.usage import Usage

__all__ = [
    "Asked",
    "ClientDialect",
    "Dialect",
    "EventReader",
    "EventWriter",
    "Facts",
    "Glance",
    "Told",
    "UpstreamDialect",
    "Watch",
]


class Facts(Struct, frozen=True):
    """What a request's encoder must know of the deployment that it writes for. `model` is its name there;
    `most_output` the most tokens that it gives, None where that is not known; `tells_usage` whether a stream's usage
    is to be asked for (OpenAI's `stream_options.include_usage`)."""

    model: str
    most_output: int | None = None
    tells_usage: bool = True


class Asked(Struct, frozen=True):
    """What an answer's encoder must know of the call: the request as it was decoded, the exchange's id, and when it
    came in (seconds since the epoch)."""

    request: Request
    id: str
    created: int


class Told(Struct, frozen=True):
    """An upstream's error, as its body tells it."""

    message: str
    kind: str | None = None
    code: str | None = None
    param: str | None = None


class Glance(Struct, frozen=True):
    """What the gateway reads of a whole answer that it relays untranslated. `error`: it is an error in an answer's
    place."""

    model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    usage_raw: bytes | None = None
    error: bool = False


class EventReader(Protocol):
    """Reads an upstream's stream, in pieces cut anywhere."""

    overflow: bool
    """Whether one event is larger than any provider's (64 MiB): the stream is then given up."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""

    def finish(self) -> list[Event]:
        """Return what the end of the connection completes: `Ended`, where the dialect has no terminator of its own and
        the answer is complete. A stream without `Ended` was cut."""


class EventWriter(Protocol):
    """Writes a client's stream: legal in its dialect after each call, whatever the order of the events."""

    def write(self, event: Event) -> bytes:
        """Return what an event makes the client read; b"" for nothing. After `Ended` comes nothing more."""

    def fail(self, error: CallError) -> bytes:
        """Return the dialect's own end of a stream that cannot be completed."""


class Watch(Protocol):
    """Watches a stream that is relayed untranslated, as `steelyard.dialects.stream.StreamReader` does."""

    done: bool
    """The terminator has come; its bytes are in `ending`, withheld until the exchange is on record."""
    ending: bytes
    overflow: bool
    error: bytes | None
    """The error (JSON) that the upstream told in the stream."""
    events: int
    finish_reason: str | None
    model: str | None
    usage: Usage | None
    usage_raw: bytes | None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; return those to relay, which may be none."""

    def finish(self) -> None:
        """Take note of the connection's end: sets `done`, where the dialect has no terminator and all has come."""

    def fail(self, error: CallError, request_id: str) -> bytes:
        """Return the dialect's own end of a stream that cannot be completed, fit behind what was relayed."""


class UpstreamDialect(Protocol):
    """A wire format that is spoken to upstreams. Whoever decodes a whole answer gives None for what is none of this
    dialect; whoever encodes reports what cannot be said to `losses`, and raises BadRequest with `param` set to the path
    of content that would be lost."""

    name: str
    content_type: bytes
    """Of a stream."""

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        """Return the body that asks an upstream the same."""

    def decode_answer(self, body: bytes) -> list[Event] | None:
        """Return the events of an upstream's whole answer; None when it is none of this dialect."""

    def reader(self) -> EventReader:
        """Return a reader of an upstream's stream."""

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        """Return what an upstream's error says; None when it is none of this dialect."""


class ClientDialect(Protocol):
    """A wire format that is served to clients. Whoever decodes raises BadRequest with `param` set to the path of the
    mistake; whoever encodes reports what cannot be said to `losses`. What is relayed untranslated, from an upstream of
    the same dialect, is watched."""

    name: str
    content_type: bytes
    """Of a stream."""

    def decode_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        """Return what a client asks. `model` and `stream` are given where the path says them, not the body."""

    def encode_answer(self, answer: Answer, asked: Asked, losses: Losses) -> bytes:
        """Return the body that tells a client the answer."""

    def writer(self, asked: Asked, losses: Losses) -> EventWriter:
        """Return a writer of a client's stream."""

    def watch(self, *, hide_usage: bool) -> Watch:
        """Return a watch over a stream that is relayed. `hide_usage`: the client did not ask for usage."""

    def glance(self, body: bytes) -> Glance | None:
        """Return what is to be known of a whole answer that is relayed; None when it is none of this dialect."""

    def encode_error(self, error: CallError, request_id: str) -> bytes:
        """Return the body of an error."""

    def encode_count(self, tokens: int) -> bytes:
        """Return the answer to a request to count the tokens of an input."""


class Dialect(UpstreamDialect, ClientDialect, Protocol):
    """A wire format that clients and upstreams both speak."""
