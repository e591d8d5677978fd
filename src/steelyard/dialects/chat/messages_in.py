"""Messages as a client wrote them (API reference, "Create chat completion", `messages`)."""

from typing import Any

from msgspec import structs

from steelyard.core.parts import Cache, Fields, Media, Opaque, Part, Refusal, Role, Text, ToolCall, ToolResult
from steelyard.core.request import Message
from steelyard.dialects.chat.content import cache_of, read_content
from steelyard.dialects.chat.thoughts import NAME, read_thoughts
from steelyard.dialects.chat.tools import call_of, signature_of
from steelyard.dialects.members import Members, wrong

__all__ = ["MessageReader"]

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
_SPOKEN = frozenset(_ROLES)
_MOST_PATHS = 512
_PATHS = [(f"messages[{i}]", f"messages[{i}].content") for i in range(_MOST_PATHS)]


class MessageReader:
    """Reads the messages of one request in their order: results are told by the calls before them."""

    __slots__ = ("_customs", "_legacy")

    def __init__(self) -> None:
        self._customs: set[str] = set()
        self._legacy: dict[str, str] = {}

    def read(self, values: list[Any]) -> tuple[Message, ...]:
        """Return the messages. Raises BadRequest that names the path of what is wrong."""
        found = []
        for i, value in enumerate(values):
            at, content_at = _PATHS[i] if i < _MOST_PATHS else (f"messages[{i}]", f"messages[{i}].content")
            plain = self._plain(value, at, content_at) if type(value) is dict else None
            found.append(plain if plain is not None else self._read(value, at))
        return tuple(found)

    def _read(self, value: Any, at: str) -> Message:
        message = Members(value, at)
        told = message.needed_text("role")
        if told == "assistant":
            return self._assistant(message)
        if told == "tool":
            return self._result(message, message.needed_text("tool_call_id"), message.text("name"))
        if told == "function":
            return self._legacy_result(message)
        known = _ROLES.get(told)
        if known is None:
            raise wrong(
                message.path("role"), f'"{told}" is no role. Known are {", ".join(_ROLES)} and tool.', "invalid_role"
            )
        return _spoken(message, known)

    def _plain(self, value: Fields, at: str, content_at: str) -> Message | None:
        """Return a message of one of the forms that nearly all have, None for others: a role and a string, an
        assistant's calls with no text, or a result of one string."""
        role: Any = value.get("role")  # tested by its type: an isinstance, which mypy follows, takes longer
        content, size = value.get("content"), len(value)
        spoken = type(role) is str and role in _SPOKEN
        if spoken and type(content) is str and size == 2:
            return Message(role, (Text(content, at=content_at),), at=at)
        if role == "tool" and size == 3 and type(content) is str:
            call_id = value.get("tool_call_id")
            if type(call_id) is str:
                said = (Text(content, at=content_at),)
                return Message("tool", (ToolResult(call_id, said, custom=call_id in self._customs, at=at),), at=at)
        elif role == "assistant" and not content and size == 2 + ("content" in value):
            calls = value.get("tool_calls")
            if type(calls) is list and calls:
                parts = [call_of(one, f"{at}.tool_calls[{i}]") for i, one in enumerate(calls)]
                self._customs.update([one.id for one in parts if one.custom])
                return Message("assistant", tuple(parts), at=at)
        return None

    def _assistant(self, message: Members) -> Message:
        parts: list[Part] = []
        beside: Fields = {}
        if "reasoning_content" in message or "reasoning" in message or _has_sealed(message):
            thoughts, beside = read_thoughts(message, foreign=True)
            parts += thoughts
        content = message.any("content")
        if content is not None:
            parts += read_content(content, message.path("content"))
        refusal = message.text("refusal")
        if refusal is not None:
            parts.append(Refusal(refusal, at=message.path("refusal")))
        parts += self._calls(message)
        if content == "" and len(parts) > 1:
            # Many clients write "" where a message has no text: no other dialect takes it for one.
            parts = [one for one in parts if not (isinstance(one, Text) and not one.text)]
        parts = _signed(parts, signature_of(message)) if "extra_content" in message else parts
        parts = _cached(parts, cache_of(message))
        name = message.text("name")
        return Message(
            "assistant", tuple(parts), name, message.at, {**message.rest(), **beside} if beside else message.rest()
        )

    def _calls(self, message: Members) -> list[Part]:
        parts: list[Part] = []
        audio = message.object("audio")
        if audio is not None:
            parts.append(Opaque(NAME, "audio", audio, message.path("audio")))
        calls = message.array("tool_calls")
        if calls:
            path = message.path("tool_calls")
            for i, one in enumerate(calls):
                call = call_of(one, f"{path}[{i}]")
                if call.custom:
                    self._customs.add(call.id)
                parts.append(call)
        legacy = message.any("function_call")
        if legacy is not None:
            parts.append(self._legacy_call(Members(legacy, message.path("function_call"))))
        return parts

    def _legacy_call(self, call: Members) -> ToolCall:
        name, arguments = call.needed_text("name"), call.text("arguments") or ""
        call_id = f"call_{len(self._legacy)}_{name}"
        self._legacy[name] = call_id
        return ToolCall(call_id, name, arguments, at=call.at, extra=call.rest())

    def _legacy_result(self, message: Members) -> Message:
        name = message.needed_text("name")
        return self._result(message, self._legacy.get(name, f"call_of_{name}"), name)

    def _result(self, message: Members, call_id: str, name: str | None) -> Message:
        at = message.at
        content: list[Text | Media | Opaque] = []
        for part in read_content(message.any("content"), message.path("content")):
            if not isinstance(part, Text | Media):
                raise wrong(part.at, "a tool's result cannot hold this kind of content.", "unknown_content")
            content.append(part)
        cache = cache_of(message)
        result = ToolResult(call_id, tuple(content), name, custom=call_id in self._customs, cache=cache, at=at)
        return Message("tool", (result,), at=at, extra=message.rest())


def _spoken(message: Members, role: Role) -> Message:
    parts = read_content(message.any("content"), message.path("content"))
    parts = _cached(parts, cache_of(message))
    return Message(role, tuple(parts), message.text("name"), message.at, message.rest())


def _has_sealed(message: Members) -> bool:
    return "reasoning_details" in message or "thinking_blocks" in message


def _cached(parts: list[Part], cache: Cache | None) -> list[Part]:
    """Put a message's cache breakpoint behind its last part that can have one."""
    if cache is None:
        return parts
    for place in range(len(parts) - 1, -1, -1):
        one = parts[place]
        if isinstance(one, Text | Media | ToolCall):
            return [*parts[:place], structs.replace(one, cache=one.cache or cache), *parts[place + 1 :]]
    return parts


def _signed(parts: list[Part], signature: str | None) -> list[Part]:
    """Put a message's thought signature on its last text."""
    for place in range(len(parts) - 1, -1, -1):
        one = parts[place]
        if isinstance(one, Text):
            return [*parts[:place], structs.replace(one, signature=signature), *parts[place + 1 :]]
    return parts if signature is None else [*parts, Text("", signature=signature)]
