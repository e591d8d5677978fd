"""The contents of a message, or of a tool's result, onto the wire."""

from collections.abc import Callable

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Cache, Citation, Fields, Media, Opaque, Part, Refusal, Text
from steelyard.dialects.members import wrong
from steelyard.dialects.responses.names import NAME

__all__ = ["ContentOut", "annotation"]

_SHARING = ("openai", NAME)  # the dialects whose file ids are OpenAI's
_FORMATS = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav"}
_ENDINGS = {"application/pdf": ".pdf", "text/plain": ".txt", "text/markdown": ".md", "text/csv": ".csv"}


def annotation(citation: Citation, length: int) -> Fields | None:
    """Return a citation as an annotation of a text of `length` characters; None for one of what has no address: it has
    no twin."""
    if citation.dialect == NAME:
        return citation.native
    if citation.url is None:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or citation.url,
        "start_index": citation.start if citation.start is not None else 0,
        "end_index": citation.end if citation.end is not None else length,
    }


class ContentOut:
    """Writes the content parts of one request, which came in `dialect`."""

    def __init__(self, dialect: str, losses: Losses) -> None:
        self._dialect = dialect
        self._same = dialect == NAME
        self._losses = losses

    def part(self, part: Part, role: str) -> Fields | None:
        """Return a part as it stands in a message of `role`; None for one that is left out, which is reported. Raises
        BadRequest for content that would be missed."""
        match part:
            case Text():
                return self._text(part, assistant=role == "assistant")
            case Refusal():
                self.rest(part.extra, part.at)
                return self._with_extra({"type": "refusal", "refusal": part.text}, part.extra)
            case Media() if role == "assistant":
                self._losses.dropped(part.at, "an assistant's message carries only text here")
                return None
            case Media():
                return self._media(part)
            case Opaque() if part.dialect == NAME:
                return part.native
            case _:
                self._losses.dropped(part.at, f"only {self._dialect} has this kind of content")
                return None

    def rest(self, extra: Fields, at: str) -> None:
        """Report fields of another dialect's that have no name."""
        if not self._same:
            for name in extra:
                self._losses.dropped(f"{at}.{name}", "the Responses API has no such field")

    def cached(self, wire: Fields, cache: Cache | None, at: str) -> Fields:
        """Write a breakpoint. Those of other dialects are left out: only gpt-5.6 and later models take them, and OpenAI
        caches without (developers.openai.com/api/docs/guides/prompt-caching)."""
        if cache is not None:
            if self._same:
                wire["prompt_cache_breakpoint"] = {"mode": "explicit"}
            else:
                self._losses.dropped(f"{at}.cache_control", "OpenAI caches prompts by itself")
        return wire

    def _text(self, part: Text, *, assistant: bool) -> Fields:
        self.rest(part.extra, part.at)
        if part.signature is not None:
            self._losses.dropped(f"{part.at}.thoughtSignature", "only Gemini can read it")
        wire: Fields = {"type": "output_text" if assistant else "input_text", "text": part.text}
        if assistant:
            notes = [annotation(one, len(part.text)) for one in part.citations]
            if None in notes:
                self._losses.dropped(f"{part.at}.citations", "citations of what has no URL cannot be said here")
            wire["annotations"] = [one for one in notes if one is not None]
        elif part.citations:
            wire["annotations"] = [one.native for one in part.citations]
        return self._with_extra(self.cached(wire, part.cache, part.at), part.extra)

    def _with_extra(self, wire: Fields, extra: Fields) -> Fields:
        if self._same:
            for name, value in extra.items():
                whole, dot, below = name.partition(".")
                if dot and isinstance(wire.get(whole), dict):
                    wire[whole] = {**wire[whole], below: value}
                else:
                    wire[name] = value
        return wire

    def _media(self, part: Media) -> Fields:
        self._check(part)
        write: Callable[[Media], Fields] | None = _WRITERS.get(part.kind)
        if write is None:
            raise _unsupported(part, "the Responses API takes no films")
        wire = write(part) if part.text is None else self._plain_document(part)
        if self._same and part.name is None:
            wire.pop("filename", None)
        self._report(part, wire)
        return self._with_extra(self.cached(wire, part.cache, part.at), part.extra)

    def _check(self, part: Media) -> None:
        if part.file_id is not None and self._dialect not in _SHARING:
            raise _unsupported(part, f"{self._dialect}'s files are not known to OpenAI. Send the bytes, or a URL")
        if part.url is not None and not part.url.lower().startswith(("https://", "http://")) and not self._same:
            raise _unsupported(part, "OpenAI fetches only https:// addresses. Send the bytes")

    def _plain_document(self, part: Media) -> Fields:
        self._losses.approximated(part.at, "a document of plain text is sent as text")
        heads = [one for one in (part.title, part.context) if one]
        return {"type": "input_text", "text": "\n\n".join((*heads, part.text or ""))}

    def _report(self, part: Media, wire: Fields) -> None:
        if self._same:
            return
        self.rest(part.extra, part.at)
        told = wire["type"] == "input_text"
        for name, value in (("title", part.title), ("context", part.context)):
            if value is not None and not told:
                self._losses.dropped(f"{part.at}.{name}", "the Responses API has no such field")
        if part.cited:
            self._losses.dropped(f"{part.at}.citations", "the Responses API cites only what its own tools find")
        if part.name is not None and part.kind != "document":
            self._losses.dropped(f"{part.at}.name", "only files have names here")


def _image(part: Media) -> Fields:
    wire: Fields = {"type": "input_image"}
    if part.data is not None:
        wire["image_url"] = _data_url(part)
    elif part.url is not None:
        wire["image_url"] = part.url
    if part.file_id is not None:
        wire["file_id"] = part.file_id
    if part.detail is not None:
        wire["detail"] = part.detail
    return wire


def _document(part: Media) -> Fields:
    wire: Fields = {"type": "input_file"}
    if part.data is not None:
        # The type documents a data URL and its guide gives one; a name is demanded with bytes.
        wire["file_data"] = _data_url(part)
        wire["filename"] = part.name or (part.title or "document") + _ENDINGS.get(part.media_type or "", "")
    elif part.name is not None:
        wire["filename"] = part.name
    if part.url is not None:
        wire["file_url"] = part.url
    if part.file_id is not None:
        wire["file_id"] = part.file_id
    if part.detail is not None:
        wire["detail"] = part.detail
    return wire


def _audio(part: Media) -> Fields:
    form = _FORMATS.get(part.media_type or "")
    if part.data is None or form is None:
        raise _unsupported(part, "OpenAI takes sounds only as bytes, in wav or mp3")
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": form}}


_WRITERS: dict[str, Callable[[Media], Fields]] = {"image": _image, "document": _document, "audio": _audio}


def _data_url(part: Media) -> str:
    if part.kind == "document" and part.media_type is None:
        return part.data or ""
    return f"data:{part.media_type or 'application/octet-stream'};base64,{part.data}"


def _unsupported(part: Media, why: str) -> BadRequest:
    return wrong(part.at, f"{why}.", "unsupported_content")
