"""Reasoning items: thoughts, and the seals of other dialects that travel in them.

A reasoning item's `encrypted_content` comes back as it was sent (API reference, "Reasoning"). Seals of other providers
travel in it under their dialect's name (`steelyard.dialects.seals`), with a word for what they seal where that is no
thought's signature:
`-sealed`: a thought that is all encrypted; `-call` and `-called`: the tool call behind or before the item; `-text`: the
text before it.
"""

from collections.abc import Sequence

from steelyard.core.parts import Fields, Thinking
from steelyard.dialects.members import Members
from steelyard.dialects.responses.names import NAME, genuine
from steelyard.dialects.seals import sealed, unsealed

__all__ = ["BREAK", "CALL", "CALLED", "TEXT", "pieces", "reasoning_item", "seal_item", "seal_of", "thoughts"]

BREAK = "\n\n"
"""What stands between the pieces of a thought's text."""

CALL = "gemini-call"
CALLED = "gemini-called"
TEXT = "gemini-text"

_SEALED = "-sealed"


def seal_of(item: Fields) -> tuple[str, str] | None:
    """Return what a reasoning item seals that is no thought (CALL, CALLED or TEXT) and the seal; None for a thought."""
    given = item.get("encrypted_content")
    whose, seal = unsealed(given, NAME) if isinstance(given, str) else (NAME, "")
    return (whose, seal) if whose in (CALL, CALLED, TEXT) else None


def thoughts(item: Members, at: str) -> tuple[Thinking, ...]:
    """Return what a reasoning item thinks: its summary and its full text are a thought each, the first of them has its
    seal. A thought without words is one, too."""
    item_id = genuine(item.text("id"))
    summary = _texts(item, "summary")
    content = _texts(item, "content")
    given = item.text("encrypted_content")
    whose, seal = unsealed(given, NAME) if given is not None else (NAME, None)
    encrypted = whose == NAME or whose.endswith(_SEALED)
    dialect = whose.removesuffix(_SEALED)
    extra = {name: value for name, value in item.rest().items() if value is not None}
    found: list[Thinking] = []
    for texts, is_summary in ((summary, True), (content, False)):
        if texts or (not is_summary and not summary):
            first = not found
            text, breaks = _joined(texts)
            found.append(
                Thinking(
                    text,
                    dialect,
                    signature=seal if first and not encrypted else None,
                    sealed=seal if first and encrypted else None,
                    summary=is_summary,
                    item_id=item_id,
                    at=at,
                    extra=extra if first else {},
                    breaks=breaks,
                )
            )
    return tuple(found)


def _texts(item: Members, name: str) -> list[str]:
    found = []
    for number, one in enumerate(item.array(name) or ()):
        found.append(Members(one, f"{item.path(name)}[{number}]").needed_text("text"))
    return found


def _joined(texts: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    breaks = []
    at = 0
    for text in texts[:-1]:
        at += len(text) + len(BREAK)
        breaks.append(at)
    return BREAK.join(texts), tuple(breaks)


def pieces(thought: Thinking) -> list[str]:
    """Return the pieces of a thought's text; none for one without words."""
    if not thought.text and not thought.breaks:
        return []
    starts = (0, *thought.breaks)
    ends = (*(at - len(BREAK) for at in thought.breaks), len(thought.text))
    return [thought.text[start:end] for start, end in zip(starts, ends, strict=True)]


def reasoning_item(found: Sequence[Thinking], item_id: str | None) -> Fields:
    """Return the reasoning item of thoughts that belong together."""
    item: Fields = {"type": "reasoning"}
    if item_id is not None:
        item["id"] = item_id
    item["summary"] = [{"type": "summary_text", "text": text} for one in found if one.summary for text in pieces(one)]
    content = [{"type": "reasoning_text", "text": text} for one in found if not one.summary for text in pieces(one)]
    if content:
        item["content"] = content
    for one in found:
        seal = sealed_text(one)
        if seal is not None:
            item.setdefault("encrypted_content", seal)
    return item


def sealed_text(thought: Thinking) -> str | None:
    """Return what seals a thought as it travels in `encrypted_content`. A signature goes before encrypted data."""
    if thought.signature is not None:
        return sealed(thought.signature, thought.dialect, NAME)
    if thought.sealed is not None:
        whose = thought.dialect if thought.dialect == NAME else thought.dialect + _SEALED
        return sealed(thought.sealed, whose, NAME)
    return None


def seal_item(what: str, seal: str, item_id: str) -> Fields:
    """Return the reasoning item that carries a seal of something that is no thought."""
    return {"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": sealed(seal, what, NAME)}
