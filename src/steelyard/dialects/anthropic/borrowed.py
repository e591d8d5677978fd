"""Thoughts of other dialects on their way through an Anthropic client.

The only field of this API that a client returns unread is a thinking block's signature, so all that another provider
wants back travels in one (`steelyard.dialects.seals`), whose mark says what it seals:

    gemini                   this thought
    openai-responses-item    this thought, as an item: `ID/s/SEAL`, or `ID/t/SEAL` where its text is no summary
    gemini-call              the tool call that follows
    gemini-called            the tool call before, where its signature came after it
    gemini-text              the text before
"""

from collections.abc import Sequence

from msgspec import structs

from steelyard.core.parts import Part, Text, Thinking, ToolCall
from steelyard.dialects.anthropic.words import NAME
from steelyard.dialects.seals import sealed, unsealed

__all__ = ["returned", "signature_for", "signature_of", "thought"]

_ITEM = "-item"
_ENDS = ("-call", "-called", "-text")


def signature_of(value: Thinking) -> str:
    """Return the signature of the block that a thought becomes."""
    if value.dialect == NAME:
        return value.signature or ""
    if value.sealed is None and value.item_id is None:
        return sealed(value.signature or "", value.dialect, NAME)
    body = f"{value.item_id or ''}/{'s' if value.summary else 't'}/{value.sealed or ''}"
    return sealed(body, value.dialect + _ITEM, NAME)


def signature_for(signature: str, what: str) -> str:
    """Return the signature of the empty block that carries one of Gemini's, of a `call`, `called` or `text`."""
    return sealed(signature, f"gemini-{what}", NAME)


def thought(text: str, signature: str, at: str) -> Thinking:
    """Return the thought of a thinking block."""
    dialect, seal = unsealed(signature, NAME)
    if not dialect.endswith(_ITEM):
        return Thinking(text, dialect, seal or None, at=at)
    item_id, _, rest = seal.partition("/")
    kind, _, data = rest.partition("/")
    whose = dialect.removesuffix(_ITEM)
    return Thinking(text, whose, sealed=data or None, summary=kind == "s", item_id=item_id or None, at=at)


def returned(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts with the signatures that empty blocks carried put back where they belong."""
    for part in parts:
        if isinstance(part, Thinking) and part.dialect.endswith(_ENDS):
            return _put_back(parts)
    return tuple(parts)


def _put_back(parts: Sequence[Part]) -> tuple[Part, ...]:
    found: list[Part] = []
    waiting = None
    for part in parts:
        if isinstance(part, Thinking) and part.dialect.endswith(_ENDS):
            if part.dialect.endswith("-call"):
                waiting = part.signature
            else:
                _sign_last(found, part)
        elif isinstance(part, ToolCall) and waiting is not None:
            found.append(structs.replace(part, signature=waiting))
            waiting = None
        else:
            found.append(part)
    return tuple(found)


def _sign_last(found: list[Part], carrier: Thinking) -> None:
    kind = Text if carrier.dialect.endswith("-text") else ToolCall
    for number in range(len(found) - 1, -1, -1):
        part = found[number]
        if isinstance(part, kind) and isinstance(part, Text | ToolCall):
            found[number] = structs.replace(part, signature=carrier.signature)
            return
