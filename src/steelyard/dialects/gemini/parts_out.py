"""Parts of a content, in Gemini's words."""

import base64
import mimetypes
from typing import Any

import msgspec
from msgspec import Struct

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.dialects.gemini.calls import is_placed
from steelyard.dialects.gemini.proto import spread
from steelyard.dialects.gemini.thoughts import signature_of
from steelyard.dialects.members import wrong

__all__ = ["Sending", "arguments_of", "call_json", "media_json", "sent"]

_decode = msgspec.json.Decoder().decode

_TYPES = {"image": "image/jpeg", "document": "application/pdf", "audio": "audio/mpeg", "video": "video/mp4"}
"""What is said of media whose type the client did not say and its address does not tell."""


class Sending(Struct, frozen=True):
    """What the parts of one request are written by. `own`: the request came in Gemini's words; `nested`: the model
    takes media within a function's response; `names` are the tools' by their calls' ids."""

    own: bool
    nested: bool
    names: dict[str, str]
    losses: Losses


def sent(part: Part, to: Sending) -> list[Fields]:
    """Return the parts that tell one part to a model; none for what cannot be told and has been reported.

    Raises BadRequest, with the part's path, for content that Gemini takes in no form.
    """
    match part:
        case Text():
            found = _text(part, to)
        case Media():
            found = _media(part, to)
        case ToolCall():
            found = [_call(part, to)]
        case ToolResult():
            return _result(part, to)
        case Thinking():
            found = _thought(part, to)
        case Refusal():
            to.losses.approximated(part.at, "Gemini has no refusals: it is sent as text")
            found = [{"text": part.text}]
        case Opaque():
            return _opaque(part, to)
    if part.extra and found:
        _extras(part.at, part.extra, found[-1], to)
    return found


def _extras(at: str, extra: Fields, into: Fields, to: Sending) -> None:
    if to.own:
        spread(extra, into)
        return
    for name in extra:
        to.losses.dropped(f"{at}.{name}", "Gemini has no such field")


def _cached(part: Text | Media | ToolCall | ToolResult, to: Sending) -> None:
    if part.cache is not None:
        to.losses.dropped(f"{part.at}.cache_control", "Gemini takes no cache breakpoints; it caches prefixes by itself")


def _text(part: Text, to: Sending) -> list[Fields]:
    _cached(part, to)
    if part.citations:
        to.losses.dropped(f"{part.at}.citations", "Gemini takes no citations back")
    if not part.text and not to.own and part.signature is None:
        return []  # says nothing, and some of Google's servers refuse it
    found: Fields = {"text": part.text}
    if part.signature is not None:
        found["thoughtSignature"] = part.signature
    return [found]


def _thought(part: Thinking, to: Sending) -> list[Fields]:
    if part.dialect != "gemini":
        to.losses.dropped(part.at, f"only a provider of the dialect {part.dialect} can read this thought")
        return []
    found: Fields = {"text": part.text, "thought": True}
    signature = signature_of(part)
    if signature is not None:
        found["thoughtSignature"] = signature
    return [found]


def _opaque(part: Opaque, to: Sending) -> list[Fields]:
    if part.dialect == "gemini":
        return [part.native]
    to.losses.dropped(part.at, f"only the dialect {part.dialect} has {part.kind}")
    return []


def _call(part: ToolCall, to: Sending) -> Fields:
    _cached(part, to)
    if part.custom:
        to.losses.approximated(part.at, 'Gemini has no free-form input: it is sent as the argument "input"')
        arguments: Fields | None = {"input": part.arguments}
    else:
        arguments = arguments_of(part.arguments)
    if arguments is None:
        raise wrong(part.at, f'the arguments of "{part.name}" are no JSON object. Send one.', "invalid_arguments")
    return call_json(part, arguments)


def arguments_of(text: str) -> Fields | None:
    """Return a call's arguments; None for what is no JSON object. No text is an empty one."""
    if not text.strip():
        return {}
    try:
        found = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def call_json(part: ToolCall, arguments: Fields) -> Fields:
    """Return the part that tells a call."""
    call: Fields = {"name": part.name, "args": arguments}
    if part.id and not is_placed(part.id):
        call["id"] = part.id
    found: Fields = {"functionCall": call}
    if part.signature is not None:
        found["thoughtSignature"] = part.signature
    return found


def _result(part: ToolResult, to: Sending) -> list[Fields]:
    _cached(part, to)
    name = part.name or to.names.get(part.call_id)
    if name is None:
        raise wrong(
            part.at,
            f'is the result of the call "{part.call_id}", which is in none of the messages. Send the call before it.',
            "unknown_tool_call",
        )
    response: Fields = {"name": name, "response": _response(part, to)}
    if part.call_id and not is_placed(part.call_id):
        response["id"] = part.call_id
    media = [each for one in part.content if isinstance(one, Media) for each in _with_extra(one, to)]
    beside: list[Fields] = []
    if media and (to.own or to.nested):
        response["parts"] = media
    elif media:
        to.losses.approximated(part.at, "this model takes no media within a result: they are sent behind it")
        beside = media
    found: Fields = {"functionResponse": response}
    if part.extra:
        _extras(part.at, part.extra, found, to)
    return [found, *beside]


def _with_extra(media: Media, to: Sending) -> list[Fields]:
    found = _media(media, to)
    if media.extra:
        _extras(media.at, media.extra, found[-1], to)
    return found


def _response(part: ToolResult, to: Sending) -> Fields:
    """Return what a function gave, as `parts_in` reads it: a text that is a JSON object is the whole response."""
    texts = []
    for one in part.content:
        match one:
            case Text():
                texts.append(one.text)
                _cached(one, to)
                if one.extra and not to.own:
                    _extras(one.at, one.extra, {}, to)
            case Opaque():
                to.losses.dropped(one.at or part.at, f"only the dialect {one.dialect} has {one.kind}")
    text = "\n".join(texts)
    if part.error:
        return {"error": text}
    if not texts:
        return {}
    if text.lstrip().startswith("{"):
        found = arguments_of(text)
        if found is not None:
            return found
    return {"output": text}


def _media(part: Media, to: Sending) -> list[Fields]:
    _cached(part, to)
    found = media_json(part, to.losses)
    if found is None:
        raise BadRequest(
            f"{part.at}: names a file of another provider's ({part.file_id}). Send what is in it, or its address.",
            code="unsupported_content",
            param=part.at,
        )
    if part.detail not in (None, "auto"):
        to.losses.dropped(f"{part.at}.detail", "Gemini has a resolution for the whole request only")
    if part.cited:
        to.losses.dropped(f"{part.at}.citations", "Gemini does not cite documents of the request")
    told = [one for one in (part.title, part.context) if one]
    if not told:
        return [found]
    to.losses.approximated(part.at, "a document's title and context are sent as text in front of it")
    return [{"text": "\n".join(told)}, found]


def media_json(part: Media, losses: Losses) -> Fields | None:
    """Return the part that tells media; None for a file in another provider's store."""
    if part.file_id is not None and not part.file_id.startswith(("https://", "files/", "gs://")):
        return None
    inner: dict[str, Any] = {}
    address = part.url or part.file_id
    media_type = part.media_type or _type(part, address, losses)
    if media_type is not None:
        inner["mimeType"] = media_type
    if part.name is not None:
        inner["displayName"] = part.name
    if address is not None:
        return {"fileData": {**inner, "fileUri": address}}
    data = part.data
    if data is None:
        data = base64.b64encode((part.text or "").encode()).decode()
    return {"inlineData": {**inner, "data": data}}


def _type(part: Media, address: str | None, losses: Losses) -> str | None:
    if part.text is not None:
        return "text/plain"
    if address is not None:
        if part.file_id is not None or part.kind == "video":
            return None  # known to the store; a page on YouTube has none
        guessed = mimetypes.guess_type(address.partition("?")[0])[0] or mimetypes.guess_type(part.name or "")[0]
        if guessed is not None:
            return guessed
    found = _TYPES[part.kind]
    losses.added(part.at, f"Gemini wants a media type, and none was given: {found}")
    return found
