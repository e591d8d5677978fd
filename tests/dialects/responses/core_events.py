"""Event streams of any dialect, as hypothesis draws them: parts interleave, seals and citations come when they like."""

from hypothesis import strategies as st

from steelyard.core.answer import Finish, FinishReason, TokenLogprob
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    PartKind,
    Pinged,
    Sealed,
    Used,
)
from steelyard.core.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage

__all__ = ["streams"]

_words = st.text("ab\n é𝄞", max_size=6)
_NAME = "openai-responses"


@st.composite
def _part(draw: st.DrawFn, number: int) -> list[Event]:
    """The events of one part, in order."""
    kind, value = draw(_values(number))
    events: list[Event] = [PartBegan(number, kind, value)]
    if kind != "whole":
        events.extend(Added(number, fragment) for fragment in draw(st.lists(_words, max_size=4)))
    if kind == "text" and draw(st.booleans()):
        events.append(Cited(number, draw(st.sampled_from(_CITATIONS))))
    if kind in ("text", "thinking", "tool_call") and draw(st.booleans()):
        events.append(Sealed(number, signature=f"sig{number}"))
    if draw(st.booleans()):
        events.append(PartEnded(number))
    return events


_CITATIONS = [
    Citation("anthropic", {"type": "char_location"}, quoted="x"),
    Citation("gemini", {}, url="https://a.b", title="A", start=0, end=1),
    Citation(_NAME, {"type": "file_path", "file_id": "f", "index": 0}),
]


_SEARCH = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}


def _values(number: int) -> st.SearchStrategy[tuple[PartKind, Part]]:
    call = ToolCall(f"call_{number}", "f", "")
    values: list[tuple[PartKind, Part]] = [
        ("text", Text("")),
        ("text", Text("Said at once. ")),
        ("text", Text("", item_id="msg_up")),
        ("refusal", Refusal("")),
        ("tool_call", call),
        ("tool_call", ToolCall(f"call_{number}", "f", '{"a":', signature="gem", item_id=f"fc_{number}")),
        ("tool_call", ToolCall(f"call_{number}", "sql", "", custom=True)),
        ("thinking", Thinking("", "anthropic")),
        ("thinking", Thinking("Hm. ", "gemini", summary=True)),
        ("thinking", Thinking("", _NAME, summary=True, item_id=f"rs_{number}")),
        ("whole", Opaque(_NAME, "web_search_call", {**_SEARCH, "id": f"ws_{number}"})),
        ("whole", Opaque("anthropic", "server_tool_use", {"type": "server_tool_use"})),
        ("whole", Media("image", "image/png", "aaaa")),
    ]
    return st.sampled_from(values)


_between: st.SearchStrategy[Event] = st.sampled_from([Pinged(), Logged((TokenLogprob("a", -0.5),)), Used(Usage(1, 1))])
_reasons: list[FinishReason] = ["stop", "length", "tool_calls", "content_filter", "refusal", "pause"]
_finishes = st.none() | st.sampled_from([Finish(one) for one in _reasons])


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """A whole stream, from `Began` to `Ended`; some parts never end by themselves."""
    parts = [draw(_part(number)) for number in range(draw(st.integers(0, 5)))]
    events: list[Event] = [Began("up_1", "model-x", 1_700_000_001)]
    begun = 0
    # Parts begin in their order; what follows mixes freely.
    while any(parts):
        ready = [number for number, part in enumerate(parts) if part and number <= begun]
        number = draw(st.sampled_from(ready))
        if number == begun:
            begun += 1
        events.append(parts[number].pop(0))
        if draw(st.integers(0, 9)) == 0:
            events.append(draw(_between))
    finish = draw(_finishes)
    if finish is not None:
        events.append(Finished(finish))
    return [*events, Used(Usage(7, 5, 2, None, 3)), Ended()]
