"""Images, documents, sounds and films as Converse has them (API reference, "ImageBlock", "DocumentBlock",
"AudioBlock", "VideoBlock"): bytes in base64 with a format, or an object in S3."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, MediaKind
from steelyard.dialects.members import wrong

__all__ = ["MediaBlocks"]

_FORMATS: Final[Mapping[MediaKind, Mapping[str, str]]] = {
    "image": {
        "image/png": "png",
        "image/jpeg": "jpeg",
        "image/jpg": "jpeg",
        "image/gif": "gif",
        "image/webp": "webp",
    },
    "document": {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
    },
    "audio": {
        "audio/mpeg": "mp3",
        "audio/mp3": "mp3",
        "audio/opus": "opus",
        "audio/wav": "wav",
        "audio/wave": "wav",
        "audio/x-wav": "wav",
        "audio/aac": "aac",
        "audio/x-aac": "x-aac",
        "audio/flac": "flac",
        "audio/mp4": "mp4",
        "audio/ogg": "ogg",
        "audio/x-matroska": "mka",
        "audio/m4a": "m4a",
        "audio/x-m4a": "m4a",
        "audio/pcm": "pcm",
        "audio/webm": "webm",
    },
    "video": {
        "video/x-matroska": "mkv",
        "video/quicktime": "mov",
        "video/mp4": "mp4",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/mpeg": "mpeg",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
    },
}
# "DocumentBlock": letters, digits, single spaces, hyphens, parentheses, square brackets; at most 200 characters.
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_MOST_NAME: Final = 180


class MediaBlocks:
    """Writes media. Documents get names, which Converse demands and which must differ."""

    __slots__ = ("_losses", "_names")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._names: set[str] = set()

    def block(self, media: Media) -> Fields:
        """Return the block of a media part. Raises BadRequest for what Converse cannot take."""
        if media.detail not in (None, "auto"):
            self._losses.dropped(f"{media.at}.detail", "Converse has no detail of images")
        shown: Fields = {"format": self._format(media), "source": _source(media)}
        if media.kind == "document":
            shown["name"] = self._name(media)
            if media.context is not None:
                shown["context"] = media.context
            if media.cited:
                shown["citations"] = {"enabled": True}
        return {media.kind: shown}

    def _format(self, media: Media) -> str:
        known = _FORMATS[media.kind]
        if media.text is not None:
            return known.get((media.media_type or "text/plain").partition(";")[0].strip().lower(), "txt")
        if media.media_type is not None:
            found = known.get(media.media_type.partition(";")[0].strip().lower())
        else:
            extension = (media.name or media.url or "").rpartition(".")[2].lower()
            found = {"jpg": "jpeg"}.get(extension, extension) if extension in {*known.values(), "jpg"} else None
        if found is None:
            raise wrong(
                media.at,
                f"Bedrock takes no {media.kind} of type {media.media_type or 'unknown'}, "
                f"but {', '.join(sorted(set(known.values())))}",
                "unsupported_content",
            )
        return found

    def _name(self, media: Media) -> str:
        given = media.name or media.title or ""
        stem = given.rpartition(".")[0] if media.name and "." in given else given
        name = _FORBIDDEN.sub(" ", stem).strip()[:_MOST_NAME].strip()
        if name != stem:
            self._losses.approximated(
                media.at, "Bedrock allows letters, digits, hyphens and brackets in a document's name"
            )
        name = name or "document"
        number = 1
        unique = name
        while unique in self._names:
            number += 1
            unique = f"{name} {number}"
        self._names.add(unique)
        return unique


def _source(media: Media) -> Fields:
    if media.data is not None:
        return {"bytes": media.data}
    if media.text is not None:
        return {"bytes": b64encode(media.text.encode()).decode()}
    if media.url is not None and media.url.startswith("s3://"):
        return {"s3Location": {"uri": media.url}}
    what = "a URL" if media.url is not None else "a file of another provider"
    raise wrong(media.at, f"Bedrock takes the bytes of a {media.kind}, or s3://, not {what}", "unsupported_content")
