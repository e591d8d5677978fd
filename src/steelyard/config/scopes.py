"""Whom a limit or a budget is about: `key:team-a`, `route:*`, `user:*`, `all`."""

import re
from typing import Final, Literal, get_args

from msgspec import Struct

from steelyard.documents.findings import nearest

__all__ = ["EACH", "KEY_NAME", "KINDS", "NOBODY", "Scope", "ScopeKind", "read_scope"]

ScopeKind = Literal["all", "key", "team", "project", "route", "deployment", "user"]
KINDS: Final[tuple[ScopeKind, ...]] = get_args(ScopeKind)
EACH: Final = "*"
NOBODY: Final = "(none)"
"""The name of callers without a key, who are one key."""
KEY_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What can name a key, a team or a project."""


class Scope(Struct, frozen=True):
    """`name` is `*` where each one of the kind is counted by itself, and empty for `all`."""

    kind: ScopeKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def read_scope(text: str) -> Scope | str:
    """Return the scope that a text names, or what is wrong with it, as the end of a sentence."""
    kind, colon, name = text.partition(":")
    if kind not in KINDS:
        meant = nearest(kind, KINDS, f"; kinds are {', '.join(KINDS)}")
        return f'expected KIND:NAME, like "key:team-a", got "{text[:80]}"{meant}'
    if kind == "all":
        return Scope("all") if not colon else 'expected "all" alone: it is everything that this gateway is asked'
    if not name or not name.isprintable():
        return f'expected "{kind}:NAME", or "{kind}:*" for each by itself'
    if kind == "user" and name != EACH:
        return 'expected "user:*": users are counted each by itself, and are named by callers'
    if kind in ("key", "team", "project") and name != EACH and not _can_be(kind, name):
        return f'"{name[:70]}" cannot name a {kind}: expected a whole name, or "{kind}:*" for each by itself'
    return Scope(kind, name)


def _can_be(kind: str, name: str) -> bool:
    return KEY_NAME.fullmatch(name) is not None or (kind == "key" and name == NOBODY)
