"""Which call a result answers. Gemini's calls need not have ids: then their order and the tool's name tell (Gemini API
reference, "FunctionCall.id": "If populated, the client to execute the function_call and return the response with the
matching id")."""

import re

from msgspec import structs

from steelyard.core.parts import ToolCall, ToolResult
from steelyard.dialects.members import wrong

__all__ = ["Calls", "is_placed", "placed_id"]

_PLACED = re.compile(r"call_at_\d+_\d+")


def placed_id(content: int, part: int) -> str:
    """Return the id of a call that came without one: the same each time that the conversation comes."""
    return f"call_at_{content}_{part}"


def is_placed(call_id: str) -> bool:
    """Say whether an id was made up for its place: Gemini is told none then."""
    return _PLACED.fullmatch(call_id) is not None


class Calls:
    """The calls of a conversation, in order, and which of them have been answered. `partial`: earlier turns are not in
    the request (`cachedContent`), so that a result may answer a call that is not seen."""

    __slots__ = ("_known", "_partial", "_waiting")

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial
        self._known: set[str] = set()
        self._waiting: list[ToolCall] = []

    def called(self, call: ToolCall) -> None:
        """Take note of a call."""
        self._known.add(call.id)
        self._waiting.append(call)

    def answered(self, result: ToolResult, place: str) -> ToolResult:
        """Return a result with the id of the call that it answers. `place` is the id for one whose call is not seen.

        Raises BadRequest, with the result's path, for a result without its call.
        """
        if result.call_id in self._known:
            self._waiting = [one for one in self._waiting if one.id != result.call_id]
            return result
        for number, call in enumerate(self._waiting):
            if call.name == result.name and (not result.call_id or is_placed(call.id)):
                del self._waiting[number]
                extra = {**result.extra, "functionResponse.id": result.call_id} if result.call_id else result.extra
                return structs.replace(result, call_id=call.id, extra=extra)
        if self._partial:
            return result if result.call_id else structs.replace(result, call_id=place)
        raise wrong(
            result.at,
            f'is a result of "{result.name}", but no call of it waits for one. Send the functionCall before it.',
            "unknown_tool_call",
        )
