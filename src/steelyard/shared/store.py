"""The server that gateways share: its scripts called, and nothing waited for longer than a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha1
from secrets import token_hex
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, NoScriptError, RedisError

from steelyard.shared.asks import Ask, Base, Given, StoreLost, Told
from steelyard.shared.scripts import BASE, SETTLE, SYNC

__all__ = ["ServerStore", "open_store"]

_PATIENCE_S: Final = 1.0
_STRANGE: Final = ("WRONGTYPE", "user_script:", "Error running script")
"""How a server begins to say that a script has found what it cannot read."""

_Answer: TypeAlias = Any
"""What a server answers: of every command redis-py says that it may be anything, to be awaited or not."""


def open_store(url: str, prefix: str, ca_file: str | None, lease_s: float) -> ServerStore:
    """Return the server at a URL. It is connected to when it is first asked. Raises ValueError for a URL that is
    none."""
    # Only TLS connections know the argument; `Any`, for each of from_url's arguments has a type of its own.
    more: dict[str, Any] = {"ssl_ca_certs": ca_file} if ca_file is not None and url.startswith("rediss") else {}
    client = Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_PATIENCE_S,
        socket_connect_timeout=_PATIENCE_S,
        **more,
    )
    return ServerStore(client, prefix, lease_s)


class ServerStore:
    """A server of Valkey's or Redis's protocol (`asks.Store`), but no Cluster: a script here takes several keys."""

    def __init__(self, client: Redis, prefix: str, lease_s: float) -> None:
        self._client = client
        self._prefix = prefix
        self._ttl_ms = int(lease_s * 1000)
        self._token = token_hex(8)
        self._seq = 0

    async def sync(self, writer: str, asks: Sequence[Ask], mark: str = "") -> Told:
        """Tell what a gateway took and holds, and return what it is given."""
        self._seq += 1
        keys = [*map(self._name, ("writers", "epoch", "based", "tight", "marks", "index", f"of {writer}"))]
        arguments: list[str | int] = [writer, self._seq, self._ttl_ms, self._token, mark]
        for one in asks:
            keys.append(self._name(f"c {one.key}"))
            arguments += (one.key, one.rule, one.kind, one.limit, int(one.length_s * 1000))
            arguments += (int(one.ends_at * 1000) if one.ends_at is not None else 0, one.taken, one.held)
            arguments += (one.loan.need, one.loan.least, one.loan.want)
        epoch, now, live, tight, answers = await self._run(SYNC, keys, arguments)
        given = [Given(one[0], one[1], one[2], one[3], one[4] / 1000, one[5] / 1000) for one in answers]
        return Told(epoch.decode(), int(now) / 1000, live, frozenset(name.decode() for name in tight), given)

    async def leave(self, writer: str) -> None:
        """Take note that a gateway has ended, and left nothing open."""
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.hdel(self._name("writers"), writer)
            pipe.hdel(self._name("marks"), writer)
            pipe.delete(self._name(f"of {writer}"))
            await self._execute(pipe)

    async def based(self, ledger: str) -> frozenset[str]:
        """Return the rules of which it is known what a ledger has."""
        found = await self._ask(self._client.hkeys(self._name("based")))
        names = (name.decode() for name in found)
        return frozenset(name.partition(" ")[2] for name in names if name.startswith(f"{ledger} "))

    async def survey(self, rules: Iterable[str], ledger: str) -> dict[str, list[str]]:
        """Return what each gateway of a ledger took, by counter, of the counters of some rules."""
        begins = tuple(f"{rule} " for rule in rules)
        names = [name.decode() for name in await self._ask(self._client.smembers(self._name("index")))]
        wanted = [name for name in names if name.startswith(begins)]
        async with self._client.pipeline(transaction=False) as pipe:
            for name in wanted:
                pipe.hgetall(self._name(f"c {name}"))
            found = await self._execute(pipe) if wanted else []
        gone = [name for name, fields in zip(wanted, found, strict=True) if not fields]
        if gone:
            await self._ask(self._client.srem(self._name("index"), *gone))
        own = f"{ledger}/".encode()
        return {
            name: [value.decode().partition(" ")[2] for writer, value in fields.items() if writer.startswith(own)]
            for name, fields in zip(wanted, found, strict=True)
        }

    async def put_base(self, ledger: str, epoch: str, found: Mapping[str, Mapping[str, Base]]) -> bool:
        """Have it counted what a ledger has beside what its gateways have told, by rule and counter. Of a rule that is
        known already nothing is changed: gateways have counted since. Return whether the server still has the data
        that it had been asked about."""
        keys = [*map(self._name, ("epoch", "based", "index"))]
        arguments: list[str | int] = [epoch, ledger, len(found), *found]
        for rule, counters in found.items():
            for name, one in counters.items():
                keys.append(self._name(f"c {name}"))
                arguments += (rule, name, one.taken, int(one.keep_s * 1000))
        return bool(await self._run(BASE, keys, arguments))

    async def marks(self) -> dict[str, str]:
        """Return how far each gateway's journal was when it last told what it had spent."""
        found = await self._ask(self._client.hgetall(self._name("marks")))
        return {name.decode(): mark.decode() for name, mark in found.items()}

    async def silent(self, writer: str) -> bool:
        """Say whether a gateway has given no sign of life for longer than a lease lasts."""
        found = await self._ask(self._client.hget(self._name("writers"), writer))
        seconds, micros = await self._ask(self._client.time())
        return found is None or seconds * 1000 + micros // 1000 - int(found.partition(b":")[0]) > self._ttl_ms

    async def spent_by(self, writer: str) -> list[str]:
        """Return the budgets that a gateway has told of."""
        return [name.decode() for name in await self._ask(self._client.smembers(self._name(f"of {writer}")))]

    async def settle(self, writer: str, more: dict[str, int]) -> bool:
        """Count, in the place of what a gateway that is gone was lent, what it spent beside what it had told (in
        micro-dollars, by budget). Return whether there was anything to settle."""
        keys = [self._name("writers"), self._name("marks"), self._name(f"of {writer}")]
        keys += [self._name(f"c {name}") for name in more]
        return bool(await self._run(SETTLE, keys, [writer, self._ttl_ms, *more.values()]))

    async def close(self) -> None:
        """Close the connection."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._client.aclose()
        except (RedisError, OSError):
            return  # it is gone either way

    def _name(self, rest: str) -> str:
        return f"{self._prefix} {rest}"

    async def _run(self, script: str, keys: list[str], arguments: Sequence[str | int]) -> _Answer:
        name = sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            return await self._ask(self._client.evalsha(name, len(keys), *keys, *arguments))
        except NoScriptError:
            return await self._ask(self._client.eval(script, len(keys), *keys, *arguments))

    async def _execute(self, pipe: Pipeline) -> list[_Answer]:
        answers: list[_Answer] = await self._ask(pipe.execute())
        return answers

    async def _ask(self, answer: _Answer) -> _Answer:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await answer
        except NoScriptError:
            raise
        except (RedisError, OSError, ValueError) as error:
            # What is still under way on the connection would be taken for the answer to the next question.
            await self._client.connection_pool.disconnect()
            raise _lost(error) from None


def _lost(error: Exception) -> StoreLost:
    text = str(error).rstrip(".")
    # Redis documentation, "ACL": NOAUTH, WRONGPASS and NOPERM, and what a script is told.
    if text.startswith(_STRANGE):
        return StoreLost(
            f"what stands there under [shared] prefix was not written by a gateway ({text}). Delete what begins with "
            "that prefix: gateways tell again what they have counted. Or have all use another one"
        )
    if not isinstance(error, (AuthenticationError, NoPermissionError)) and not text.startswith("ACL failure"):
        return StoreLost(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    lost = StoreLost(f"the server refuses this gateway: {text}. Check the name and password in url, and restart")
    lost.refused = True
    return lost
