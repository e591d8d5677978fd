"""Items that are chosen for a weighing, and what their source says of how they are scored."""

from collections import Counter
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.results.sheet import Flag, mistaken
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.scorers.score import Scorer

__all__ = ["Chosen", "check_columns", "checked", "sampled"]

_LONGEST_QUOTED: Final = 60


class Chosen(Struct, frozen=True, kw_only=True):
    """Items in the order of their source. `held` is how many that has, None: unknown; fewer are here in a sample.

    `prompt_sha256` is of what all items are asked with beside their own columns; None: they bring their own messages.
    `scorer`, `cluster` and `slices` are those that the source names."""

    items: tuple[Planned, ...]
    title: str
    source: str
    held: int | None
    licence: str | None = None
    prompt_sha256: str | None = None
    scorer: Scorer | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()


def checked(items: tuple[Planned, ...], source: str) -> tuple[Planned, ...]:
    """Return the items. Raises ConfigError where there are none, and where two have one id."""
    if not items:
        raise ConfigError(f"{source}: it holds no items")
    places: dict[str, list[str]] = {}
    for item in items:
        places.setdefault(item.id, []).append(item.place)
    twice = [name for name, times in Counter(item.id for item in items).items() if times > 1]
    if twice:
        raise mistaken(
            [
                f'{places[name][1]}: the item "{name[:_LONGEST_QUOTED]}" is there already, at {places[name][0]}'
                for name in twice
            ]
        )
    return items


def sampled(chosen: Chosen, n: int | None, seed: int) -> Chosen:
    """Return `n` of the items, drawn by a seed, in the order of their source; all where `n` is None.

    Raises ConfigError where there are fewer."""
    if n is None or n == len(chosen.items):
        return chosen
    if n > len(chosen.items):
        raise ConfigError(f"--sample {n}: {chosen.source} holds {len(chosen.items)} items. Ask for fewer, or for all.")
    places = sorted(Random(seed).sample(range(len(chosen.items)), n))  # noqa: S311  # a draw that can be made again
    return replace(chosen, items=tuple(chosen.items[place] for place in places))


def check_columns(items: tuple[Planned, ...], wanted: dict[str, str]) -> None:
    """Raise ConfigError for a column that no item has, before anything is spent. `wanted`: the column by its option."""
    seen = dict.fromkeys(name for item in items for name in item.row)
    known = f"; there are {', '.join(seen)}" if seen else "; the items have no columns"
    wrong = [
        f'{option} {name}: no column of the items is called "{name}"{nearest(name, seen, known)}'
        for option, name in wanted.items()
        if name not in seen
    ]
    if wrong:
        raise ConfigError(*wrong)
