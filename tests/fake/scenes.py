"""Scenes: what the model does, in no dialect. Model `scene:NAME` plays one of them in every dialect.

Anything after the name is ignored (`scene:plain:7`), so that a test can have a model of its own.
"""

import json
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tests.fake.schemas import instance

__all__ = [
    "SCENES",
    "Act",
    "Ask",
    "Called",
    "Counts",
    "Declined",
    "End",
    "Result",
    "Said",
    "Scene",
    "Thought",
    "play",
]

End = Literal["stop", "stop_sequence", "length", "tools", "refusal", "filter"]


class Result(Struct, frozen=True):
    """What a tool returned, as the model read it."""

    tool: str
    text: str
    failed: bool = False


class Ask(Struct, frozen=True, kw_only=True):
    """What a model read of a request. `tools` are names; `images` media types and numbers of bytes, all of the request;
    `results` those of the last turn; `thoughts` how many seals of the provider's own came back whole, `unsealed` how
    many calls came with a documented stand-in for a seal; `words` the length of all texts."""

    model: str
    stream: bool = False
    system: tuple[str, ...] = ()
    text: str = ""
    images: tuple[tuple[str, int], ...] = ()
    tools: tuple[str, ...] = ()
    choice: str = "auto"
    parallel: bool = True
    results: tuple[Result, ...] = ()
    stops: tuple[str, ...] = ()
    limit: int | None = None
    schema: dict[str, Any] | None = None
    thinks: bool = False
    shows: bool = False
    seals: bool = True
    wants_usage: bool = False
    thoughts: int = 0
    unsealed: int = 0
    words: int = 0


class Thought(Struct, frozen=True):
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Said(Struct, frozen=True):
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Declined(Struct, frozen=True):
    """A refusal in words."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Called(Struct, frozen=True):
    tool: str
    arguments: dict[str, Any]


Act: TypeAlias = Thought | Said | Declined | Called


class Counts(Struct, frozen=True):
    """Tokens, disjoint: what providers include in what differs."""

    fresh: int = 21
    cached: int = 0
    written: int = 0
    spoken: int = 13
    thought: int = 0

    @property
    def prompt(self) -> int:
        return self.fresh + self.cached + self.written

    @property
    def output(self) -> int:
        return self.spoken + self.thought


class Scene(Struct, frozen=True):
    """What the model does, how it ends, and what goes wrong. `fault`: `limited` answers 429, `error` fails in
    mid-stream (or at once, where nothing streams), `cut` closes the connection."""

    acts: tuple[Act, ...] = ()
    end: End = "stop"
    stop: str | None = None
    counts: Counts = Counts()
    fault: Literal["limited", "error", "cut"] | None = None
    pings: bool = False
    blocked: bool = False


HELLO = ("Hello", " from", " the", " loopback", " provider", ".")
PLACES = ("Paris", "Rome")
THOUGHTS = ("Let me", " think", " it over.")
COUNTED = " ".join(f"w{i}" for i in range(40))


def _plain(ask: Ask) -> Scene:
    return Scene((Said(HELLO),))


def _told(ask: Ask) -> Said:
    said = "; ".join(f"{'failed: ' if one.failed else ''}{one.text}" for one in ask.results)
    stand_in = " (stand-in)" if ask.unsealed else ""
    return Said(("The tools say", f": {said}", f". Thoughts kept: {ask.thoughts}{stand_in}."))


def _calls(ask: Ask, count: int, *before: Act) -> Scene:
    if ask.results:
        return Scene((_told(ask),), counts=Counts(fresh=55, spoken=9))
    if not ask.tools or ask.choice == "none":
        return Scene((*before, Said(("I have no tools.",))))
    calls = tuple(Called(ask.tools[0], {"city": place}) for place in PLACES[: count if ask.parallel else 1])
    return Scene((*before, *calls), "tools")


def _tools(ask: Ask) -> Scene:
    return _calls(ask, 1, Said(("Let me", " look.")))


def _parallel_tools(ask: Ask) -> Scene:
    return _calls(ask, 2)


def _thinking(ask: Ask) -> Scene:
    if not ask.thinks:
        return Scene((Said(("Four", ".")),))
    return Scene((Thought(THOUGHTS), Said(("Four", "."))), counts=Counts(thought=30))


def _thinking_tools(ask: Ask) -> Scene:
    scene = _calls(ask, 1, *((Thought(THOUGHTS),) if ask.thinks else ()))
    return Scene(scene.acts, scene.end, counts=Counts(thought=30)) if ask.thinks else scene


def _image(ask: Ask) -> Scene:
    seen = " and ".join(f"{kind} of {size} bytes" for kind, size in ask.images) or "nothing"
    return Scene((Said(("I see ", seen, ".")),))


def _json_schema(ask: Ask) -> Scene:
    if ask.schema is None:
        return Scene((Said(("Nobody asked for JSON.",)),))
    text = json.dumps(instance(ask.schema))
    return Scene((Said((text[:5], text[5:])),))


def _stop_sequence(ask: Ask) -> Scene:
    whole = "one two STOPHERE three four"
    places = sorted((whole.find(stop), stop) for stop in ask.stops if stop in whole)
    if not places:
        return Scene((Said((whole,)),))
    at, stop = places[0]
    return Scene((Said((whole[:4], whole[4:at])),), "stop_sequence", stop)


def _length_cut(ask: Ask) -> Scene:
    words = COUNTED.split(" ")
    if ask.limit is None or ask.limit >= len(words):
        return Scene((Said((COUNTED,)),))
    kept = words[: ask.limit]
    return Scene((Said((kept[0], *(f" {word}" for word in kept[1:]))),), "length", counts=Counts(spoken=ask.limit))


def _refusal(ask: Ask) -> Scene:
    return Scene((Declined(("I cannot", " help with that.")),), "refusal")


def _content_filter(ask: Ask) -> Scene:
    return Scene((Said(("Here", " is")),), "filter")


def _fault(fault: Literal["limited", "error", "cut"]) -> Callable[[Ask], Scene]:
    return lambda ask: Scene((Said(HELLO[:3]),), fault=fault)


SCENES: dict[str, Callable[[Ask], Scene]] = {
    "plain": _plain,
    "tools": _tools,
    "parallel-tools": _parallel_tools,
    "thinking": _thinking,
    "thinking-tools": _thinking_tools,
    "image": _image,
    "json-schema": _json_schema,
    "stop-sequence": _stop_sequence,
    "length-cut": _length_cut,
    "refusal": _refusal,
    "content-filter": _content_filter,
    "blocked-prompt": lambda ask: Scene(end="filter", blocked=True, counts=Counts(spoken=0)),
    "mid-stream-error": _fault("error"),
    "cut-stream": _fault("cut"),
    "rate-limited": _fault("limited"),
    "pings": lambda ask: Scene((Said(HELLO),), pings=True),
    "cached-tokens": lambda ask: Scene((Said(HELLO),), counts=Counts(fresh=25, cached=64, written=7)),
}
"""Every scene: a function of what was asked."""


def play(ask: Ask, name: str) -> Scene | None:
    """Return the scene of that name; None when there is none."""
    scene = SCENES.get(name)
    return scene(ask) if scene else None
