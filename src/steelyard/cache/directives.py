"""What a request says of caches (RFC 9111, 5.2.1)."""

import re
from functools import lru_cache

from msgspec import Struct

__all__ = ["Directives", "directives_of"]

_DIRECTIVE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?:,|$)')
_MOST_SECONDS = 2**31
"""RFC 9111, 1.2.2: what is larger counts as this."""


class Directives(Struct, frozen=True):
    """`no_store`: nothing of the call may be kept, and here nothing kept is given for it either (5.2.1.5). `no_cache`:
    nothing kept may be given; the answer may be kept (5.2.1.4). `max_age`, `min_fresh`: how old an answer may be, and
    for how long it must stay fresh, in seconds (5.2.1.1, 5.2.1.3). `only_if_cached`: nobody is to be asked (5.2.1.7).
    """

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    min_fresh: int = 0


@lru_cache(maxsize=256)
def directives_of(value: bytes) -> Directives:
    """Return what a header `Cache-Control` says. Names are in any case; arguments are tokens or quoted; unknown ones
    are ignored (5.2). What cannot be read, and an argument that is no number, count as `no-store`: whoever sent it
    wanted something of caches."""
    said: dict[str, str] = {}
    text, at = value.decode("latin-1").strip().strip(","), 0
    while at < len(text):
        found = _DIRECTIVE.match(text, at)
        if found is None:
            return Directives(no_store=True)
        name, quoted, plain = found.groups()
        said.setdefault(name.lower(), plain if quoted is None else quoted)
        at = found.end()
    try:
        max_age, min_fresh = _seconds(said, "max-age"), _seconds(said, "min-fresh")
    except ValueError:
        return Directives(no_store=True)
    return Directives("no-store" in said, "no-cache" in said, "only-if-cached" in said, max_age, min_fresh or 0)


def _seconds(said: dict[str, str], name: str) -> int | None:
    if name not in said:
        return None
    digits = said[name] or ""
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(name)
    return _MOST_SECONDS if len(digits) > 10 else min(int(digits), _MOST_SECONDS)
