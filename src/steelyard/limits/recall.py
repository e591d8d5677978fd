"""What must be known of earlier calls so that counting can go on: questions to the ledger, and their answers."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Recalled", "Spent", "Want"]


class Want(Struct, frozen=True):
    """A question: what was taken since a moment (seconds since the epoch), in slots of `width_s` (None: all in one),
    and by which end user, where `by_user`."""

    since: float
    width_s: float | None
    by_user: bool


class Spent(Struct, frozen=True):
    """What was taken by calls that agree in all of this. `until` is the end of their slot, `key` a key's id; `atto` is
    known cost in 10^-18 dollars."""

    until: float
    key: str | None
    route: str | None
    deployment: str | None
    user: str | None
    requests: int
    tokens: int
    atto: int


class Recalled(Struct, frozen=True):
    """What is known of a moment, and whose key each id is: name, team, project."""

    answers: dict[Want, list[Spent]]
    keys: dict[str, tuple[str, str | None, str | None]]
