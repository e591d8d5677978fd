"""Content blocks of a request, written (Anthropic API reference, "Create a Message": `messages[].content`)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import (
    Cache,
    Citation,
    Fields,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from steelyard.dialects.anthropic.words import IMAGE_TYPES, MOST_IMAGE, NAME
from steelyard.dialects.members import wrong

__all__ = ["Blocks", "cache_control", "call_id", "object_of"]

_decode = msgspec.json.Decoder().decode
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")

# Fields of a block's inner objects that have no name in the core are kept beside its own, under these.
_NESTED = ("cache_control.", "citations.", "source.", "search_result")

# How the base64 of an image's first bytes begins, for those whose type nobody told.
_SNIFFED = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}


def call_id(value: str) -> str:
    """Return a call's id with the characters that the API takes (`^[a-zA-Z0-9_-]+$`), the same for call and result."""
    return value if _NOT_IN_IDS.search(value) is None else _NOT_IN_IDS.sub("_", value)


def object_of(arguments: str) -> Fields | None:
    """Return the arguments of a call; None where they are no JSON object. None at all are an empty one."""
    if not arguments:
        return {}
    try:
        found = _decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def cache_control(cache: Cache, extra: Fields) -> Fields:
    """Return a cache breakpoint."""
    said = {"type": cache.kind} if cache.ttl is None else {"type": cache.kind, "ttl": cache.ttl}
    return {**said, **_under("cache_control.", extra)}


def _under(prefix: str, extra: Fields) -> Fields:
    return {name[len(prefix) :]: value for name, value in extra.items() if name.startswith(prefix)}


def _beside(extra: Fields) -> Fields:
    return {name: value for name, value in extra.items() if not name.startswith(_NESTED)}


def _plain_text(part: Part) -> str | None:
    """Return a text that is more than white space, with nothing beside it; None for another part."""
    if type(part) is not Text or part.cache is not None or part.extra or part.citations or part.signature is not None:
        return None
    return None if part.text.isspace() else part.text


class Blocks:
    """Writes parts as blocks. `own`: the request came in this dialect, and nothing of it may be lost."""

    __slots__ = ("_losses", "_own")

    def __init__(self, own: bool, losses: Losses) -> None:
        self._own = own
        self._losses = losses

    def content(self, parts: Iterable[Part], role: str) -> str | list[Fields]:
        """Return a message's content: a string, where it is nothing but one text."""
        if isinstance(parts, tuple) and len(parts) == 1 and (plain := _plain_text(parts[0])):
            return plain
        write = self.block
        found = [block for part in parts if (block := write(part, role)) is not None]
        if len(found) == 1 and len(found[0]) == 2 and found[0]["type"] == "text":
            text: str = found[0]["text"]
            return text
        return found

    def block(self, part: Part, role: str) -> Fields | None:
        """Return a part's block; None for what is left out."""
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, ToolCall):
            return self._call(part)
        if isinstance(part, ToolResult):
            return self._result(part)
        match part:
            case Media():
                return self._media_of(part, role)
            case Thinking():
                return self._thinking(part)
            case Refusal():
                return self._refusal(part)
            case Opaque():
                return self._opaque(part)

    def _text(self, part: Text) -> Fields | None:
        if not self._own and not part.text.strip():
            # "text content blocks must be non-empty", white space being nothing. Chat clients send "" beside calls.
            if part.text:
                self._losses.dropped(part.at, "Anthropic takes no text of nothing but white space")
            return None
        block: Fields = {"type": "text", "text": part.text}
        if part.citations:
            native = self._citations(part.citations, part.at)
            if native:
                block["citations"] = native
        if part.signature is not None:
            self._losses.dropped(f"{part.at}.signature", "Anthropic's models cannot read another provider's signature")
        return self._ended(block, part.cache, part.extra, part.at)

    def _citations(self, citations: tuple[Citation, ...], at: str) -> list[Fields]:
        native = [one.native for one in citations if one.dialect == NAME]
        if len(native) < len(citations):
            self._losses.dropped(f"{at}.citations", "Anthropic takes only citations of its own")
        return native

    def _refusal(self, part: Refusal) -> Fields | None:
        self._losses.approximated(part.at, "Anthropic has no refusals in a request: it is sent as text")
        return self._ended({"type": "text", "text": part.text}, None, part.extra, part.at) if part.text else None

    def _opaque(self, part: Opaque) -> Fields | None:
        if part.dialect == NAME:
            return part.native
        self._losses.dropped(part.at, f"Anthropic has no {part.kind}")
        return None

    def _thinking(self, part: Thinking) -> Fields | None:
        if part.dialect != NAME:
            self._losses.dropped(part.at, "Anthropic's models cannot read another provider's thoughts")
            return None
        block: Fields
        if part.sealed is not None:
            block = {"type": "redacted_thinking", "data": part.sealed}
        elif part.signature is not None:
            block = {"type": "thinking", "thinking": part.text, "signature": part.signature}
        else:
            self._losses.dropped(part.at, "Anthropic takes no thoughts without their signature")
            return None
        return self._ended(block, None, part.extra, part.at)

    def _call(self, part: ToolCall) -> Fields:
        given = object_of(part.arguments)
        if part.custom:
            self._losses.approximated(part.at, "Anthropic's tools take objects: the input is sent as one")
            given = {"input": part.arguments}
        elif given is None:
            raise wrong(part.at, "the arguments of a tool call must be a JSON object.", "invalid_arguments")
        if part.signature is not None:
            self._losses.dropped(f"{part.at}.signature", "Anthropic's models cannot read another provider's signature")
        block: Fields = {"type": "tool_use", "id": call_id(part.id), "name": part.name, "input": given}
        return self._ended(block, part.cache, part.extra, part.at)

    def _result(self, part: ToolResult) -> Fields:
        block: Fields = {"type": "tool_result", "tool_use_id": call_id(part.call_id)}
        if part.content:
            content = self.content(part.content, "tool")
            if content or self._own:
                block["content"] = content
        if part.error is not None:
            block["is_error"] = part.error
        return self._ended(block, part.cache, part.extra, part.at)

    def _media_of(self, part: Media, role: str) -> Fields | None:
        if role == "assistant" and not self._own:
            self._losses.dropped(part.at, "Anthropic takes no media in the assistant's messages")
            return None
        if role == "system" and not self._own:
            raise self._refused(part, "Anthropic's instructions are text")
        if "search_result" in part.extra and self._own:
            native: Fields = part.extra["search_result"]
            return native
        if part.kind not in ("image", "document"):
            raise self._refused(part, f"Anthropic's models take no {part.kind}")
        block: Fields = {"type": part.kind, "source": self._source(part)}
        if part.kind == "document" or self._own:
            for name, value in (("title", part.title or part.name), ("context", part.context)):
                if value is not None:
                    block[name] = value
        cited = _under("citations.", part.extra)
        if part.cited is not None or cited:
            block["citations"] = cited if part.cited is None else {"enabled": part.cited, **cited}
        if part.detail is not None and part.detail != "auto":
            self._losses.dropped(f"{part.at}.detail", "Anthropic has no detail of images to choose")
        return self._ended(block, part.cache, part.extra, part.at)

    def _source(self, part: Media) -> Fields:
        if "source.content" in part.extra and self._own:
            return {"type": "content", **_under("source.", part.extra)}
        if part.data is not None:
            source = self._inline(part, part.data)
        elif part.url is not None:
            source = {"type": "url", "url": part.url}
        elif part.file_id is not None:
            if not self._own:
                raise self._refused(part, f"file {part.file_id!r} is another provider's. Send its contents")
            source = {"type": "file", "file_id": part.file_id}
        else:
            source = {"type": "text", "media_type": "text/plain", "data": part.text or ""}
        return {**source, **_under("source.", part.extra)} if self._own else source

    def _inline(self, part: Media, data: str) -> Fields:
        media_type = part.media_type
        if part.kind == "image":
            if len(data) > MOST_IMAGE:
                raise wrong(
                    part.at,
                    f"the image has {len(data):,} bytes in base64, Anthropic takes {MOST_IMAGE:,}. Send a smaller one.",
                    "image_too_large",
                )
            media_type = media_type or next((one for head, one in _SNIFFED.items() if data.startswith(head)), None)
            if media_type not in IMAGE_TYPES and not self._own:
                raise self._refused(part, f"Anthropic takes no images of type {media_type}: {', '.join(IMAGE_TYPES)}")
        elif not self._own:
            media_type = media_type or ("application/pdf" if data.startswith("JVBERi0") else None)
            if media_type is not None and media_type.startswith("text/"):
                return {"type": "text", "media_type": "text/plain", "data": self._plain(part, data)}
            if media_type != "application/pdf":
                raise self._refused(part, f"Anthropic takes no documents of type {media_type}: PDF and plain text")
        return {"type": "base64", "media_type": media_type, "data": data}

    def _plain(self, part: Media, data: str) -> str:
        try:
            return b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise self._refused(part, "the document is no text in UTF-8") from None

    def _refused(self, part: Media, why: str) -> BadRequest:
        return wrong(part.at, f"{why}.", "unsupported_content")

    def _ended(self, block: Fields, cache: Cache | None, extra: Fields, at: str) -> Fields:
        if cache is not None:
            block["cache_control"] = cache_control(cache, extra if self._own else {})
        if extra:
            self._add(block, extra, at)
        return block

    def _add(self, block: Fields, extra: Fields, at: str) -> None:
        if self._own:
            block.update(_beside(extra))
            return
        for name in extra:
            self._losses.dropped(f"{at}.{name}", "Anthropic has no such field")
