"""Parts of a content, from Gemini's words (Gemini API reference, "Content", "Part", "FunctionCall",
"FunctionResponse").

A part has one of the fields in `DATA`, and others that say more of it; those without a name in the core are kept under
their path in the part.
"""

import mimetypes
from collections.abc import Callable
from typing import Any

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Fields, Media, MediaKind, Opaque, Part, Text, ToolCall, ToolResult
from steelyard.dialects.gemini.proto import Proto, standard_base64
from steelyard.dialects.gemini.thoughts import thought_of
from steelyard.dialects.members import wrong

__all__ = ["DATA", "json_text", "kind_of", "part_of", "result_of"]

DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_DATA = frozenset(DATA)
_FILES = ("https://generativelanguage.googleapis.com/", "files/", "gs://")
"""Google's own stores: the Files API's addresses, and Cloud Storage's."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def part_of(value: Any, at: str, call_id: Callable[[], str]) -> Part:
    """Return a part. `call_id` gives an id to a call that has none.

    Raises BadRequest, with the part's path: for what is no part, for one of an unknown kind ("unknown_content"), and
    for one of several kinds at once.
    """
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("text"), str):
        return Text(value["text"], at=at)  # as nearly all are
    members = Proto(value, at)
    kinds = [name for name, told in members.rest().items() if name in _DATA and told is not None]
    if len(kinds) > 1:
        raise wrong(at, f"has {' and '.join(kinds)}. Give each a part of its own.")
    if not kinds:
        return _bare(members)
    kind = kinds[0]
    match kind:
        case "text":
            return _text(members)
        case "inlineData" | "fileData":
            return _media(members, kind)
        case "functionCall":
            return _call(members, call_id)
        case "functionResponse":
            return result_of(members)
    return Opaque("gemini", kind, members.rest(), at)


def _bare(members: Proto) -> Part:
    """Return a part without data: a signature that came alone (thought signatures, "Streaming"), or none."""
    if "thoughtSignature" in members or "thought" in members:
        return _text(members)
    names = ", ".join(sorted(members.rest())) or "nothing"
    raise wrong(members.at, f"is no part: it has {names}. Give one of {', '.join(DATA)}.", "unknown_content")


def _text(members: Proto) -> Part:
    text = members.text("text") or ""
    thought = members.flag("thought")
    signature = members.text("thoughtSignature")
    if thought:
        return thought_of(text, signature, members.at, members.rest())
    return Text(text, signature=signature, at=members.at, extra=members.rest())


def kind_of(media_type: str | None) -> MediaKind:
    """Return what kind of media an Internet media type is of: what is no image, sound or film is a document."""
    match (media_type or "").partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "document"


def _media(members: Proto, kind: str) -> Media:
    inner = members.message(kind) or Proto({}, members.path(kind))
    media_type, name = inner.text("mimeType"), inner.text("displayName")
    if kind == "inlineData":
        data = standard_base64(inner.needed_text("data"))
        extra = _extra(members, inner, kind)
        return Media(kind_of(media_type), media_type, data=data, name=name, at=members.at, extra=extra)
    address = inner.needed_text("fileUri")
    extra = _extra(members, inner, kind)
    if address.startswith(_FILES):
        found = kind_of(media_type)
        return Media(found, media_type, file_id=address, name=name, at=members.at, extra=extra)
    found = kind_of(media_type or _guessed(address))
    return Media(found, media_type, url=address, name=name, at=members.at, extra=extra)


def _guessed(address: str) -> str | None:
    # A film on YouTube is given by its page's address, without a type (Gemini API, "Video understanding").
    if "youtube.com/" in address or "youtu.be/" in address:
        return "video/*"
    return mimetypes.guess_type(address.partition("?")[0])[0]


def _extra(members: Proto, inner: Proto, kind: str) -> Fields:
    found = members.rest()
    for name, value in inner.rest().items():
        found[f"{kind}.{name}"] = value
    return found


def _call(members: Proto, call_id: Callable[[], str]) -> ToolCall:
    inner = members.message("functionCall") or Proto({}, members.path("functionCall"))
    signature = members.text("thoughtSignature")
    name, found_id = inner.needed_text("name"), inner.text("id")
    arguments = json_text(inner.object("args") or {})
    extra = _extra(members, inner, "functionCall")
    return ToolCall(found_id or call_id(), name, arguments, signature=signature, at=members.at, extra=extra)


def result_of(members: Proto) -> ToolResult:
    """Return what a tool returned; `call_id` is "" where the client did not say it.

    `response` is any object: under "output" stands what the function gave, under "error" what went wrong, else the
    whole of it is the output (reference, "FunctionResponse"). A text under either is told as that text, all else as
    the object's JSON.
    """
    inner = members.message("functionResponse") or Proto({}, members.path("functionResponse"))
    name, found_id = inner.needed_text("name"), inner.text("id")
    content, failed = _told(inner.object("response") or {}, inner.path("response"))
    media = [_nested(one, f"{inner.path('parts')}[{number}]") for number, one in enumerate(inner.many("parts") or ())]
    extra = _extra(members, inner, "functionResponse")
    return ToolResult(
        found_id or "", (*content, *media), name, error=True if failed else None, at=members.at, extra=extra
    )


def _told(response: Fields, at: str) -> tuple[tuple[Text, ...], bool]:
    if not response:
        return (), False
    if len(response) == 1:
        error, output = response.get("error"), response.get("output")
        if isinstance(error, str):
            return (Text(error, at=f"{at}.error"),), True
        if isinstance(output, str) and not _is_object(output):
            return (Text(output, at=f"{at}.output"),), False
    return (Text(json_text(response), at=at),), False


def _is_object(text: str) -> bool:
    """Say whether a text is a JSON object: told as it is, it would be taken for the whole response."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(_decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _nested(value: Any, at: str) -> Media | Opaque:
    members = Proto(value, at)
    for kind in ("inlineData", "fileData"):
        if kind in members:
            return _media(members, kind)
    raise BadRequest(f"{at}: expected inlineData or fileData.", code="unknown_content", param=at)


def json_text(value: Any) -> str:
    """Return a value's JSON."""
    return _encode(value).decode()
