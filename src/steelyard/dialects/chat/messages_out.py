"""Messages as an upstream reads them (API reference, "Create chat completion", `messages`)."""

from collections.abc import Sequence

from msgspec import structs

from steelyard.core.losses import Losses
from steelyard.core.parts import Cache, Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.chat.content import media_part, text_part, thinking_part, with_extra, write_cache
from steelyard.dialects.chat.names import is_google, is_openai
from steelyard.dialects.chat.plain_out import is_bare, plain_message
from steelyard.dialects.chat.thoughts import NAME, field_of, write_thoughts
from steelyard.dialects.chat.tools import write_call, write_signature
from steelyard.dialects.members import wrong

__all__ = ["MessageWriter"]

_NO_FIELD = "the dialect has no such field"


class MessageWriter:
    """Writes the messages of one request for a model of that name. A request that came in this dialect is written again
    with all that it had."""

    __slots__ = ("_developer", "_losses", "_same", "_signs", "_written")

    def __init__(self, request: Request, losses: Losses, model: str) -> None:
        self._same = request.dialect == NAME
        self._losses = losses
        self._developer = self._same or is_openai(model)
        self._signs = self._same or is_google(model)
        self._written: list[Fields] = []

    def write(self, messages: tuple[Message, ...]) -> list[Fields]:
        """Return the messages. Raises BadRequest that names the path of content that has no words here."""
        pending: list[ToolResult] = []  # those that hold more than texts
        for message in messages if self._same else _joined(messages):
            plain = plain_message(message)
            if plain is not None:
                if pending and message.role != "tool":
                    self._hoist(pending)
                    pending = []
                self._written.append(plain)
                continue
            rest, results = _apart(message) if message.role in ("tool", "user") else (message.parts, [])
            if results and rest and not isinstance(message.parts[0], ToolResult):
                self._losses.approximated(message.at, "results of tools stand before the rest of their message")
            for result in results:
                self._result(result, message)
                if not self._same and any(not isinstance(one, Text) for one in result.content):
                    pending.append(result)
            if pending and (rest or not results):
                self._hoist(pending)
                pending = []
            if rest or not results:
                self._message(message, rest)
        self._hoist(pending)
        return self._written

    def _message(self, message: Message, parts: tuple[Part, ...]) -> None:
        if message.role == "assistant":
            self._assistant(message, parts)
            return
        role = message.role
        if role == "developer" and not self._developer:
            role = "system"
            self._losses.approximated(message.at, "sent as a system message: the server knows no developer")
        elif role == "tool":
            role = "user"
        wire: Fields = {"role": role}
        if len(parts) == 1 and type(parts[0]) is Text and self._is_plain(parts[0]):
            wire["content"] = parts[0].text
        else:
            content = [self._content(part) for part in parts]
            wire["content"] = [one for one in content if one is not None]
        self._finish(wire, message)

    def _finish(self, wire: Fields, message: Message) -> None:
        if message.name is not None:
            wire["name"] = message.name
        if message.extra:
            if self._same:
                with_extra(wire, message.extra)
            else:
                self._dropped(message.at, message.extra)
        self._written.append(wire)

    def _dropped(self, at: str, extra: Fields) -> None:
        for name in extra:
            self._losses.dropped(f"{at}.{name}", _NO_FIELD)

    def _is_plain(self, part: Text) -> bool:
        return is_bare(part) or (not self._same and self._reported(part))

    def _reported(self, part: Text) -> bool:
        """Report what a text carries that has no words here."""
        if part.citations:
            self._losses.dropped(f"{part.at}.citations", _NO_FIELD)
        if part.signature is not None:
            self._losses.dropped(f"{part.at}.signature", "only the provider that gave it can read it")
        self._without_cache(part.at, part.cache)
        self._dropped(part.at, part.extra)
        return True

    def _without_cache(self, at: str, cache: Cache | None) -> None:
        if cache is not None:
            self._losses.dropped(f"{at}.cache_control", "the dialect has no cache breakpoints")

    def _content(self, part: Part) -> Fields | None:
        match part:
            case Text():
                wire = text_part(part.text)
                if self._same:
                    write_cache(wire, part.cache)
                    return with_extra(wire, part.extra)
                self._reported(part)
                return wire
            case Media():
                return self._media(part)
            case Refusal():
                return self._with_extra({"type": "refusal", "refusal": part.text}, part.at, part.extra)
            case Thinking():
                return thinking_part(part)
        self._losses.dropped(part.at, "only the provider that it came from can read it")
        return None

    def _with_extra(self, wire: Fields, at: str, extra: Fields) -> Fields:
        if self._same:
            return with_extra(wire, extra)
        self._dropped(at, extra)
        return wire

    def _media(self, part: Media) -> Fields:
        if part.text is not None:
            self._losses.approximated(part.at, "a document of plain text is sent as text")
            wire: Fields | None = text_part(part.text)
        elif self._same:
            wire = media_part(part)
        else:
            wire = self._foreign_media(part)
        if wire is None:
            raise wrong(
                part.at,
                f"this {part.kind} cannot be sent to a server of OpenAI's chat dialect as it is given. Send its bytes.",
                "unsupported_content",
            )
        if self._same:
            write_cache(wire, part.cache)
            return with_extra(wire, part.extra)
        for name, value in (("title", part.title), ("context", part.context), ("citations", part.cited)):
            if value is not None and not (name == "title" and part.name is None and part.kind == "document"):
                self._losses.dropped(f"{part.at}.{name}", _NO_FIELD)
        self._without_cache(part.at, part.cache)
        self._dropped(part.at, part.extra)
        return wire

    def _foreign_media(self, part: Media) -> Fields | None:
        """OpenAI takes images by URL, sounds and files only as bytes (API reference); a file's id is its owner's."""
        remote = part.url is not None and (part.kind not in ("image", "video") or not part.url.startswith("http"))
        if part.file_id is not None or remote:
            return None
        if part.kind == "document" and part.name is None:
            part = structs.replace(part, name=part.title or "document.pdf")  # a file must have a name
        return media_part(part)

    def _result(self, result: ToolResult, message: Message) -> None:
        if result.error:
            self._losses.dropped(f"{result.at}.is_error", "the dialect does not say whether a tool failed")
        wire: Fields = {"role": "tool", "tool_call_id": result.call_id}
        content = result.content
        if self._same:
            parts = [self._content(part) for part in content]
            plain = len(content) == 1 and type(content[0]) is Text and self._is_plain(content[0])
            wire["content"] = content[0].text if plain and isinstance(content[0], Text) else parts if parts else ""
            write_cache(wire, result.cache)
            if result.name is not None:
                wire["name"] = result.name
            with_extra(wire, result.extra)
        else:
            self._without_cache(result.at, result.cache)
            self._dropped(result.at, result.extra)
            texts = [part for part in content if isinstance(part, Text)]
            for one in texts:
                self._reported(one)
            told = [text_part(one.text) for one in texts]
            wire["content"] = texts[0].text if len(texts) == 1 else told if told else ""
        if message.role == "tool" and message.parts[0] is result:
            self._finish(wire, message)
        else:
            self._written.append(wire)

    def _hoist(self, results: list[ToolResult]) -> None:
        """Write what results hold beside texts as a user's message behind them: a `tool` message takes texts only (API
        reference, "Tool message")."""
        content: list[Fields] = []
        for result in results:
            content.append(text_part(f"Returned by the tool call {result.call_id}:"))
            for part in result.content:
                if isinstance(part, Text):
                    continue
                wire = self._content(part)
                if wire is not None:
                    self._losses.approximated(part.at, "stands in a user's message behind the results of tools")
                    content.append(wire)
        if any(one["type"] != "text" for one in content):
            self._written.append({"role": "user", "content": content})

    def _assistant(self, message: Message, parts: tuple[Part, ...]) -> None:
        wire: Fields = {"role": "assistant", "content": None}
        if len(parts) == 1 and type(parts[0]) is Text and self._is_plain(parts[0]):
            wire["content"] = parts[0].text
            self._finish(wire, message)
            return
        thoughts, said, calls = self._sorted(parts)
        if not (self._same or thoughts or said or calls):
            return  # all of it was another provider's own: the server would refuse a message without content
        self._say(said, wire)
        if thoughts:
            write_thoughts(thoughts, wire, told=False)
        if calls:
            wire["tool_calls"] = [self._call(one) for one in calls]
        self._finish(wire, message)

    def _sorted(self, parts: tuple[Part, ...]) -> tuple[list[Thinking], list[Part], list[ToolCall]]:
        """Return thoughts, content and calls: the dialect's order."""
        thoughts: list[Thinking] = []
        said: list[Part] = []
        calls: list[ToolCall] = []
        for part in parts:
            if isinstance(part, ToolCall):
                calls.append(part)
            elif isinstance(part, Thinking):
                self._sort_thought(part, thoughts, said)
                continue
            elif isinstance(part, Opaque) and part.dialect != NAME:
                self._losses.dropped(part.at, "only the provider that it came from can read it")
                continue
            elif isinstance(part, Media) and not self._same:
                self._losses.dropped(part.at, "an assistant's message takes texts only")
                continue
            else:
                said.append(part)
            if calls and not isinstance(part, ToolCall):
                self._losses.approximated(part.at, "stands before the message's tool calls")
        return thoughts, said, calls

    def _sort_thought(self, thought: Thinking, thoughts: list[Thinking], said: list[Part]) -> None:
        if thought.dialect != NAME and not self._same:
            self._losses.dropped(thought.at, "only the provider that thought it can read it")
        elif field_of(thought)[0] == "content":
            said.append(thought)
        else:
            if said:
                self._losses.approximated(thought.at, "stands before the message's content")
            thoughts.append(thought)

    def _say(self, said: list[Part], wire: Fields) -> None:
        last = said[-1] if said else None
        if isinstance(last, Refusal) and not last.extra and not any(isinstance(one, Refusal) for one in said[:-1]):
            wire["refusal"] = last.text
            said = said[:-1]
        for part in said:
            if isinstance(part, Opaque):
                wire[part.kind] = part.native
            elif isinstance(part, Text) and self._same:
                write_signature(wire, part.signature)
        said = [one for one in said if not isinstance(one, Opaque)]
        if self._same:  # the signature is written
            said = [structs.replace(one, signature=None) if isinstance(one, Text) else one for one in said]
        if len(said) == 1 and isinstance(said[0], Text) and self._is_plain(said[0]):
            wire["content"] = said[0].text
        elif said:
            content = [self._content(part) for part in said]
            wire["content"] = [one for one in content if one is not None]

    def _call(self, call: ToolCall) -> Fields:
        wire = write_call(call)
        if self._same:
            write_cache(wire, call.cache)
            with_extra(wire, call.extra)
        else:
            self._without_cache(call.at, call.cache)
            self._dropped(call.at, call.extra)
        if self._signs:
            write_signature(wire, call.signature)
        elif call.signature is not None:
            self._losses.dropped(f"{call.at}.signature", "only the provider that gave it can read it")
        return wire


def _joined(messages: tuple[Message, ...]) -> Sequence[Message]:
    """Return messages with those of the assistant that follow each other made one: other dialects say text, thoughts
    and calls in items of their own, and results must follow one message with all the calls (API reference, "Create chat
    completion": each `tool_call_id` answers the preceding message)."""
    before = ""
    for message in messages:
        if before == "assistant" and message.role == "assistant":
            return _put_together(messages)
        before = message.role
    return messages


def _put_together(messages: tuple[Message, ...]) -> list[Message]:
    joined: list[Message] = []
    for message in messages:
        if message.role == "assistant" and joined and joined[-1].role == "assistant":
            last = joined[-1]
            extra = {**last.extra, **message.extra} if message.extra else last.extra
            joined[-1] = structs.replace(last, parts=last.parts + message.parts, extra=extra)
        else:
            joined.append(message)
    return joined


def _apart(message: Message) -> tuple[tuple[Part, ...], list[ToolResult]]:
    """Return a message's results of tools and the rest of it."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if not results:
        return message.parts, results
    return tuple(part for part in message.parts if not isinstance(part, ToolResult)), results
