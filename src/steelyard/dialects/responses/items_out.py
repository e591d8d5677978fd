"""A request's messages onto the wire, as input items."""

from collections.abc import Sequence

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message
from steelyard.dialects.responses.content_out import ContentOut
from steelyard.dialects.responses.names import CONTENT_OF_ITS_OWN, NAME
from steelyard.dialects.responses.thoughts import reasoning_item

__all__ = ["input_items"]


def input_items(messages: Sequence[Message], dialect: str, losses: Losses) -> list[Fields]:
    """Return the items of a conversation that came in `dialect`. Raises BadRequest for content that would be missed."""
    out = _Items(dialect, losses)
    for message in messages:
        out.add(message)
    return out.items


class _Items:
    def __init__(self, dialect: str, losses: Losses) -> None:
        self._dialect = dialect
        self._losses = losses
        self._write = ContentOut(dialect, losses)
        self.items: list[Fields] = []

    def add(self, message: Message) -> None:
        role = "user" if message.role == "tool" else message.role
        text = _text_alone(message.parts)
        if text is not None and message.name is None and not message.extra and message.item_id is None:
            self.items.append({"type": "message", "role": role, "content": text})  # as most are
            return
        self._add(message, role)

    def _add(self, message: Message, role: str) -> None:
        content: list[Fields] = []
        before = len(self.items)
        thoughts: list[Thinking] = []
        for part in message.parts:
            if thoughts and not (isinstance(part, Thinking) and _together(thoughts[-1], part)):
                self._think(thoughts)
                thoughts = []
            if _is_content(part):
                wire = self._write.part(part, role)
                if wire is not None:
                    content.append(wire)
                continue
            self._message(message, role, content)
            content = []
            if isinstance(part, Thinking):
                thoughts.append(part)
            else:
                self._item(part)
        self._think(thoughts)
        if content or (not message.parts and len(self.items) == before):
            self._message(message, role, content, even_empty=True)
        if message.name is not None:
            self._losses.dropped(f"{message.at}.name", "messages have no names here")
        self._write.rest(message.extra, message.at)

    def _message(self, message: Message, role: str, content: list[Fields], *, even_empty: bool = False) -> None:
        if not content and not even_empty:
            return
        item: Fields = {"type": "message"}
        if message.item_id is not None:
            item["id"] = message.item_id
            if role == "assistant":
                item["status"] = "completed"  # demanded of an output's message
        item["role"] = role
        item["content"] = _plain(content)
        if self._dialect == NAME:
            item.update(message.extra)
        self.items.append(item)

    def _think(self, thoughts: list[Thinking]) -> None:
        if not thoughts:
            return
        first = thoughts[0]
        if first.dialect != NAME or (first.item_id is None and all(one.sealed is None for one in thoughts)):
            # OpenAI looks up a thought that is not sealed by its id, and refuses one that it does not find.
            for one in thoughts:
                self._losses.dropped(one.at, "only the provider that thought it can read it")
            return
        item = reasoning_item(thoughts, first.item_id)
        for one in thoughts:
            item.update(one.extra)
        self.items.append(item)

    def _item(self, part: Part) -> None:
        match part:
            case ToolCall():
                self.items.append(self._call(part))
            case ToolResult():
                self.items.append(self._result(part))
            case Opaque() if part.dialect == NAME:
                self.items.append(part.native)
            case _:
                self._losses.dropped(part.at, f"only {self._dialect} has this kind of content")

    def _call(self, call: ToolCall) -> Fields:
        item: Fields = {"type": "custom_tool_call" if call.custom else "function_call"}
        if call.item_id is not None:
            item["id"] = call.item_id
        item["call_id"] = call.id
        item["name"] = call.name
        if call.custom:
            item["input"] = call.arguments
        else:
            item["arguments"] = call.arguments or "{}"
        if call.signature is not None:
            self._losses.dropped(f"{call.at}.thoughtSignature", "only Gemini can read it")
        return self._ended(item, call)

    def _result(self, result: ToolResult) -> Fields:
        output: str | list[Fields] | None = _text_alone(result.content)
        if output is None:
            parts = [one for one in (self._write.part(part, "tool") for part in result.content) if one is not None]
            output = _plain(parts) if parts else ""
        item: Fields = {"type": "custom_tool_call_output" if result.custom else "function_call_output"}
        if result.item_id is not None:
            item["id"] = result.item_id
        item["call_id"] = result.call_id
        item["output"] = output
        if result.name is not None and self._dialect == NAME:
            item["name"] = result.name
        if result.error:
            self._losses.dropped(f"{result.at}.is_error", "results have no mark of failure here")
        return self._ended(item, result)

    def _ended(self, item: Fields, part: ToolCall | ToolResult) -> Fields:
        if self._dialect == NAME:
            item.update(part.extra)
            return item
        if part.cache is not None:
            self._losses.dropped(f"{part.at}.cache_control", "OpenAI caches prompts by itself")
        self._write.rest(part.extra, part.at)
        return item


def _together(one: Thinking, other: Thinking) -> bool:
    """Say whether two thoughts are of one reasoning item."""
    return one.item_id is not None and one.item_id == other.item_id and one.summary and not other.summary


def _text_alone(parts: Sequence[Part]) -> str | None:
    """Return the text that a content consists of; None for one that is more than a text."""
    if len(parts) != 1 or not isinstance(only := parts[0], Text):
        return None
    more = only.citations or only.extra or only.cache is not None or only.signature is not None
    return None if more else only.text


def _is_content(part: Part) -> bool:
    return isinstance(part, Text | Refusal | Media) or (isinstance(part, Opaque) and part.kind in CONTENT_OF_ITS_OWN)


def _plain(content: list[Fields]) -> str | list[Fields]:
    """Return a content as a string where it is no more than one."""
    if len(content) == 1:
        only = content[0]
        bare = only.keys() <= {"type", "text"} or (
            only.keys() <= {"type", "text", "annotations"} and not only["annotations"]
        )
        if bare and only["type"] != "refusal":
            text: str = only["text"]
            return text
    return content
