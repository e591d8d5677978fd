"""Parts of a message's content (API reference, "Create chat completion", `messages`).

Beside OpenAI's own, parts that compatible servers know: `video_url` and `audio_url` (vLLM docs, "Multimodal inputs"),
`thinking` (Mistral API, "ThinkChunk"), and `cache_control` on any part, as clients send it for Claude (OpenRouter docs,
"Prompt Caching"). A part's leftover fields are kept under their path inside it (`image_url.format`).
"""

from collections.abc import Callable
from typing import Any

from steelyard.core.parts import Cache, Fields, Media, MediaKind, Part, Refusal, Text, Thinking
from steelyard.dialects.chat.thoughts import FIELD, NAME
from steelyard.dialects.members import Members, wrong

__all__ = [
    "cache_of",
    "file_part",
    "media_part",
    "read_content",
    "text_part",
    "thinking_part",
    "with_extra",
    "write_cache",
]

# Internet media types of `input_audio.format`; all others are "audio/" and the format.
_AUDIO = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
_URL_PARTS: dict[str, MediaKind] = {"image_url": "image", "video_url": "video", "audio_url": "audio"}


def read_content(value: Any, at: str) -> list[Part]:
    """Return the parts of a content: a string, an array of parts, or null."""
    if type(value) is str:
        return [Text(value, at=at)]
    if value is None:
        return []
    if type(value) is not list:
        raise wrong(at, "expected a string or an array of parts", "invalid_type")
    return [_read_part(one, f"{at}[{i}]") for i, one in enumerate(value)]


def _read_part(value: Any, at: str) -> Part:
    if type(value) is dict and len(value) == 2 and value.get("type") == "text" and type(value.get("text")) is str:
        return Text(value["text"], at=at)
    part = Members(value, at)
    kind = part.needed_text("type")
    read = _READERS.get(kind)
    if read is None:
        raise wrong(
            at,
            f'"{kind}" is no kind of content that is known here. Known are {", ".join(_READERS)}.',
            "unknown_content",
        )
    return read(part, kind)


def cache_of(part: Members) -> Cache | None:
    """Take a cache breakpoint."""
    value = part.object("cache_control")
    if value is None:
        return None
    told = Members(value, part.path("cache_control"))
    cache = Cache(told.text("type") or "ephemeral", told.text("ttl"))
    part.rest().update((f"cache_control.{name}", one) for name, one in told.rest().items())
    return cache


def _text(part: Members, kind: str) -> Part:
    text, cache = part.needed_text("text"), cache_of(part)
    return Text(text, cache=cache, at=part.at, extra=part.rest())


def _refusal(part: Members, kind: str) -> Part:
    return Refusal(part.needed_text("refusal"), at=part.at, extra=part.rest())


def _thinking(part: Members, kind: str) -> Part:
    pieces = part.array("thinking") or []
    path = part.path("thinking")
    texts = [Members(one, f"{path}[{i}]").text("text") or "" for i, one in enumerate(pieces)]
    return Thinking("".join(texts), NAME, f"{FIELD}content", at=part.at, extra=part.rest())


def _at_url(part: Members, kind: str) -> Part:
    value = part.any(kind)
    inner = Members({"url": value} if isinstance(value, str) else value, part.path(kind))
    url, detail, cache = inner.needed_text("url"), inner.text("detail"), cache_of(part)
    extra = {**part.rest(), **{f"{kind}.{name}": one for name, one in inner.rest().items()}}
    media_type, data = _of_data_uri(url, inner.path("url"))
    return Media(
        _URL_PARTS[kind],
        media_type,
        data,
        url if data is None else None,
        detail=detail,
        cache=cache,
        at=part.at,
        extra=extra,
    )


def _of_data_uri(url: str, at: str) -> tuple[str | None, str | None]:
    """Return media type and base64 data of a data URI; nothing for another URL."""
    if not url.startswith("data:"):
        return None, None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise wrong(at, "is no data URI in base64. Write data:MEDIA/TYPE;base64,DATA.", "invalid_data_uri")
    return head[: -len(";base64")] or None, data


def _audio(part: Members, kind: str) -> Part:
    inner = Members(part.any(kind), part.path(kind))
    data, form, cache = inner.needed_text("data"), inner.needed_text("format"), cache_of(part)
    extra = {**part.rest(), **{f"{kind}.{name}": one for name, one in inner.rest().items()}}
    remote = data.startswith(("http://", "https://"))  # Qwen-Omni takes URLs here
    told = _of_data_uri(data, inner.path("data"))[1]
    return Media(
        "audio",
        _AUDIO.get(form, f"audio/{form}"),
        None if remote else told or data,
        data if remote else None,
        cache=cache,
        at=part.at,
        extra=extra,
    )


def _file(part: Members, kind: str) -> Part:
    inner = Members(part.any(kind), part.path(kind))
    data, file_id, name = inner.text("file_data"), inner.text("file_id"), inner.text("filename")
    if (data is None) == (file_id is None):
        raise wrong(inner.at, 'give either "file_data" or "file_id".', "invalid_file")
    cache = cache_of(part)
    extra = {**part.rest(), **{f"{kind}.{name}": one for name, one in inner.rest().items()}}
    media_type, url = None, None
    if data is not None and data.startswith(("http://", "https://")):
        data, url = None, data  # OpenRouter docs, "PDF inputs"
    elif data is not None and data.startswith("data:"):
        media_type, data = _of_data_uri(data, inner.path("file_data"))
    return Media("document", media_type, data, url, file_id, name=name, cache=cache, at=part.at, extra=extra)


_READERS: dict[str, Callable[[Members, str], Part]] = {
    "text": _text,
    "image_url": _at_url,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
    "video_url": _at_url,
    "audio_url": _at_url,
    "thinking": _thinking,
}


def write_cache(wire: Fields, cache: Cache | None) -> None:
    """Write a cache breakpoint."""
    if cache is not None:
        told = {"type": cache.kind}
        if cache.ttl is not None:
            told["ttl"] = cache.ttl
        wire["cache_control"] = told


def with_extra(wire: Fields, extra: Fields) -> Fields:
    """Write leftover fields again, each into the object that it stood in."""
    for name, value in extra.items():
        holder, dot, member = name.partition(".")
        if dot and isinstance(wire.get(holder), dict):
            wire[holder][member] = value
        else:
            wire[name] = value
    return wire


def text_part(text: str) -> Fields:
    return {"type": "text", "text": text}


def thinking_part(thought: Thinking) -> Fields:
    """Write a thought that stands in the content."""
    return {"type": "thinking", "thinking": [text_part(thought.text)], **thought.extra}


def media_part(media: Media) -> Fields | None:
    """Write an image, a sound, a film or a file; None when this dialect has no part for it."""
    if media.kind == "document":
        return file_part(media)
    if media.kind == "audio" and (media.data is not None or media.media_type is not None):
        return _audio_part(media)
    url = media.url
    if media.data is not None:
        url = f"data:{media.media_type or ''};base64,{media.data}"
    if url is None:
        return None
    inner = {"url": url} if media.detail is None else {"url": url, "detail": media.detail}
    return {"type": f"{media.kind}_url", f"{media.kind}_url": inner}


def _audio_part(media: Media) -> Fields | None:
    data = media.data if media.data is not None else media.url
    if data is None or media.media_type is None:
        return None
    form = _AUDIO_FORMATS.get(media.media_type, media.media_type.removeprefix("audio/"))
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def file_part(media: Media) -> Fields | None:
    """Write a file: by its id, its data or its address."""
    inner: Fields = {}
    if media.file_id is not None:
        inner["file_id"] = media.file_id
    elif media.data is not None:
        # Some clients send bare base64.
        inner["file_data"] = f"data:{media.media_type};base64,{media.data}" if media.media_type else media.data
    elif media.url is not None:
        inner["file_data"] = media.url
    else:
        return None
    if media.name is not None:
        inner["filename"] = media.name
    return {"type": "file", "file": inner}
