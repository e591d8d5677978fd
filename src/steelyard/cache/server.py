"""Answers in a Valkey or Redis server, for gateways on several machines. Whoever asks it waits.

Keys, below the prefix: `answer DIGEST` (a hash: `m`, what is known of the answer, and `c`, the answer), which the
server drops when it is too old; `answers` (a sorted set: what is known of each, by when it is dropped); `answers
size` (the sum of their bytes); `answers cleared` (a hash: up to which moment they were, by route). What is known of
an answer is text: `MADE_AT SIZE DIGEST KEY ROUTE`, KEY `-` if none.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import Struct
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from steelyard.cache.clearing import EVERY_ROUTE
from steelyard.cache.entry import Entry, encoded, entry_of
from steelyard.cache.shelved import Shelved, shelved_of
from steelyard.core.errors import StoreError

__all__ = ["ServerCache", "open_server"]

_PATIENCE_S: Final = 0.5
_REST_S: Final = 0.5
_LONGEST_REST_S: Final = 16.0
"""For how long a server that is lost is not asked: who asks in vain may have to wait for all of the patience."""
_T = TypeVar("_T")
_OVERHEAD: Final = 400
"""Bytes of an answer beside its content, in the server."""
_MOST_AT_ONCE: Final = 1000

_OURS: Final = """
for i, kind in ipairs({'zset', 'string', 'hash'}) do
  if KEYS[i] and redis.call('TYPE', KEYS[i]).ok ~= kind then redis.call('DEL', KEYS[i]) end
end
"""
"""What stands under our names and is of another kind is not ours, and goes."""

# A script that has written once may write beyond `maxmemory` (Amazon ElastiCache documentation, "Lua scripts": stealth
# writes), so this one sees to it: limits are counted in the same server, and need its last tenth.
_KEEP: Final = (
    _OURS
    + """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local known, size, most, ttl, content = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local total = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
local function drop(one)
  if redis.call('ZREM', KEYS[1], one) == 1 then total = total - (string.match(one, '^%S+ (%d+)') or 0) end
end
local memory = redis.call('INFO', 'memory')
local bound = tonumber(string.match(memory, 'maxmemory:(%d+)'))
if bound > 0 then most = math.min(most, total + math.floor(0.9 * bound) - string.match(memory, 'used_memory:(%d+)')) end
for _, one in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)) do drop(one) end
local before = redis.call('HGET', KEYS[3], 'm')
if before then drop(before) end
local kept = size <= most
for _ = 1, 10000 do
  if total + (kept and size or 0) <= most then break end
  local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  if not first then
    total = 0
    break
  end
  redis.call('DEL', ARGV[6] .. (string.match(first, '^%S+ %S+ (%S+)') or ''))
  drop(first)
end
kept = kept and total + size <= most
redis.call('DEL', KEYS[3])
if kept then
  redis.call('HSET', KEYS[3], 'm', known, 'c', content)
  redis.call('PEXPIRE', KEYS[3], ttl)
  redis.call('ZADD', KEYS[1], now + ttl, known)
  total = total + size
end
redis.call('SET', KEYS[2], string.format('%.0f', total))
return redis.status_reply('OK')
"""
)

_DROP: Final = (
    _OURS
    + """
local total, count = tonumber(redis.call('GET', KEYS[2]) or '0') or 0, 0
for i = 2, #ARGV do
  local one = ARGV[i]
  if redis.call('ZREM', KEYS[1], one) == 1 then
    local size, digest = string.match(one, '^%S+ (%d+) (%S+)')
    local key = ARGV[1] .. (digest or '')
    total, count = total - (size or 0), count + 1
    local found = redis.pcall('HGET', key, 'm')
    if found == one or type(found) == 'table' then redis.call('DEL', key) end
  end
end
redis.call('SET', KEYS[2], string.format('%.0f', math.max(0, total)))
return count
"""
)


class _Known(Struct, frozen=True):
    made_at: float
    size: int
    key: str | None
    route: str


def open_server(url: str, prefix: str, ca_file: str | None, max_bytes: int, ttl_s: float) -> "ServerCache":
    """Return the cache in the server at a URL. It is connected to when it is first asked."""
    more: dict[str, Any] = {"ssl_ca_certs": ca_file} if ca_file is not None and url.startswith("rediss") else {}
    client = Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_PATIENCE_S,
        socket_connect_timeout=_PATIENCE_S,
        **more,
    )
    return ServerCache(client, prefix, max_bytes, ttl_s)


class ServerCache:
    """Entries by the digest of what was asked, within a number of bytes, over all who use the prefix; those that end
    first go first. It is used by one thread at a time. Where the server is lost there is nothing, and one StoreError
    tells so; it is asked again after a while, which grows."""

    def __init__(self, client: Redis, prefix: str, max_bytes: int, ttl_s: float) -> None:
        self._client = client
        self._begin = f"{prefix} answer "
        self._index = f"{prefix} answers"
        self._size = f"{prefix} answers size"
        self._marks = f"{prefix} answers cleared"
        self.max_bytes = max_bytes
        self._ttl_ms = max(1, int(ttl_s * 1000))
        self._is_lost = False
        self._rests_until = 0.0
        self._rest_s = _REST_S
        self._keep = client.register_script(_KEEP)
        self._drop = client.register_script(_DROP)

    def find(self, digest: bytes) -> Entry | None:
        """Return an entry; None where there is none, or the server was lost before."""
        content = self._ask(lambda: self._client.hget(self._begin + digest.hex(), "c"))
        return entry_of(digest, content) if content is not None else None

    def keep(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry in the place of one that was there; drop those that end first where room is needed."""
        content = encoded(digest, entry)
        size = len(content) + _OVERHEAD
        known = f"{entry.made_at!r} {size} {digest.hex()} {entry.key or '-'} {entry.route}"
        keys = [self._index, self._size, self._begin + digest.hex()]
        given: list[str | int | bytes] = [known, size, self.max_bytes, self._ttl_ms, content, self._begin]
        self._ask(lambda: self._keep(keys=keys, args=given))

    def sift(self, stays: Callable[[str, str | None, float], bool]) -> int:
        """Drop the entries that may not stay, by route, key and moment, and those that are not understood; return how
        many these were."""
        gone = []
        for text in self._texts():
            one = _known_of(text)
            if one is None or not stays(one.route, one.key, one.made_at):
                gone.append(text)
        count = 0
        for at in range(0, len(gone), _MOST_AT_ONCE):
            some: list[str | bytes] = [self._begin, *gone[at : at + _MOST_AT_ONCE]]
            count += self._ask(lambda: self._drop(keys=[self._index, self._size], args=some)) or 0  # noqa: B023
        return count

    def clear(self, route: str | None, at: float) -> int:
        """Drop all entries, or those of a route; return how many these were. Gateways that share this learn that
        answers are void that were made up to a moment (seconds since the epoch), and forget what they have of them."""
        self._ask(lambda: self._mark(EVERY_ROUTE if route is None else route, at))
        return self.sift(lambda named, _key, _at: route is not None and named != route)

    def _mark(self, route: str, at: float) -> None:
        if self._client.type(self._marks) != b"hash":
            self._client.delete(self._marks)  # somebody else's, or none
        self._client.hset(self._marks, route, repr(at))

    def marks(self) -> dict[str, float]:
        """Return up to which moment answers are void, by route; `*`: of every route."""
        found = self._ask(lambda: self._client.hgetall(self._marks)) or {}
        return {route: at for route, at in map(_mark_of, found.items()) if at is not None}

    def shelved(self) -> list[Shelved]:
        """Return what there is, by route."""
        known = [_known_of(text) for text in self._texts(live=True)]
        return shelved_of((one.route, one.size, one.made_at) for one in known if one is not None)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _texts(self, *, live: bool = False) -> list[bytes]:
        """Return what is known of each entry; of those alone that the server has not dropped, where `live`."""
        least = "-inf"
        if live:
            seconds, micros = self._ask(self._client.time) or (0, 0)
            least = f"({seconds * 1000 + micros // 1000}"
        return list(self._ask(lambda: self._client.zrangebyscore(self._index, least, "+inf")) or ())

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the server; None where it was lost a moment before. Raises StoreError once it is lost."""
        if self._is_lost and time.monotonic() < self._rests_until:
            return None
        try:
            answer = _understood(question)
        except (RedisError, OSError, ValueError) as error:
            told, self._is_lost = self._is_lost, True
            self._rests_until = time.monotonic() + self._rest_s
            self._rest_s = min(2 * self._rest_s, _LONGEST_REST_S)
            self._client.connection_pool.disconnect()
            if told:
                return None
            text = f"{type(error).__name__}: {error}".rstrip(".: ")
            raise StoreError(
                f"[shared] url: {text}. Until it answers, nothing is found there, and nothing kept."
            ) from None
        self._is_lost = False
        self._rest_s = _REST_S
        return answer


def _understood(question: Callable[[], _T]) -> _T | None:
    """Return what the server answers; None where something of another kind stands under our name: that is nothing of
    ours, and the server is well."""
    try:
        return question()
    except ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            return None
        raise


def _known_of(text: bytes) -> _Known | None:
    """Return what is known of an entry; None for what another version, or somebody else, has written."""
    try:
        made_at, size, _, key, route = text.decode().split(" ", 4)
        return _Known(float(made_at), int(size), None if key == "-" else key, route)
    except ValueError:
        return None


def _mark_of(row: tuple[bytes, bytes]) -> tuple[str, float | None]:
    try:
        return row[0].decode(), float(row[1])
    except ValueError:
        return "", None
