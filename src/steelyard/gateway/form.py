"""A multipart form on its way through: only the model's name in it is read and replaced, the rest streams by.

Source: RFC 7578 (multipart/form-data) and RFC 2046, 5.1.1 (delimiters). The model's part may come before the file or
after it; what comes before it is kept in memory up to 256 KiB, and beyond that in a temporary file.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from steelyard.core.errors import BadRequest, CallError
from steelyard.gateway.answers import CHUNK_END, chunk
from steelyard.gateway.call import Call
from steelyard.gateway.surface import Endpoint

if TYPE_CHECKING:
    from steelyard.gateway.client import Client
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.upstream import Upstream

__all__ = ["FormBody", "FormCall", "boundary_of", "find_model"]

_IN_MEMORY = 256 * 1024
_PIECE = 128 * 1024
_OVERLAP = 4096
_BOUNDARY = re.compile(r'(?:^|;)\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a multipart form. Raises BadRequest for any other content type."""
    kind, _, parameters = content_type.partition(";")
    found = _BOUNDARY.search(";" + parameters)
    if kind.strip().lower() != "multipart/form-data" or not found:
        raise BadRequest(
            "This endpoint takes multipart/form-data with a boundary. Send a form with the fields file and model.",
            code="invalid_content_type",
        )
    return (found[1] or found[2]).encode("latin-1")


def find_model(boundary: bytes) -> re.Pattern[bytes]:
    """Return a pattern whose group 1 is the value of the form's field `model`, its delimiters on both sides."""
    edge = re.escape(b"--" + boundary)
    line = rb"(?:[^\r\n]+\r\n)"
    name = rb"content-disposition:[^\r\n]*;[ \t]*name=(?:\"model\"|model(?=[;\r \t]))[^\r\n]*\r\n"
    return re.compile(
        edge + rb"[ \t]*\r\n" + line + rb"{0,8}?(?i:" + name + rb")" + line + rb"{0,8}\r\n([^\r\n]{1,512})\r\n" + edge
    )


class FormBody:
    """A form's bytes between the client and the upstream, of which few are held at a time."""

    __slots__ = (
        "_at",
        "_base",
        "_client",
        "_ended",
        "_incoming",
        "_leftover",
        "_out",
        "_pattern",
        "_paused",
        "_spool",
        "_wire_model",
        "complete",
        "found",
        "replayable",
        "size",
    )

    def __init__(self, client: Client, incoming: Incoming, spool: Path) -> None:
        """Raises BadRequest when the request is no form. `spool` is the directory of temporary files."""
        self._client = client
        self._incoming = incoming
        self._pattern = find_model(boundary_of(incoming.text(b"content-type") or ""))
        self._spool = SpooledTemporaryFile(_IN_MEMORY, "w+b", dir=str(spool))  # noqa: SIM115  (closed with the call)
        self._leftover = b""
        self._wire_model = b""
        self._base = 0  # the offset in the form of the spool's first byte
        self._at = 0  # the offset in the form of what is sent next
        self._out: Upstream | None = None
        self._paused = False
        self._ended = False
        self.found: tuple[int, int] | None = None
        self.complete = False
        self.replayable = True
        self.size = 0

    def feed(self, piece: bytes) -> bytes | None:
        """Take the next piece; return the model's name when it shows in it."""
        self._spool.seek(0, 2)
        self._spool.write(piece)
        before, self.size = self.size, self.size + len(piece)
        if self.found is not None:
            self.pump()
            return None
        window = self._leftover + piece
        found = self._pattern.search(window)
        if found is None:
            self._leftover = window[-_OVERLAP:]
            return None
        start = before - len(self._leftover)
        self._leftover = b""
        self.found = (start + found.start(1), start + found.end(1))
        return found[1]

    def begin(self, call: Call, upstream: Upstream, head: bytes) -> bytes:
        """Return the request's head; the form follows as it comes."""
        assert self.found is not None
        self._wire_model = call.lane.target.model.encode()
        self._out = upstream
        upstream.sending = True
        self.replayable = False
        start, end = self.found
        length = self._incoming.length
        if length is not None:
            framing = b"content-length: %d" % (length - (end - start) + len(self._wire_model))
        else:
            framing = b"transfer-encoding: chunked"
        call.gateway.loop.call_soon(self.pump)
        return b"%bcontent-type: %b\r\n%b\r\n\r\n" % (head, self._incoming.headers[b"content-type"], framing)

    def kept(self) -> bytes | None:
        """Return nothing: files are not recorded."""
        return None

    def pump(self) -> None:
        """Send what is here, as fast as the upstream takes it; hold the client back when that is slower."""
        out = self._out
        if out is None:
            if self.size - self._base > _IN_MEMORY:
                self._client.hold()
            return
        chunked = self._incoming.length is None
        self._client.flush()  # the head goes first
        while not self._paused and out.open and (piece := self._take()):
            out.transport.write(chunk(piece) if chunked else piece)
        if self._paused:
            self._client.hold()
            return
        self._client.release()
        if self.complete and out.open and not self._ended:
            self._ended = True
            out.sending = False
            if chunked:
                out.transport.write(CHUNK_END)

    def _take(self) -> bytes:
        assert self.found is not None
        start, end = self.found
        if self._at == start:
            self._at = end
            return self._wire_model
        if self._at >= self.size:
            if self._base < self.size:
                self._spool.seek(0)
                self._spool.truncate()
                self._base = self.size
            return b""
        most = min(_PIECE, start - self._at) if self._at < start else _PIECE
        self._spool.seek(self._at - self._base)
        piece = self._spool.read(most)
        self._at += len(piece)
        return piece

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self.pump()

    def close(self) -> None:
        self._out = None
        self._spool.close()


class FormCall(Call):
    """A call whose body is still coming in while it is on its way out."""

    def __init__(self, gateway: Gateway, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        super().__init__(gateway, client, incoming, endpoint)
        self._form = FormBody(client, incoming, gateway.spool)
        self.sending = self._form
        self.takes_whole = False

    def more(self, piece: bytes) -> None:
        if self.recorded:
            return
        name = self._form.feed(piece)
        if name is not None:
            self._begin(name)

    def _begin(self, name: bytes) -> None:
        try:
            self.gateway.route(self, name.decode(), self._form)
        except UnicodeDecodeError:
            self.refuse(BadRequest("The form's field model is not UTF-8.", param="model"), "rejected")
        except CallError as error:
            self.refuse(error, "rejected")

    def no_more(self) -> None:
        self.incoming.keep_alive = self.client.keeps_alive()
        self._form.complete = True
        if self.recorded:
            return
        if self._form.found is None:
            missing = BadRequest('The form has no field "model". Name a route or a deployment in it.', param="model")
            self.refuse(missing, "rejected")
        else:
            self._form.pump()

    def pause_sending(self) -> None:
        self._form.pause()

    def resume_sending(self) -> None:
        self._form.resume()

    def complete(self) -> None:
        self._form.close()
        super().complete()

    def gone(self) -> None:
        self._form.close()
        super().gone()
