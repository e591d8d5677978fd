"""Thoughts in Chat Completions, which has no field for them: servers and clients agreed on four.

- `reasoning_content`: DeepSeek API docs, "Thinking Mode", which demands it back in turns that called tools.
- `reasoning`: OpenRouter docs, "Reasoning Tokens"; vLLM since github.com/vllm-project/vllm/pull/27752.
- `reasoning_details`: OpenRouter docs, "Reasoning Tokens", "reasoning_details array": what seals a thought.
- `thinking_blocks`: LiteLLM docs, "Reasoning content": Anthropic's blocks as they are.
- `content`: parts of type "thinking" between the texts (Mistral API, "ThinkChunk").

A server wants a thought back in the field where it wrote it, so the field is what "seals" a thought of this dialect
that has no signature: it travels through clients of other dialects as a signature does.
"""

from typing import Any

from msgspec import structs

from steelyard.core.parts import Fields, Thinking
from steelyard.dialects.members import Members, wrong
from steelyard.dialects.seals import sealed, unsealed

__all__ = ["FIELD", "NAME", "block_of", "detail_of", "field_of", "read_thoughts", "write_thoughts"]

NAME = "openai"
FIELD = "field:"
"""Before the name of the field that a thought stood in, in the place of a signature."""

_PLAIN = ("reasoning_content", "reasoning")
_FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "bedrock": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai-responses": "openai-responses-v1",
}
# OpenRouter TypeScript SDK, "ReasoningDetailTextFormat", "ReasoningDetailEncryptedFormat".


def read_thoughts(message: Members, *, foreign: bool) -> tuple[list[Thinking], Fields]:
    """Take a message's thoughts, and the texts that say something else than the sealed thoughts beside them. `foreign`:
    a client gives them back, so that a seal may be another dialect's."""
    plain = {name: text for name in _PLAIN if (text := message.text(name))}
    details, blocks = message.array("reasoning_details"), message.array("thinking_blocks")
    beside: Fields = {}
    if details:
        path = message.path("reasoning_details")
        entries = (Members(one, f"{path}[{i}]") for i, one in enumerate(details))
        thoughts = _joined([detail_of(one, foreign=foreign) for one in entries])
        if blocks:
            beside["thinking_blocks"] = blocks
    elif blocks:
        path = message.path("thinking_blocks")
        thoughts = [block_of(Members(one, f"{path}[{i}]")) for i, one in enumerate(blocks)]
    else:
        thoughts = []
    told = "".join(one.text for one in thoughts)
    for name, text in plain.items():
        if not told:
            thoughts.insert(0, Thinking(text, NAME, FIELD + name, at=message.path(name)))
            told = text
        elif text != told:
            beside[name] = text
    return thoughts, beside


def detail_of(entry: Members, *, foreign: bool) -> Thinking:
    """Return the thought that one of `reasoning_details` tells."""
    kind = entry.needed_text("type")
    if kind == "reasoning.text":
        return _told(entry, entry.text("text"), foreign=foreign)
    if kind == "reasoning.summary":
        return structs.replace(_told(entry, entry.text("summary"), foreign=foreign), summary=True)
    if kind == "reasoning.encrypted":
        data = entry.needed_text("data")
        whose, seal = unsealed(data, NAME) if foreign else (NAME, data)
        return _owned(Thinking("", whose, sealed=seal, at=entry.at), entry)
    raise wrong(entry.path("type"), f'"{kind}" is no kind of reasoning that is known here', "unknown_content")


def _told(entry: Members, text: str | None, *, foreign: bool) -> Thinking:
    signature = entry.text("signature") or f"{FIELD}reasoning_details"
    whose, seal = unsealed(signature, NAME) if foreign else (NAME, signature)
    return _owned(Thinking(text or "", whose, seal, at=entry.at), entry)


def _owned(thought: Thinking, entry: Members) -> Thinking:
    left = entry.rest()
    if thought.dialect == NAME:
        return structs.replace(thought, extra=left) if left else thought
    # Ours: its format follows from the seal, its index from its place.
    item_id = left.pop("id", None)
    left.pop("format", None)
    index = left.pop("index", None)
    return structs.replace(thought, item_id=item_id, extra={**left, "index": index} if index is not None else left)


def _joined(thoughts: list[Thinking]) -> list[Thinking]:
    """Put a foreign thought together that was told in two entries of one index: its text, and what seals it."""
    found: list[Thinking] = []
    for one in thoughts:
        index = one.extra.get("index") if one.dialect != NAME else None
        before = found[-1] if found else None
        if index is not None:
            one = structs.replace(one, extra={name: value for name, value in one.extra.items() if name != "index"})
            if one.sealed and before is not None and before.dialect == NAME and before.extra.get("index") == index:
                found[-1] = structs.replace(one, text=before.text, summary=before.summary, at=before.at)
                continue
        found.append(one)
    return found


def block_of(block: Members) -> Thinking:
    """Return the thought of one of LiteLLM's `thinking_blocks`, which are Anthropic's own."""
    kind = block.needed_text("type")
    if kind == "redacted_thinking":
        data = block.needed_text("data")
        return Thinking("", "anthropic", sealed=data, at=block.at, extra=block.rest())
    if kind == "thinking":
        text, signature = block.text("thinking") or "", block.text("signature")
        return Thinking(text, "anthropic", signature or None, at=block.at, extra=block.rest())
    raise wrong(block.path("type"), f'"{kind}" is no kind of thinking block that is known here', "unknown_content")


def field_of(thought: Thinking) -> tuple[str, str | None]:
    """Return the field that a thought belongs in, and its true signature."""
    signature = thought.signature
    if thought.dialect == NAME and signature and signature.startswith(FIELD):
        name, _, seal = signature[len(FIELD) :].partition(":")
        return name, seal or None
    if thought.dialect == "anthropic" and "thinking_blocks[" in thought.at:
        return "thinking_blocks", signature
    return ("reasoning_details" if signature or thought.sealed else "reasoning_content"), signature


def write_thoughts(thoughts: list[Thinking], message: Fields, *, told: bool) -> None:
    """Write thoughts into a message, but for those that stand in its content. `told`: a client that knows no seals can
    read them all in one of the plain fields."""
    for index, one in enumerate(thoughts):
        field, signature = field_of(one)
        if field == "thinking_blocks":
            message.setdefault(field, []).append(_block(one, signature))
        elif field == "reasoning_details":
            message.setdefault(field, []).extend(_details(one, signature, index))
        elif field != "content":
            message[field] = message.get(field, "") + one.text
    if told and ("reasoning_details" in message or "thinking_blocks" in message):
        text = "".join(one.text for one in thoughts if field_of(one)[0] != "content")
        if text:
            message.pop("reasoning", None)
            message["reasoning_content"] = text


def _block(thought: Thinking, signature: str | None) -> Fields:
    seal = thought.sealed.removeprefix(f"{FIELD}thinking_blocks:") if thought.sealed else None
    if seal is not None:
        return {"type": "redacted_thinking", "data": seal, **thought.extra}
    signed = {"signature": signature} if signature else {}
    return {"type": "thinking", "thinking": thought.text, **signed, **thought.extra}


def _details(thought: Thinking, signature: str | None, index: int) -> list[Fields]:
    more: dict[str, Any] = thought.extra
    if thought.dialect != NAME:
        more = {"format": _FORMATS.get(thought.dialect, "unknown"), "index": index, **more}
        if thought.item_id is not None:
            more["id"] = thought.item_id
    entries = []
    if thought.text or not thought.sealed:
        entry = {"type": "reasoning.summary", "summary": thought.text} if thought.summary else _text(thought)
        if signature:
            entry["signature"] = sealed(signature, thought.dialect, NAME)
        entries.append({**entry, **more})
    if thought.sealed:
        seal = sealed(thought.sealed, thought.dialect, NAME)
        entries.append({"type": "reasoning.encrypted", "data": seal, **more})
    return entries


def _text(thought: Thinking) -> Fields:
    return {"type": "reasoning.text", "text": thought.text}
