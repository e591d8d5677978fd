"""Thoughts and their seals in Gemini's words: `{"text", "thought": true, "thoughtSignature"}`.

A foreign seal travels as base64 (`thoughtSignature` is bytes) of a marked text, in the last part of the thought that it
seals: a stream says the text before, in parts of their own, and clients send these back as they came.
"""

import base64
import binascii
from typing import Any

import msgspec
from msgspec import Struct, structs

from steelyard.core.parts import Fields, Part, Thinking
from steelyard.core.request import Message
from steelyard.dialects.gemini.proto import standard_base64
from steelyard.dialects.seals import sealed, unsealed

__all__ = ["gathered", "joined", "signature_of", "thought_of"]

_BEGINNING = "c3RlZWx5YXJkL"
"""Of base64 of every text that begins as a seal of ours does, in both alphabets."""


class _Seal(Struct, omit_defaults=True):
    """What seals a foreign thought."""

    signature: str | None = None
    sealed: str | None = None
    item_id: str | None = None
    summary: bool = False
    breaks: tuple[int, ...] = ()


_decode = msgspec.json.Decoder(_Seal).decode
_encode = msgspec.json.Encoder().encode


def signature_of(thought: Thinking) -> str | None:
    """Return the `thoughtSignature` of a thought of any dialect; None for one that has none."""
    if thought.dialect == "gemini":
        return thought.signature
    if thought.signature is None and thought.sealed is None:
        return None
    seal = _Seal(thought.signature, thought.sealed, thought.item_id, thought.summary, thought.breaks)
    marked = sealed(_encode(seal).decode(), thought.dialect, "gemini")
    return base64.b64encode(marked.encode()).decode()


def thought_of(text: str, signature: str | None, at: str, extra: Fields) -> Thinking:
    """Return the thought that a part tells; a marked seal gives it back to its own dialect."""
    if signature is not None and signature.startswith(_BEGINNING):
        try:
            marked = base64.b64decode(standard_base64(signature), validate=True).decode()
            dialect, told = unsealed(marked, "gemini")
            seal = _decode(told)
        except (binascii.Error, UnicodeDecodeError, msgspec.DecodeError):
            return Thinking(text, "gemini", signature, at=at, extra=extra)
        known: dict[str, Any] = structs.asdict(seal)
        return Thinking(text, dialect, at=at, extra=extra, **known)
    return Thinking(text, "gemini", signature, at=at, extra=extra)


def joined(parts: list[Part]) -> list[Part]:
    """Return parts with each foreign thought whole: the unsigned thoughts before its seal are its text."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Thinking) and part.dialect != "gemini":
            first = len(found)
            while first and _is_piece(found[first - 1]):
                first -= 1
            if first < len(found):
                pieces = [one.text for one in found[first:] if isinstance(one, Thinking)]
                part = structs.replace(part, text="".join((*pieces, part.text)), at=_at(found[first], part))
                del found[first:]
        found.append(part)
    return found


def gathered(found: list[Message], parts: list[Part]) -> list[Part]:
    """Return the parts of the model's next content with a foreign thought at their head made whole: what came of it is
    taken from the contents in front of it, since clients send a stream's chunks back as contents of their own."""
    if not parts or not isinstance(parts[0], Thinking) or parts[0].dialect == "gemini":
        return parts
    pieces: list[Part] = []
    while found and found[-1].role == "assistant" and not found[-1].extra:
        before = found.pop()
        kept = len(before.parts)
        while kept and _is_piece(before.parts[kept - 1]):
            kept -= 1
        pieces[:0] = before.parts[kept:]
        if kept:
            found.append(structs.replace(before, parts=before.parts[:kept]))
            break
    return joined([*pieces, *parts])


def _is_piece(part: Part) -> bool:
    return isinstance(part, Thinking) and part.dialect == "gemini" and part.signature is None and not part.extra


def _at(first: Part, last: Thinking) -> str:
    return first.at if isinstance(first, Thinking) else last.at
