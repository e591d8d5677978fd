"""What is kept of each route, outside of memory."""

from collections.abc import Iterable

from msgspec import Struct

__all__ = ["Shelved", "shelved_of"]


class Shelved(Struct, frozen=True):
    """What is kept of one route. Moments are seconds since the epoch."""

    route: str
    entries: int
    bytes: int
    oldest: float
    newest: float


def shelved_of(entries: Iterable[tuple[str, int, float]]) -> list[Shelved]:
    """Add up entries (route, bytes, when it was made) by route."""
    found: dict[str, Shelved] = {}
    for route, size, made_at in entries:
        one = found.get(route, Shelved(route, 0, 0, made_at, made_at))
        oldest, newest = min(one.oldest, made_at), max(one.newest, made_at)
        found[route] = Shelved(route, one.entries + 1, one.bytes + size, oldest, newest)
    return [found[route] for route in sorted(found)]
