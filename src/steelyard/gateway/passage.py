"""How an answer reaches the client as the bytes that come: neither JSON to read whole nor a stream of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import UpstreamError
from steelyard.dialects.openai import decode_answer, usage_of
from steelyard.gateway.answers import CHUNK_END, chunk, passed_fields
from steelyard.gateway.coding import header
from steelyard.gateway.relay import Carrier, Seen, is_json

if TYPE_CHECKING:
    from steelyard.gateway.call import Call

__all__ = ["Passage"]

_MOST_TEED_BYTES = 1024 * 1024


class Passage(Carrier):
    """An answer that is passed on as it comes, whatever it is: speech, images, text."""

    __slots__ = ("_bare", "_finished", "_headers", "_status", "_tee")

    def __init__(self, call: Call, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        super().__init__(call)
        self._status = status
        self._headers = headers
        self._bare = not call.chunked
        self._finished = False
        teed = is_json(headers) and not header(headers, b"content-encoding")
        self._tee: list[bytes] | None = [] if teed else None

    def body(self, piece: bytes, framed: bytes | None) -> None:
        if self._finished:
            return
        if not self.started:
            self._start()
        self.seen.size += len(piece)
        self._call.client.write(piece if self._bare else chunk(piece))
        if self._tee is not None:
            self._tee.append(piece)
            if self.seen.size > _MOST_TEED_BYTES:
                self._tee = None

    def _start(self) -> None:
        self.started = True
        fields = self._call.lane.scrub(passed_fields(self._headers))
        coding = header(self._headers, b"content-encoding")
        if coding:
            fields += b"content-encoding: %b\r\n" % coding
        self._call.start_answer(
            self._status, fields, header(self._headers, b"content-type") or b"application/octet-stream"
        )

    def end(self) -> None:
        call = self._call
        self._finished = True
        if not self.started:
            self._start()
        call.end_answer(self._status, "ok", self.glimpse(), b"" if self._bare else CHUNK_END)
        self._held = None

    def broken_off(self, error: UpstreamError) -> None:
        """Close without the last chunk: there is no other way to say that arbitrary bytes are not complete."""

    def glimpse(self) -> Seen:
        seen = self.seen
        if self._tee:
            body = b"".join(self._tee)
            found = decode_answer(body)
            if found is not None:
                seen.model = found.model
                seen.usage = usage_of(found.usage)
                seen.usage_raw = bytes(found.usage) if found.usage else None
            if self._call.record_mode == "full":
                seen.body = body
        return seen
