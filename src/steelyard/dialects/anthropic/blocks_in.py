"""Content blocks, read (Anthropic API reference, "Create a Message": `messages[].content`)."""

from collections.abc import Callable
from typing import Any

import msgspec

from steelyard.core.parts import Cache, Citation, Fields, Media, MediaKind, Opaque, Part, Text, Thinking, ToolCall
from steelyard.core.parts import ToolResult as Result
from steelyard.dialects.anthropic.borrowed import returned, thought
from steelyard.dialects.anthropic.words import NAME, is_own_block, named
from steelyard.dialects.members import Members, wrong

__all__ = ["answered_part", "cache_of", "citation_of", "parts_of", "texts_of"]

_encode = msgspec.json.Encoder().encode
_RESULT = (Text, Media, Opaque)


def parts_of(content: Any, at: str) -> tuple[Part, ...]:
    """Return the parts of a message's content: a string, or an array of blocks."""
    if isinstance(content, str):
        return (Text(content, at=at),)
    return returned([_asked_part(block, f"{at}[{number}]") for number, block in enumerate(_array(content, at))])


def texts_of(content: Any, at: str) -> tuple[Text, ...]:
    """Return the texts of instructions: a string, or an array of text blocks."""
    if isinstance(content, str):
        return (Text(content, at=at),) if content else ()
    found = []
    for number, block in enumerate(_array(content, at)):
        part = _asked_part(block, f"{at}[{number}]")
        if not isinstance(part, Text):
            raise wrong(part.at, "instructions are text. Give blocks of type text.", "unknown_content")
        found.append(part)
    return tuple(found)


def answered_part(block: Any, at: str) -> Part:
    """Return the part of a model's block. Types that are not known are kept as they are."""
    members = Members(block, at)
    kind = members.text("type") or ""
    if kind == "thinking":
        # Other providers that speak this API do not all sign; what is missing is told to whoever sends it back.
        value = Thinking(members.text("thinking") or "", NAME, members.text("signature") or None, at=at)
        return msgspec.structs.replace(value, extra=named(members.rest())) if members.rest() else value
    if kind in ("text", "redacted_thinking", "tool_use"):
        return _READ[kind](members, block)
    return Opaque(NAME, kind, block, at)


def cache_of(members: Members, extra: Fields) -> Cache | None:
    """Return a block's cache breakpoint; fields of it that have no name here go to `extra`."""
    if "cache_control" not in members:
        return None
    value = members.object("cache_control")
    inner = Members(value, members.path("cache_control"))
    cache = Cache(inner.text("type") or "ephemeral", inner.text("ttl"))
    extra.update({f"cache_control.{name}": one for name, one in inner.rest().items()})
    return cache


def citation_of(native: Any, at: str) -> Citation:
    """Return a citation of a text. Characters are counted in the document, not in the text: none are told."""
    members = Members(native, at)
    return Citation(
        NAME,
        native,
        url=members.text("url"),
        title=members.text("title") or members.text("document_title"),
        quoted=members.text("cited_text"),
    )


def _array(content: Any, at: str) -> list[Any]:
    if not isinstance(content, list):
        raise wrong(at, "expected a string or an array of content blocks", "invalid_type")
    return content


def _asked_part(block: Any, at: str) -> Part:
    # Nearly every block is a text and nothing else.
    if type(block) is dict and len(block) == 2 and block.get("type") == "text" and type(block.get("text")) is str:
        return Text(block["text"], at=at)
    members = Members(block, at)
    kind = members.needed_text("type")
    read = _READ.get(kind)
    if read is not None:
        return read(members, block)
    if is_own_block(kind):
        return Opaque(NAME, kind, block, at)
    raise wrong(at, f"content of type {kind!r} is not known. Use {', '.join(_READ)}.", "unknown_content")


def _text(members: Members, block: Fields) -> Text:
    extra: Fields = {}
    text = members.needed_text("text")
    cited = members.array("citations")
    cache = cache_of(members, extra)
    if not cited and not members.rest() and not extra:
        return Text(text, cache=cache, at=members.at)
    citations = tuple(citation_of(one, f"{members.at}.citations[{number}]") for number, one in enumerate(cited or ()))
    return Text(text, citations, cache, at=members.at, extra={**named(members.rest()), **extra})


def _image(members: Members, block: Fields) -> Media:
    return _media("image", members)


def _document(members: Members, block: Fields) -> Part:
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "content":
        return _composed(members, block, source)
    return _media("document", members)


def _media(kind: MediaKind, members: Members) -> Media:
    extra: Fields = {}
    source = _source_of(members)
    how = source.needed_text("type")
    field = _SOURCES.get(how)
    if field is None or (kind == "image" and how == "text"):
        raise wrong(source.path("type"), f"a source of type {how!r} is not known.", "unknown_content")
    value = source.needed_text(field)
    media_type = source.needed_text("media_type") if how in ("base64", "text") else source.text("media_type")
    cited = _cited(members, extra)
    title, context = members.text("title"), members.text("context")
    cache = cache_of(members, extra)
    extra.update({f"source.{name}": one for name, one in source.rest().items()})
    return Media(
        kind,
        media_type,
        data=value if how == "base64" else None,
        url=value if how == "url" else None,
        file_id=value if how == "file" else None,
        text=value if how == "text" else None,
        title=title,
        context=context,
        cited=cited,
        cache=cache,
        at=members.at,
        extra={**named(members.rest()), **extra},
    )


# The field in which each type of source has its contents.
_SOURCES = {"base64": "data", "text": "data", "url": "url", "file": "file_id"}


def _source_of(members: Members) -> Members:
    source = members.object("source")
    if source is None:
        raise wrong(members.path("source"), "is missing. Give an object.", "missing_field")
    return Members(source, members.path("source"))


def _composed(members: Members, block: Fields, source: Fields) -> Part:
    """Return a document that is made of blocks: as one text where all are text, so that other dialects can say it; the
    blocks, by whose numbers it is cited, are kept beside it."""
    text = _joined(source.get("content"), members.path("source.content"))
    if text is None:
        return Opaque(NAME, "document", block, members.at)
    extra: Fields = {f"source.{name}": value for name, value in source.items() if name != "type"}
    members.any("source")
    cited = _cited(members, extra)
    title, context = members.text("title"), members.text("context")
    cache = cache_of(members, extra)
    return Media(
        "document",
        "text/plain",
        text=text,
        title=title,
        context=context,
        cited=cited,
        cache=cache,
        at=members.at,
        extra={**named(members.rest()), **extra},
    )


def _search_result(members: Members, block: Fields) -> Part:
    """Return a search result as the text that it is, so that other dialects can say it; its own form beside it."""
    text = _joined(members.array("content"), members.path("content"))
    title = members.needed_text("title")
    members.needed_text("source")
    if text is None:
        return Opaque(NAME, "search_result", block, members.at)
    cache = cache_of(members, {})
    return Media(
        "document",
        "text/plain",
        text=text,
        title=title,
        cited=_cited(members, {}),
        cache=cache,
        at=members.at,
        extra={"search_result": block},
    )


def _joined(content: Any, at: str) -> str | None:
    """Return texts as one; None where there are other blocks among them."""
    if isinstance(content, str):
        return content
    found = []
    for number, block in enumerate(_array(content, at)):
        members = Members(block, f"{at}[{number}]")
        if members.needed_text("type") != "text":
            return None
        found.append(members.needed_text("text"))
    return "\n\n".join(found)


def _cited(members: Members, extra: Fields) -> bool | None:
    value = members.object("citations")
    if value is None:
        return None
    inner = Members(value, members.path("citations"))
    cited = inner.flag("enabled")
    extra.update({f"citations.{name}": one for name, one in inner.rest().items()})
    return cited


def _thinking(members: Members, block: Fields) -> Thinking:
    signature = members.text("signature")
    if not signature:
        raise wrong(
            members.at,
            "a thinking block without its signature. Send thinking blocks back as they came, or leave them out.",
            "missing_signature",
        )
    value = thought(members.needed_text("thinking"), signature, members.at)
    rest = named(members.rest())
    return msgspec.structs.replace(value, extra=rest) if rest else value


def _redacted(members: Members, block: Fields) -> Thinking:
    data = members.needed_text("data")
    return Thinking("", NAME, sealed=data, at=members.at, extra=named(members.rest()))


def _tool_use(members: Members, block: Fields) -> ToolCall:
    extra: Fields = {}
    given = members.any("input")
    if not isinstance(given, dict):
        raise wrong(members.path("input"), "a tool's input is an object.", "invalid_arguments")
    call_id, name = members.needed_text("id"), members.needed_text("name")
    cache = cache_of(members, extra)
    arguments = _encode(given).decode()
    extra.update(named(members.rest()))
    return ToolCall(call_id, name, arguments, cache=cache, at=members.at, extra=extra)


def _tool_result(members: Members, block: Fields) -> Result:
    extra: Fields = {}
    call_id = members.needed_text("tool_use_id")
    at = members.path("content")
    content = members.any("content")
    found: list[Text | Media | Opaque] = []
    for part in parts_of(content, at) if content is not None else ():
        if not isinstance(part, _RESULT):
            raise wrong(part.at, "a tool's result is made of texts, images and documents.", "unknown_content")
        found.append(part)
    error = members.flag("is_error")
    cache = cache_of(members, extra)
    extra.update(named(members.rest()))
    return Result(call_id, tuple(found), error=error, cache=cache, at=members.at, extra=extra)


_READ: dict[str, Callable[[Members, Fields], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
