"""One call at the fake provider, and the ways to answer it."""

import asyncio
import email.parser
import email.policy
import hashlib
import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from tests.fake import shapes
from tests.fake.scenes import Act, Ask, Called, Counts, Declined, End, Said, Scene, Thought
from tests.fake.seen import ReceivedRequest
from tests.fake.shapes import Script
from tests.fake.tongue import Place, Tongue
from tests.fake.wire import Wire

__all__ = ["DONE", "Call", "Headers", "compact", "decoded", "sse"]

Headers = Iterable[tuple[str, str]]
DONE = b"data: [DONE]\n\n"


class Call:
    """A request with its decoded payload. `attempt` counts the requests for this very model string, from 1. `tongue` is
    the dialect that its path belongs to and `place` what the path says; None for OpenAI's as `shapes` has it. `ask` is
    what was read of it, as soon as it was."""

    tongue: Tongue | None = None
    place = Place()
    ask = Ask(model="")

    def __init__(self, wire: Wire, request: ReceivedRequest, payload: dict[str, Any], attempt: int) -> None:
        self.wire = wire
        self.request = request
        self.payload = payload
        self.attempt = attempt
        self.keep_alive = request.header("connection") != "close"
        self.model = str(payload.get("model", ""))
        self.chat = request.path.endswith("/chat/completions")

    @property
    def streams(self) -> bool:
        return self.ask.stream if self.tongue else self.payload.get("stream") is True

    @property
    def stream_type(self) -> str:
        if self.place.array:
            return "application/json; charset=UTF-8"
        return self.tongue.stream_type if self.tongue else "text/event-stream; charset=utf-8"

    def body(self, script: Script = Script()) -> bytes:  # noqa: B008 - frozen
        """Return the whole answer of this endpoint."""
        if self.tongue:
            return compact(self.tongue.whole(self.ask, _scene(self.ask, script)))
        return compact(self._answer(script))

    def _answer(self, script: Script) -> dict[str, Any]:
        path = self.request.path.rpartition("/v1/")[2]
        if path in ("chat/completions", "completions"):
            return shapes.full(self.payload, script, self.chat)
        if path == "audio/transcriptions":
            return self.payload["answer"]  # type: ignore[no-any-return]
        answers = {"embeddings": shapes.embeddings, "rerank": shapes.rerank, "images/generations": shapes.images}
        return answers[path](self.payload)

    def events(self, script: Script = Script()) -> list[bytes]:  # noqa: B008 - frozen
        """Return the stream's events with their end (`[DONE]`)."""
        if self.tongue:
            said, ended = self.tongue.events(self.ask, _scene(self.ask, script))
            return [*said, *ended]
        return [sse(event) for event in shapes.events(self.payload, script, self.chat)] + [DONE]

    async def head(self, status: int, headers: Headers) -> None:
        """Send a status line and headers; without `Content-Length` or a coding among them the body ends at EOF."""
        fields = [
            ("x-request-id", f"req_fake_{id(self.request):x}"),
            ("openai-processing-ms", "5"),
            ("openai-version", "2020-10-01"),
            *headers,
        ]
        if not self.keep_alive:
            fields.append(("Connection", "close"))
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{key}: {value}" for key, value in fields)]
        await self.wire.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def send(
        self, body: bytes, status: int = 200, content_type: str = "application/json", headers: Headers = ()
    ) -> None:
        """Answer with a body of known length."""
        fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]
        await self.head(status, fields)
        await self.wire.write(body)

    async def error(self, status: int, body: dict[str, Any], headers: Headers = ()) -> None:
        """Answer with an error."""
        await self.send(compact(body), status, headers=headers)

    async def fail(self, status: int, message: str, kind: str, code: str | None = None, headers: Headers = ()) -> None:
        """Answer with an error in the words of the dialect; OpenAI's has a type and a code."""
        if self.tongue is None:
            await self.error(status, shapes.error(message, kind, code), headers)
        else:
            body, more = self.tongue.error(status, message)
            await self.error(status, body, [*headers, *more])

    def failure(self) -> list[bytes]:
        """Return the events that tell of a failure in mid-stream."""
        if self.tongue:
            return self.tongue.failure(self.ask)
        return [sse(shapes.error("The server had an error while processing your request.", "server_error"))]

    async def open_stream(self, headers: Headers = (), content_type: str | None = None) -> None:
        """Send the head of a chunked answer."""
        await self.head(
            200, [("Content-Type", content_type or self.stream_type), ("Transfer-Encoding", "chunked"), *headers]
        )

    async def chunk(self, content: bytes) -> None:
        """Send one chunk of a chunked answer."""
        if content:
            await self.wire.write(b"%x\r\n%b\r\n" % (len(content), content))

    async def event(self, event: bytes) -> None:
        """Send one event as a chunk of its own."""
        await self.chunk(event)
        self.request.events_sent += 1

    async def close_stream(self) -> None:
        """Send the last chunk."""
        await self.wire.write(b"0\r\n\r\n")

    async def stream(self, events: Iterable[bytes], pause_s: float = 0.0) -> None:
        """Answer with these events, one chunk each."""
        await self.open_stream()
        for event in _in_array(events) if self.place.array else events:
            await self.event(event)
            await asyncio.sleep(pause_s)
        await self.close_stream()

    async def answer(self, script: Script = Script()) -> None:  # noqa: B008 - frozen
        """Answer as a provider in good health does."""
        if self.streams:
            await self.stream(self.events(script))
        else:
            await self.send(self.body(script))


def _scene(ask: Ask, script: Script) -> Scene:
    """Return what a script says, for dialects that play scenes."""
    acts: list[Act] = [Thought(("Hm",))] if script.reasoning and ask.thinks else []
    counts = Counts(fresh=8, cached=script.cached, spoken=len(script.words), thought=script.reasoning)
    if script.tool:
        tool = ask.tools[0] if ask.tools else "get_weather"
        return Scene((*acts, Called(tool, {"location": "Boston, MA"})), "tools", counts=counts)
    if script.refusal:
        return Scene((*acts, Declined((script.refusal,))), "refusal", counts=counts)
    words = script.words[: ask.limit]
    pieces = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    pieces[0] += "x" * script.pad
    filtered = script.finish == "content_filter"
    end: End = "filter" if filtered else "length" if len(words) < len(script.words) else "stop"
    return Scene((*acts, Said(tuple(pieces))), end, counts=counts)


def _in_array(events: Iterable[bytes]) -> list[bytes]:
    """Return events as the pieces of one JSON array."""
    contents = [event.removeprefix(b"data: ").strip() for event in events]
    return [b"[" + contents[0], *(b",\r\n" + content for content in contents[1:]), b"]"]


def compact(value: Any) -> bytes:
    """Return JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def sse(value: Any) -> bytes:
    """Return an event (HTML standard, "Server-sent events")."""
    return b"data: " + compact(value) + b"\n\n"


def decoded(request: ReceivedRequest) -> dict[str, Any]:
    """Return the request's fields: those of a JSON object, or of a multipart form (RFC 7578) with its transcription."""
    kind = request.header("content-type") or ""
    if kind.startswith("multipart/form-data"):
        return _form(request, kind)
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _form(request: ReceivedRequest, kind: str) -> dict[str, Any]:
    boundary = _fields(b"Content-Type: " + kind.encode()).get_boundary()
    # Only heads go through the parser of the standard library: it takes a second for 20 MB, line by line.
    # What follows a delimiter ends its line, else the line is content (RFC 2046, section 5.1.1).
    delimiter = rb"\r\n--" + re.escape(str(boundary).encode()) + rb"(?=(?:--)?[ \t]*(?:\r\n|\Z))"
    _, *parts, last = re.split(delimiter, b"\r\n" + request.body)
    assert last.startswith(b"--"), "the form has no end"
    fields: dict[str, Any] = {}
    for each in parts:
        head, _, content = each.partition(b"\r\n\r\n")
        part = _fields(head.lstrip(b" \t").removeprefix(b"\r\n"))
        name = part.get_param("name", header="content-disposition")
        if part.get_filename():
            digest = hashlib.sha256(content).hexdigest()
            # Beside OpenAI's fields: what arrived, for tests of relays that stream.
            fields["answer"] = {
                "text": f"I heard {len(content)} bytes.",
                "usage": {"type": "duration", "seconds": 9},
                "received": {"name": part.get_filename(), "bytes": len(content), "sha256": digest},
            }
        else:
            fields[name] = content.decode()
    return fields


def _fields(lines: bytes) -> Any:
    return email.parser.BytesHeaderParser(policy=email.policy.HTTP).parsebytes(lines + b"\r\n\r\n")
