"""The parts of a multipart form, found while it streams by.

Source: RFC 7578 (multipart/form-data) and RFC 2046, 5.1.1 (delimiters). What RFC 2046 allows and no form's author uses
is refused, since a provider might read it in another way than we do, and then use another model than was permitted: a
preamble, a second field `model`, and the parameter `name*` (RFC 7578, 4.2 forbids it).
"""

import re
from typing import Literal

from steelyard.core.errors import BadRequest

__all__ = ["FormReader", "boundary_of"]

_MOST_HEAD_BYTES = 16 * 1024
_MOST_MODEL_BYTES = 512
_BOUNDARY = re.compile(r'(?:^|;)\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_AFTER = re.compile(rb"(--)|[ \t]{0,64}\r\n")
_PERHAPS_AFTER = re.compile(rb"-?|[ \t]{0,64}\r?")
_PERHAPS_BEGUN = re.compile(rb"-(?:-|$)|[ \t]{0,64}(?:\r(?:\n|$)|$)")
_FOLD = re.compile(rb"\r\n[ \t]+")
_PARAMETER = re.compile(rb';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')

State = Literal["begin", "head", "content", "model", "end"]


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


class FormReader:
    """Reads a form as it comes, and holds no more of it than a part's head. `model` is the value of its field `model`,
    `span` where that begins and ends in the form; None until it is known."""

    __slots__ = ("_at", "_base", "_edge", "_state", "_window", "model", "span")

    def __init__(self, boundary: bytes) -> None:
        self._edge = b"\r\n--" + boundary
        self._window = b"\r\n"  # a form begins as if a line had just ended
        self._base = -2  # where the window begins in the form
        self._at = 0  # where to read on in the window
        self._state: State = "begin"
        self.model: bytes | None = None
        self.span: tuple[int, int] | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the form. Raises BadRequest when two readers could take it for different forms."""
        if self._state == "end":
            return
        self._window += piece
        while self._step():
            pass
        self._base += self._at
        self._window = self._window[self._at :]
        self._at = 0

    def _step(self) -> bool:
        """Read on; return whether more can be read of what is here."""
        state = self._state
        if state == "begin":
            return self._read_begin()
        if state == "head":
            return self._read_head()
        return state != "end" and self._read_content()

    def _read_begin(self) -> bool:
        window, edge = self._window, self._edge
        whole = len(window) > len(edge)
        if not (
            window.startswith(edge) and _PERHAPS_BEGUN.match(window, len(edge)) if whole else edge.startswith(window)
        ):
            raise BadRequest("The form does not begin with the boundary that its content type names.")
        self._state = "content" if whole else "begin"
        return whole

    def _read_content(self) -> bool:
        window, edge = self._window, self._edge
        start = self._at
        found = window.find(edge[1:], start) - 1
        if self._state == "model" and (found if found >= -1 else len(window) - len(edge)) - start > _MOST_MODEL_BYTES:
            raise BadRequest(f"The form's field model is over {_MOST_MODEL_BYTES} bytes.", param="model")
        if found < -1:
            if self._state != "model":
                self._at = max(start, len(window) - len(edge) + 1)
            return False
        if window[found : found + 1] != b"\r":
            raise BadRequest("The form holds its boundary behind a bare line feed. Send CR LF before it.")
        behind = found + len(edge)
        after = _AFTER.match(window, behind)
        if after is not None:
            self._end_part(start, found)
            self._state = "end" if after[1] else "head"
            self._at = after.end() - 2
            return True
        if _PERHAPS_AFTER.fullmatch(window, behind):
            if self._state != "model":
                self._at = found
            return False
        if self._state == "model":
            raise BadRequest("The form's field model holds a line that looks like a boundary.", param="model")
        self._at = found + 2
        return True

    def _end_part(self, start: int, end: int) -> None:
        if self._state == "model" and end > start:
            self.model = self._window[start:end]
            self.span = (self._base + start, self._base + end)

    def _read_head(self) -> bool:
        window, start = self._window, self._at
        end = window.find(b"\r\n\r\n", start)
        if (end if end >= 0 else len(window)) - start > _MOST_HEAD_BYTES:
            raise BadRequest(f"A part of the form has headers of over {_MOST_HEAD_BYTES} bytes.")
        if end < 0:
            return False
        self._at = end + 4
        self._state = "content"
        if b"model" in _names(window[start:end]):
            if self.span is not None:
                raise BadRequest('The form has the field "model" twice. Send it once.', param="model")
            self._state = "model"
        return True


def _names(head: bytes) -> list[bytes]:
    """Return the names that a part's head gives to its field: one, where it is well-formed."""
    names = []
    for line in _FOLD.sub(b" ", head).split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() != b"content-disposition":
            continue
        for name, quoted, plain in _PARAMETER.findall(value):
            if name.lower() == b"name*":
                raise BadRequest("A part of the form has its name as name*=, which forms must not use. Write name=.")
            if name.lower() == b"name":
                names.append(quoted or plain)
    return names
