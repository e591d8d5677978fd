"""The header lines that tell a client how its limits stand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from steelyard.limits.windowed import Requests, Tokens, Windowed

if TYPE_CHECKING:
    from steelyard.gateway.account import Account

__all__ = ["headers_in_place"]

_MOST_KNOWN: Final = 1024
_durations: dict[int, bytes] = {}
"""Written durations, by their seconds: under load the same ones come again and again."""


def headers_in_place(call: Account, fields: bytes) -> bytes:
    """Return an answer's header lines with what our limits of requests and tokens say in the place of what the
    provider's do; as they are, where we limit neither."""
    hold = call.hold
    if hold is None:
        return fields
    now = hold.now
    # Of each kind, what has the least left.
    requests: Windowed | None = None
    tokens: Windowed | None = None
    room_r = room_t = 0
    for one in hold.counters:
        if isinstance(one, Requests):
            room = one.left(now)
            if requests is None or room < room_r:
                requests, room_r = one, room
        elif isinstance(one, Tokens):
            room = one.left(now)
            if tokens is None or room < room_t:
                tokens, room_t = one, room
    if requests is None and tokens is None:
        return fields
    if fields.lower().find(b"atelimit-") >= 0:
        fields = b"".join([line + b"\r\n" for line in fields.split(b"\r\n") if line and not _is_limit(line)])
    if call.endpoint.dialect == "anthropic":
        told = _told_to_anthropic(b"requests", requests, room_r, now) if requests is not None else b""
        return fields + told + (_told_to_anthropic(b"tokens", tokens, room_t, now) if tokens is not None else b"")
    told = _told(b"requests", requests, room_r, now) if requests is not None else b""
    return fields + told + (_told(b"tokens", tokens, room_t, now) if tokens is not None else b"")


def _is_limit(line: bytes) -> bool:
    return line[:32].lower().startswith((b"x-ratelimit-", b"anthropic-ratelimit-"))


def _told(what: bytes, counter: Windowed, room: int, now: float) -> bytes:
    # OpenAI API, "Rate limits", "Rate limits in headers": 60, 59, 6m0s.
    caption = counter.caption
    if not caption:
        caption = b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: " % (what, counter.limit, what)
        counter.caption = caption
    left = room if room > 0 else 0
    return b"%b%d\r\nx-ratelimit-reset-%b: %b\r\n" % (caption, left, what, _duration(counter.empty_in_s(now)))


def _told_to_anthropic(what: bytes, counter: Windowed, room: int, now: float) -> bytes:
    # Claude API docs, "Rate limits", "Response headers": the time is in RFC 3339.
    at = datetime.fromtimestamp(time.time() + counter.empty_in_s(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    name = b"anthropic-ratelimit-%b" % what
    left = room if room > 0 else 0
    return b"%b-limit: %d\r\n%b-remaining: %d\r\n%b-reset: %b\r\n" % (name, counter.limit, name, left, name, at)


def _duration(seconds: float) -> bytes:
    whole = int(seconds + 0.999)
    known = _durations.get(whole)
    if known is None:
        if len(_durations) >= _MOST_KNOWN:
            _durations.clear()
        known = _durations[whole] = _spelt(whole)
    return known


def _spelt(whole: int) -> bytes:
    if whole < 60:
        return b"%ds" % whole
    if whole < 3600:
        return b"%dm%ds" % (whole // 60, whole % 60)
    return b"%dh%dm%ds" % (whole // 3600, whole // 60 % 60, whole % 60)
