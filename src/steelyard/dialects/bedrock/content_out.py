"""Messages as Converse has them (API reference, "Message", "ContentBlock", "SystemContentBlock")."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, assert_never

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import (
    Cache,
    Fields,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from steelyard.core.request import Message
from steelyard.dialects.bedrock.family import Family
from steelyard.dialects.bedrock.media_out import MediaBlocks
from steelyard.dialects.members import wrong
from steelyard.dialects.turns import merged

__all__ = ["Blocks", "tool_use_id"]

_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")


class Blocks:
    """Writes messages. `tool_names` are the tools that were called, in their order."""

    __slots__ = ("_family", "_losses", "_media", "tool_names", "uses_tools")

    def __init__(self, family: Family, losses: Losses) -> None:
        self._family = family
        self._losses = losses
        self._media = MediaBlocks(losses)
        self.tool_names: dict[str, None] = {}
        self.uses_tools = False

    def system(self, first: Sequence[Message], late: Sequence[Message]) -> list[Fields]:
        """Return the instructions: text and cache points only. Those from the middle of the conversation come last."""
        for message in late:
            self._losses.approximated(message.at, "Bedrock has instructions before the conversation only")
        blocks: list[Fields] = []
        for message in (*first, *late):
            self._report_rest(message)
            for part in message.parts:
                if not isinstance(part, Text):
                    raise wrong(part.at, "Bedrock's instructions are text only", "unsupported_content")
                blocks += self._text(part)
        return blocks

    def messages(self, messages: Sequence[Message]) -> list[Fields]:
        """Return the conversation: each side's messages in a row are one, results of tools come first in it."""
        for message in messages:
            self._report_rest(message)
        found = []
        for message in merged(messages):
            blocks = self._content(message)
            if blocks:
                found.append({"role": message.role, "content": blocks})
        # What was empty may have stood between two messages of one side.
        return _joined(found)

    def cache_point(self, cache: Cache | None, at: str) -> list[Fields]:
        """Return the cache point behind a block, if there is to be one."""
        if cache is None:
            return []
        if not self._family.caches:
            self._losses.dropped(f"{at}.cache_control", "the model has no cache on Bedrock")
            return []
        return [{"cachePoint": {"type": "default", **({"ttl": cache.ttl} if cache.ttl else {})}}]

    def _report_rest(self, message: Message) -> None:
        if message.name is not None:
            self._losses.dropped(f"{message.at}.name", "Bedrock's messages have no name")
        self._report_extra(message.at, message.extra)

    def _report_extra(self, at: str, extra: Fields) -> None:
        for name in extra:
            self._losses.dropped(f"{at}.{name}", "Bedrock has no such field")

    def _content(self, message: Message) -> list[Fields]:
        parts: Iterable[Part] = message.parts
        if message.role == "user":
            # Results must come first (Bedrock User Guide, "Tool use": the next message answers each call).
            parts = sorted(parts, key=lambda part: not isinstance(part, ToolResult))
        blocks: list[Fields] = []
        document = None
        for part in parts:
            if isinstance(part, Media):
                if message.role != "user":
                    raise wrong(part.at, "Bedrock takes media of users only", "unsupported_content")
                document = part if part.kind == "document" else document
            blocks += self._part(part)
        if document is not None and not any("text" in block for block in blocks):
            # API reference, "Message": a document must have a text beside it.
            raise wrong(document.at, "Bedrock wants a text in the message beside a document", "unsupported_content")
        return blocks

    def _part(self, part: Part) -> list[Fields]:
        match part:
            case Text():
                return self._text(part)
            case Media():
                self._report_extra(part.at, part.extra)
                return [self._media.block(part), *self.cache_point(part.cache, part.at)]
            case ToolCall():
                return self._tool_use(part)
            case ToolResult():
                return self._tool_result(part)
            case Thinking():
                return self._thinking(part)
            case Refusal():
                self._losses.approximated(part.at, "Bedrock has no refusals; sent as text")
                return self._text(Text(part.text, at=part.at, extra=part.extra))
            case Opaque():
                self._losses.dropped(part.at, f"Bedrock has no {part.kind}")
                return []
        assert_never(part)

    def _text(self, text: Text) -> list[Fields]:
        self._report_extra(text.at, text.extra)
        if text.citations:
            self._losses.dropped(f"{text.at}.citations", "citations are sent back to their own provider only")
        if text.signature is not None:
            self._losses.dropped(f"{text.at}.signature", "only its own provider can read it")
        if not text.text.strip():
            # Blank text is refused: "text content blocks must be non-empty".
            if text.text:
                self._losses.dropped(text.at, "Bedrock refuses blank text")
            return self.cache_point(text.cache, text.at)
        return [{"text": text.text}, *self.cache_point(text.cache, text.at)]

    def _tool_use(self, call: ToolCall) -> list[Fields]:
        self._report_extra(call.at, call.extra)
        if call.signature is not None:
            self._losses.dropped(f"{call.at}.signature", "only its own provider can read it")
        self.uses_tools = True
        self.tool_names[call.name] = None
        shown = {"toolUseId": tool_use_id(call.id), "name": call.name, "input": self._input(call)}
        return [{"toolUse": shown}, *self.cache_point(call.cache, call.at)]

    def _input(self, call: ToolCall) -> Fields:
        if call.custom:
            self._losses.approximated(call.at, 'Bedrock has no free-form input of tools; sent as {"input": …}')
            return {"input": call.arguments}
        if not call.arguments.strip():
            return {}
        try:
            found = msgspec.json.decode(call.arguments)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise wrong(call.at, "the arguments of the call are no JSON object", "invalid_arguments")
        return found

    def _tool_result(self, result: ToolResult) -> list[Fields]:
        self._report_extra(result.at, result.extra)
        self.uses_tools = True
        inside: list[Fields] = []
        cache = result.cache
        for part in result.content:
            if isinstance(part, Media) and part.kind == "audio":
                raise wrong(part.at, "Bedrock takes no audio from tools", "unsupported_content")
            for block in self._part(part):
                if "cachePoint" in block:
                    cache = cache or Cache(ttl=block["cachePoint"].get("ttl"))
                    self._losses.approximated(
                        f"{part.at}.cache_control", "Bedrock has cache points behind a result, not in it"
                    )
                else:
                    inside.append(block)
        shown: Fields = {"toolUseId": tool_use_id(result.call_id), "content": inside}
        if result.error and self._family.name in ("claude", "nova", "unknown"):
            shown["status"] = "error"  # "ToolResultBlock": of Nova and Claude only
        elif result.error:
            self._losses.dropped(f"{result.at}.is_error", "the model takes no status of results on Bedrock")
        return [{"toolResult": shown}, *self.cache_point(cache, result.at)]

    def _thinking(self, thought: Thinking) -> list[Fields]:
        self._report_extra(thought.at, thought.extra)
        ours = thought.dialect == "bedrock"
        if ours and thought.sealed is not None:
            return [{"reasoningContent": {"redactedContent": thought.sealed}}]
        # Claude's signatures are the same everywhere (Claude docs, "Extended thinking", "Thinking encryption": "values
        # generated on one platform will be compatible with another").
        readable = ours or (thought.dialect == "anthropic" and self._family.name == "claude")
        if readable and thought.signature is not None:
            return [{"reasoningContent": {"reasoningText": {"text": thought.text, "signature": thought.signature}}}]
        self._losses.dropped(thought.at, "the model can read signed thoughts of its own only")
        return []


def tool_use_id(call_id: str) -> str:
    """Return the id of a call in letters that Converse allows: another one, always the same, where it has others."""
    if _ID.fullmatch(call_id):
        return call_id
    return f"call_{sha256(call_id.encode()).hexdigest()[:32]}"


def _joined(messages: list[Fields]) -> list[Fields]:
    joined: list[Fields] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = {**message, "content": joined[-1]["content"] + message["content"]}
        else:
            joined.append(message)
    return joined
