"""The tool calls of one choice of an upstream's stream.

OpenAI numbers them (`index`) and names each once. Other servers

- leave the index out, or give each call 0 (Google's: github.com/open-webui/computer/issues/224, and
  github.com/NousResearch/hermes-agent/issues/62937),
- repeat id and name in each fragment,
- send each call whole, in one chunk,
- give no id.

So a call is told from the one before it by another id, by another name without an id, or by a whole object of arguments
behind a whole one.
"""

from typing import Any

import msgspec

from steelyard.core.events import Added, Event, PartBegan, PartEnded, Sealed
from steelyard.core.parts import Fields, ToolCall
from steelyard.dialects.chat.answer_in import Numbers, made_id
from steelyard.dialects.chat.tools import signature_of
from steelyard.dialects.members import Members

__all__ = ["CallReader"]

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_KNOWN = frozenset(("index", "id", "type", "function", "custom"))


class _Call:
    __slots__ = ("fragments", "id", "name", "part", "whole")

    def __init__(self, part: int, call_id: str, name: str, arguments: str) -> None:
        self.part = part
        self.id = call_id
        self.name = name
        self.fragments = [arguments] if arguments else []
        self.whole = _is_object(arguments)


class CallReader:
    """Puts deltas of tool calls into parts: a call ends when its arguments are complete and another begins, or at the
    end. `seen`: there were calls."""

    __slots__ = ("_answer_id", "_index", "_latest", "_numbers", "_open", "_places", "seen")

    def __init__(self, index: int, numbers: Numbers, answer_id: Any) -> None:
        self._index = index
        self._numbers = numbers
        self._answer_id = answer_id
        self._open: dict[int, _Call] = {}
        self._places: dict[Any, _Call] = {}
        self._latest: _Call | None = None
        self.seen = 0

    def take(self, delta: Fields, events: list[Event]) -> None:
        """Take one entry of `tool_calls`."""
        kind = "custom" if type(delta.get("custom")) is dict else "function"
        inner = delta.get(kind)
        if type(inner) is not dict:
            inner = {}
        place, call_id, name = delta.get("index"), delta.get("id") or "", inner.get("name") or ""
        text = inner.get("input" if kind == "custom" else "arguments")
        if type(text) is not str:
            # Ollama's own API, and some servers of this one, send the object itself.
            text = msgspec.json.encode(text).decode() if isinstance(text, dict) else ""
        call = self._places.get(place) if place is not None else self._named(call_id)
        if call is None or self._is_another(call, call_id, name, text):
            if call is None and not (call_id or name or text):
                return
            call = self._begin(delta, kind, call_id, name or (call.name if call else ""), text, events)
            self._places[place] = call
        elif call.part in self._open:
            if text:
                call.fragments.append(text)
                call.whole = len(call.fragments) == 1 and _is_object(text)
                events.append(Added(call.part, text))
            self._sign(call, delta, events)

    def _named(self, call_id: str) -> _Call | None:
        """Return the call that a delta without an index belongs to."""
        if not call_id:
            return self._latest
        for call in self._open.values():
            if call.id == call_id:
                return call
        return None

    def _is_another(self, call: _Call, call_id: str, name: str, text: str) -> bool:
        if call_id:
            return call_id != call.id
        if name and name != call.name:
            return True
        if call.part not in self._open:
            return bool(text.strip())
        return call.whole and _is_object(text)

    def _begin(self, delta: Fields, kind: str, call_id: str, name: str, text: str, events: list[Event]) -> _Call:
        self.end_whole(events)
        told = call_id or made_id(self._answer_id, self._index, self.seen)
        call = _Call(self._numbers.take(), told, name, text)
        signature, extra = None, {}
        if not delta.keys() <= _KNOWN:
            rest = Members({key: value for key, value in delta.items() if key not in _KNOWN})
            signature, extra = signature_of(rest), rest.rest()
        value = ToolCall(told, name, text, kind == "custom", signature, extra=extra)
        events.append(PartBegan(call.part, "tool_call", value, self._index))
        self._open[call.part] = call
        self._latest = call
        self.seen += 1
        return call

    def _sign(self, call: _Call, delta: Fields, events: list[Event]) -> None:
        if "extra_content" in delta:
            signature = signature_of(Members({"extra_content": delta["extra_content"]}))
            if signature is not None:
                events.append(Sealed(call.part, signature))

    def end_whole(self, events: list[Event]) -> None:
        """End the latest call, if its arguments are complete."""
        call = self._latest
        if call is not None and call.part in self._open and _is_object("".join(call.fragments)):
            del self._open[call.part]
            events.append(PartEnded(call.part))

    def end_all(self, events: list[Event]) -> None:
        """End all calls."""
        events += [PartEnded(number) for number in self._open]
        self._open.clear()


def _is_object(text: str) -> bool:
    if not text.startswith("{") or not text.endswith("}"):
        return False
    try:
        _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
