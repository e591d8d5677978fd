"""Parts of a stream while they are written: what stands around each fragment is encoded once."""

import msgspec
from msgspec import structs

from steelyard.core.answer import TokenLogprob
from steelyard.core.parts import Fields, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.chat.content import text_part
from steelyard.dialects.chat.thoughts import field_of

__all__ = ["OpenPart", "ToldChoice"]

_encode = msgspec.json.Encoder().encode
_HOLE = "\x00"
_HOLE_JSON = _encode(_HOLE)


class ToldChoice:
    """What has been told of one choice: `told`, its role; `length`, of its text; how many calls, images and sealed
    thoughts. `logged` waits for the next chunk."""

    __slots__ = ("calls", "images", "index", "length", "logged", "refused", "thoughts", "told")

    def __init__(self, index: int) -> None:
        self.index = index
        self.told = False
        self.refused = False
        self.calls = 0
        self.images = 0
        self.thoughts = 0
        self.length = 0
        self.logged: tuple[TokenLogprob, ...] = ()


class OpenPart:
    """A part that fragments may come for. `before` and `behind` stand around a fragment in its chunk; `speaks` is False
    for one whose fragments are not told; `kept` holds the text of a thought, which its seal needs as a whole."""

    __slots__ = (
        "_field",
        "bare",
        "before",
        "behind",
        "choice",
        "index",
        "kept",
        "length",
        "sealed",
        "signature",
        "speaks",
        "start",
        "value",
    )

    def __init__(self, choice: ToldChoice, value: Part) -> None:
        self.choice = choice
        self.value = value
        self.index = 0
        self.length = 0
        self.start = 0
        self.signature: str | None = None
        self.sealed: str | None = None
        self.bare = False
        self.speaks = True
        self.kept: list[str] | None = [] if isinstance(value, Thinking) else None
        self._field = ""
        if isinstance(value, Text):
            self._field = "content"
        elif isinstance(value, Refusal):
            self._field = "refusal"
        elif isinstance(value, Thinking):
            self._field = _field(value)
        self.before = self.behind = b""
        if not isinstance(value, ToolCall):
            self._surround()

    def _surround(self) -> None:
        wire = {"index": self.choice.index, "delta": self.delta(_HOLE), "logprobs": None, "finish_reason": None}
        self.before, _, self.behind = _encode(wire).partition(_HOLE_JSON)

    def place(self, index: int) -> None:
        """Give a tool call its index in the choice."""
        self.index = index
        self._field = "input" if isinstance(self.value, ToolCall) and self.value.custom else "arguments"
        self._surround()

    def place_function(self) -> None:
        """Tell a tool call as `function_call`."""
        self._field = "function_call"
        self._surround()

    def silence(self) -> None:
        """Tell nothing more of this part."""
        self.speaks = False
        self.before = b""

    def delta(self, text: str) -> Fields:
        """Return the delta that tells a fragment."""
        field = self._field
        if field == "arguments":
            return {"tool_calls": [{"index": self.index, "function": {"arguments": text}}]}
        if field == "input":
            return {"tool_calls": [{"index": self.index, "custom": {"input": text}}]}
        if field == "function_call":
            return {"function_call": {"arguments": text}}
        if field == "thinking":
            return {"content": [{"type": "thinking", "thinking": [text_part(text)]}]}
        return {field: text}

    def thought(self) -> Thinking:
        """Return a thought as a whole."""
        assert isinstance(self.value, Thinking)
        return structs.replace(
            self.value,
            text="".join(self.kept or ()),
            signature=self.signature or self.value.signature,
            sealed=self.sealed or self.value.sealed,
        )


def _field(thought: Thinking) -> str:
    name = field_of(thought)[0]
    if name == "content":
        return "thinking"
    return name if name == "reasoning" else "reasoning_content"
