"""A multipart form on its way through: only the model's name in it is read and replaced, the rest streams by.

The model's part may come before the file or after it; what comes before it is kept in memory up to 256 KiB, and beyond
that in a temporary file.
"""

from __future__ import annotations

from math import inf
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from steelyard.core.errors import BadRequest, CallError
from steelyard.core.exchange import Outcome
from steelyard.gateway.answers import CHUNK_END, chunk
from steelyard.gateway.call import Call
from steelyard.gateway.departure import set_out
from steelyard.gateway.form_reader import FormReader, boundary_of
from steelyard.gateway.surface import Endpoint

if TYPE_CHECKING:
    from steelyard.gateway.client import Client
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.upstream import Upstream

__all__ = ["FormBody", "FormCall"]

_IN_MEMORY = 256 * 1024
_PIECE = 128 * 1024
_SMALL = 64 * 1024


class FormBody:
    """A form's bytes between the client and the upstream, of which few are held at a time."""

    __slots__ = (
        "_at",
        "_base",
        "_client",
        "_ended",
        "_incoming",
        "_out",
        "_paused",
        "_reader",
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
        self._reader = FormReader(boundary_of(incoming.text(b"content-type") or ""))
        self._spool = SpooledTemporaryFile(_IN_MEMORY, "w+b", dir=str(spool))  # noqa: SIM115  (closed with the call)
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
        """Take the next piece; return the model's name when it shows in it. Raises BadRequest for a doubtful form."""
        self._reader.feed(piece)
        self._spool.seek(0, 2)
        self._spool.write(piece)
        self.size += len(piece)
        if self.found is not None:
            self.pump()
            return None
        self.found = self._reader.span
        return self._reader.model

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
            if self.size - self._base > _IN_MEMORY and not self._spool.closed:
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
        """Drop what is left of the form: nobody waits for it any more."""
        self._out = None
        self._spool.close()
        self._client.release()


class FormCall(Call):
    """A call whose body is still coming in while it is on its way out."""

    takes_idle = False  # a form cannot be sent again, should an idle connection turn out to be closed

    _refusal: CallError | None = None

    def __init__(self, gateway: Gateway, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        super().__init__(gateway, client, incoming, endpoint)
        self._form = FormBody(client, incoming, gateway.spool)
        self.sending = self._form
        self.takes_whole = False

    def more(self, piece: bytes) -> None:
        if self.recorded or self._refusal is not None:
            return
        try:
            name = self._form.feed(piece)
            if name is not None:
                set_out(self.gateway, self, _decoded(name), self._form)
        except CallError as error:
            if self in self.gateway.calls or (self.incoming.length or inf) > _SMALL:
                self.interrupt(error)
            else:
                self._refusal = error  # and the connection stays, once the little that follows is read
        self.grant_time()

    def no_more(self) -> None:
        self._form.complete = True
        if self.recorded:
            return
        if self._refusal is not None:
            self.refuse(self._refusal, "rejected")
        elif self._form.found is None:
            missing = BadRequest('The form has no field "model". Name a route or a deployment in it.', param="model")
            self.refuse(missing, "rejected")
        else:
            self._form.pump()

    def pause_sending(self) -> None:
        self._form.pause()

    def resume_sending(self) -> None:
        self._form.resume()
        self.grant_time()

    def refuse(self, error: CallError, outcome: Outcome) -> None:
        self._form.close()
        super().refuse(error, outcome)

    def complete(self) -> None:
        self._form.close()
        super().complete()

    def gone(self) -> None:
        self._form.close()
        super().gone()


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise BadRequest("The form's field model is not UTF-8.", param="model") from None
