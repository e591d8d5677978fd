"""Who may come in: keys, and what protects a gateway that has none yet."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from steelyard.core.errors import Forbidden, Unauthorized
from steelyard.gateway.incoming import Incoming
from steelyard.gateway.surface import query_of
from steelyard.keys.key import Key
from steelyard.keys.ring import KeyRing

__all__ = ["Access", "check_route", "is_loopback"]

_LOOPBACK = re.compile(r"127(?:\.[0-9]{1,3}){3}|::1")
"""Addresses, not names: anybody may own a name that begins with 127."""


class Access:
    """Admits requests by their key. While no key was ever made, a gateway on loopback admits without one, but not what
    a web page might send: a page's own Origin, or a Host that only DNS rebinding can bring here."""

    __slots__ = ("_wall_clock", "ring")

    def __init__(self, ring: KeyRing, wall_clock: Callable[[], float]) -> None:
        self.ring = ring
        self._wall_clock = wall_clock

    def admit(self, incoming: Incoming) -> Key | None:
        """Return the caller's key; None when none is needed. Raises Unauthorized, Forbidden."""
        if not self.ring.required:
            self._check_origin(incoming)
            return None
        headers = incoming.headers
        given = headers.get(b"authorization")
        if given is not None:
            scheme, _, secret = given.partition(b" ")
            if scheme.lower() != b"bearer":
                raise Unauthorized("The Authorization header is no bearer token. Send: Authorization: Bearer sy-…")
            return self.ring.find(secret.strip(), self._wall_clock())
        secret = headers.get(b"x-api-key") or headers.get(b"api-key") or headers.get(b"x-goog-api-key") or b""
        if not secret and incoming.target.find(b"?") >= 0:
            # Gemini API reference, "API keys": clients may send theirs in the query.
            secret = (query_of(incoming.target, "key") or "").encode("latin-1", "replace")
        return self.ring.find(secret, self._wall_clock())

    def _check_origin(self, incoming: Incoming) -> None:
        origin = incoming.text(b"origin")
        if origin is not None and not _is_of_loopback(origin):
            raise Forbidden(
                f"A page of {origin[:200]} may not call a gateway that has no keys. "
                "Make a key (steelyard keys create NAME) and send it.",
                code="origin_not_allowed",
            )
        host = incoming.text(b"host")
        if host is not None and not _is_of_loopback(f"//{host}"):
            raise Forbidden(
                f"A gateway that has no keys answers to loopback names only, not to {host[:200]}. "
                "Make a key (steelyard keys create NAME) and send it.",
                code="host_not_allowed",
            )


def check_route(key: Key, route: str) -> None:
    """Raise Forbidden for a key that may not use a route."""
    if key.routes is not None and route not in key.routes:
        raise Forbidden(
            f'The key "{key.name}" may not use "{route}". It may use: {", ".join(key.routes)}.', param="model"
        )


def _is_of_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name.endswith(".localhost")


def is_loopback(host: str) -> bool:
    """Say whether an address is reached from this machine alone."""
    return host == "localhost" or _LOOPBACK.fullmatch(host) is not None
