"""Tell what the supervisor's members do: colours on a terminal, plain lines in a log, JSON for programs."""

import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from steelyard.cli.child import Event
from steelyard.cli.visible import visible
from steelyard.telemetry.access_line import BEGINS

__all__ = ["Narrator", "words_of"]

_COLOURS: Final = {"gateway": "cyan", "engine": "magenta", "clerk": "green"}


class Narrator:
    """Takes the supervisor's events. Notes go to standard error; with `as_json`, each event is also a line of JSON on
    standard output. Lines of the access log go to standard output as they are."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def __call__(self, event: Event) -> None:
        if event.kind == "said" and event.text.startswith(BEGINS):
            print(event.text, flush=True)
            return
        if self._as_json:
            print(_line(event), flush=True)
            return
        for text in words_of(event):
            self.say(event.member, text)

    def say(self, who: str, text: str) -> None:
        """Write one line for a person."""
        text = visible(text)
        if not self._console.is_terminal:
            print(f"{who}: {text}", file=sys.stderr, flush=True)
            return
        colour = _COLOURS.get(who.partition("-")[0], "bold")
        self._console.print(Text(f"{who:<9}", style=colour), Text(text), sep=" ")


def _line(event: Event) -> str:
    row: dict[str, object] = {"event": event.kind, "member": event.member, "text": event.text}
    if event.kind == "ready":
        row |= _announced(event.text)
    row |= {"pid": event.pid} if event.pid is not None else {}
    row |= {"restart_in_s": event.pause_s} if event.pause_s is not None else {}
    return msgspec.json.encode(row).decode()


def words_of(event: Event) -> list[str]:
    """Return the lines that tell a person of an event; none for what need not be told."""
    match event.kind:
        case "started":
            return []
        case "ready":
            told = _announced(event.text)
            return [str(told.get("note") or "ready")] if "address" not in told else [f"serves {told['address']}"]
        case "said":
            # A member tells who it is, for when it runs alone.
            name = event.member.partition("-")[0]
            return [str(_announced(event.text).get("note", event.text)).removeprefix(f"steelyard {name}: ")]
        case "died" if event.pause_s is not None:
            return [f"{event.text}; starts again in {event.pause_s:g} s"]
        case _:
            return [event.text]


def _announced(text: str) -> dict[str, object]:
    """Return the object that a member announced itself with; an empty one when it did not write JSON."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError:
        return {}
