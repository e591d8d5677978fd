"""The contents of a message, or of a tool's result, from the wire (API reference, "Create a model response", `input`:
input_text, input_image, input_file, input_audio, output_text, refusal)."""

import mimetypes
import re
from collections.abc import Callable
from typing import Any

from steelyard.core.parts import Cache, Citation, Fields, Media, Opaque, Part, Refusal, Text
from steelyard.dialects.members import Members, wrong
from steelyard.dialects.responses.names import CONTENT_OF_ITS_OWN, NAME

__all__ = ["below", "citation", "contents", "left"]

_TEXTS = ("input_text", "output_text")
_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*?);base64,", re.IGNORECASE)


def below(at: str, tail: str) -> str:
    """Return the path of what is at `tail` below a path; "" stays "": answers have no paths."""
    return at + tail if at else ""


def left(members: Members) -> Fields:
    """Return the members that nobody read and that say something."""
    rest = members.rest()
    return {name: value for name, value in rest.items() if value is not None} if rest else {}


def contents(value: Any, at: str) -> tuple[Part, ...]:
    """Return the parts of a content, which is a string or an array."""
    if isinstance(value, str):
        return (Text(value, at=at),)
    if isinstance(value, list):
        return tuple([_part(one, below(at, f"[{number}]")) for number, one in enumerate(value)])
    if value is None:
        raise wrong(at, "is missing. Give a string, or an array of content parts.", "missing_field")
    raise wrong(at, "expected a string or an array", "invalid_type")


def _part(value: Any, at: str) -> Part:
    if isinstance(value, dict) and len(value) == 2 and value.get("type") in _TEXTS:
        text = value.get("text")
        if isinstance(text, str):  # as nearly all are
            return Text(text, at=at)
    members = Members(value, at)
    kind = members.needed_text("type")
    read = _READERS.get(kind)
    if read is not None:
        return read(members)
    if kind in CONTENT_OF_ITS_OWN:
        return Opaque(NAME, kind, value, at)
    raise wrong(
        at,
        f'unknown type of content "{kind}". Known are {", ".join(_READERS)}.',
        "unknown_content",
    )


def _text(members: Members) -> Text:
    text = members.needed_text("text")
    annotations = members.array("annotations") or ()
    citations = tuple([citation(one) for one in annotations if isinstance(one, dict)])
    if not members.rest().get("logprobs"):
        members.any("logprobs")  # an output's empty list says nothing
    cache = _cache(members)
    return Text(text, citations, cache, at=members.at, extra=left(members))


def _refusal(members: Members) -> Refusal:
    return Refusal(members.needed_text("refusal"), at=members.at, extra=left(members))


def _image(members: Members) -> Media:
    url = members.text("image_url")
    file_id = members.text("file_id")
    detail = members.text("detail")
    cache = _cache(members)
    if url is None and file_id is None:
        raise wrong(members.path("image_url"), "is missing. Give an image_url or a file_id.", "missing_field")
    media_type, data = None, None
    if url is not None and url[:5].lower() == "data:":
        media_type, data = _data_url(url, members.path("image_url"))
        url = None
    return Media(
        "image",
        media_type,
        data,
        url,
        file_id,
        detail=detail,
        cache=cache,
        at=members.at,
        extra=left(members),
    )


def _file(members: Members) -> Media:
    data = members.text("file_data")
    url = members.text("file_url")
    file_id = members.text("file_id")
    name = members.text("filename")
    detail = members.text("detail")
    cache = _cache(members)
    if data is None and url is None and file_id is None:
        raise wrong(members.path("file_data"), "is missing. Give file_data, file_url or file_id.", "missing_field")
    media_type = mimetypes.guess_type(name)[0] if name else None
    if data is not None and data[:5].lower() == "data:":
        media_type, data = _data_url(data, members.path("file_data"))
    return Media(
        "document",
        media_type,
        data,
        url,
        file_id,
        name=name,
        detail=detail,
        cache=cache,
        at=members.at,
        extra=left(members),
    )


def _audio(members: Members) -> Media:
    sound = Members(members.object("input_audio") or {}, members.path("input_audio"))
    data = sound.needed_text("data")
    form = sound.needed_text("format")
    extra = left(members)
    extra.update({f"input_audio.{name}": value for name, value in left(sound).items()})
    return Media("audio", "audio/mpeg" if form == "mp3" else f"audio/{form}", data, at=members.at, extra=extra)


def _data_url(url: str, at: str) -> tuple[str | None, str]:
    found = _DATA_URL.match(url)
    if found is None:
        raise wrong(at, "expected data:<media type>;base64,<data>", "invalid_data_uri")
    return found[1] or None, url[found.end() :]


def _cache(members: Members) -> Cache | None:
    """Take a breakpoint (`prompt_cache_breakpoint`: `{"mode": "explicit", "ttl"}`). Its lifetime is one that only
    OpenAI has ("30m", "12h"), and stays among what has no name."""
    given = members.object("prompt_cache_breakpoint")
    if given is None:
        return None
    for name, value in given.items():
        if name != "mode" and value is not None:
            members.rest()[f"prompt_cache_breakpoint.{name}"] = value
    return Cache()


def citation(native: Fields) -> Citation:
    """Return what an annotation of a text says (API reference, `output_text.annotations`)."""
    title = native.get("title") or native.get("filename")
    start, end, url = native.get("start_index"), native.get("end_index"), native.get("url")
    return Citation(
        NAME,
        native,
        url if isinstance(url, str) else None,
        title if isinstance(title, str) else None,
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
    )


_READERS: dict[str, Callable[[Members], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
