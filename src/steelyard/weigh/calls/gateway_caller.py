"""Call models through a running gateway."""

import asyncio
import os
import time
from random import Random
from typing import Final, Self
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from steelyard.core.errors import ConfigError, EngineError
from steelyard.core.loose import Members
from steelyard.weigh.calls.answer import Failed, read_answer, read_failure
from steelyard.weigh.calls.caller import Reply, Request
from steelyard.weigh.calls.retry_after import asked_s, pause_s

__all__ = ["GatewayCaller", "Patience"]

_FRESH_TRIES: Final = 20
_FRESH_PAUSE_S: Final = 0.15
_MAY_PASS: Final = (429, 503)
_LASTS: Final = frozenset(
    {
        *("provider_not_configured", "route_empty", "not_recorded"),
        *("insufficient_quota", "credit_balance_exhausted", "organization_usage_limit_exceeded"),
        *("organization_spend_limit_exceeded", "project_spend_limit_exceeded"),
    }
)
"""Codes under such a status with which a call is not made again: the gateway's (docs/reference/errors.md; what was not
recorded was answered, and charged for), and OpenAI's of an account without money ("Error codes")."""
_RESTS: Final = "deployments_resting"
"""The gateway's code where failures in a row have it ask the model no more for a while."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long is waited. `tries` counts the first; a longer Retry-After than `longest_wait_s` is not waited for.

    A model that has answered may have a bad minute. One that has failed and not answered yet may be one that never
    will: it may rest for `at_first_s` in all, which is the gateway's first rest and no more.
    `timeout_s` bounds one try; the gateway's own limits of time come first, where they are as they are by default."""

    tries: int = 5
    longest_wait_s: float = 60.0
    at_first_s: float = 8.0
    timeout_s: float = 900.0


class _Listed(Struct, frozen=True):
    id: str


class _Listing(Struct, frozen=True):
    """OpenAI API reference, "List models"."""

    data: tuple[_Listed, ...]


class GatewayCaller:
    """Keeps connections to one gateway: `async with GatewayCaller(address, key) as caller`, for many calls at once.

    `connections` bounds how many are open; further calls wait for one. `seed` is that of the pauses between tries."""

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        connections: int = 64,
        patience: Patience | None = None,
        seed: int = 0,
    ) -> None:
        self.address = address
        self._key = key
        self._connections = connections
        self._patience = patience or Patience()
        self._random = Random(seed)  # noqa: S311  # it spreads pauses, and hides nothing
        self._session: aiohttp.ClientSession | None = None
        self._was_there = False
        self._answered: set[str] = set()
        self._rests_until: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        headers = {"authorization": f"Bearer {self._key}"} if self._key is not None else {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._patience.timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, request: Request) -> Reply:
        """Return the reply; 429 and 503 are tried again when Retry-After says, or after a growing pause; so is a
        gateway that was there before and is not now: it may be starting again. What failed before a model rests is told
        with the reply that says so.

        Raises EngineError where no gateway is there."""
        content = msgspec.json.encode(
            {**request.fields, "model": request.model, "messages": request.messages, "stream": False}
        )
        attempts = 0
        while True:
            attempts += 1
            try:
                reply, asked = await self._try(content, attempts)
            except EngineError:
                if not self._was_there or attempts >= self._patience.tries:
                    raise
                await asyncio.sleep(pause_s(attempts, self._random.random()))
                continue
            self._was_there = True
            self._note(request.model, reply)
            if reply.status not in _MAY_PASS or reply.code in _LASTS or attempts >= self._patience.tries:
                return self._explained(request.model, reply)
            wait = pause_s(attempts, self._random.random()) if asked is None else asked
            if wait > self._patience.longest_wait_s or self._too_early(request.model, reply, wait):
                return self._explained(request.model, reply)
            await asyncio.sleep(wait)

    def _note(self, model: str, reply: Reply) -> None:
        if reply.text is not None:
            self._answered.add(model)
        elif reply.code != _RESTS and reply.error is not None:
            self._failures[model] = reply.error

    def _too_early(self, model: str, reply: Reply, wait: float) -> bool:
        """Return whether a model that failed here, and has answered nothing yet, rests for longer than it may.

        One that rests after others' failures, or those of an earlier run, may be well when it has rested."""
        if reply.code != _RESTS or model in self._answered or model not in self._failures:
            return False
        now = time.monotonic()
        return now + wait > self._rests_until.setdefault(model, now + self._patience.at_first_s)

    def _explained(self, model: str, reply: Reply) -> Reply:
        """Return the reply; where the model rests, with what failed before that."""
        before = self._failures.get(model)
        if reply.code != _RESTS or before is None:
            return reply
        return replace(reply, error=f"{reply.error} Before that: {before}")

    async def models(self, *, fresh_key: bool = False) -> tuple[str, ...]:
        """Return what `GET /v1/models` lists. `fresh_key`: the key was made just now, and gateways learn of it within a
        second. Raises EngineError where no gateway is there, and ConfigError where it refuses the key."""
        status, content = await self._get("/v1/models")
        for _ in range(_FRESH_TRIES if fresh_key else 0):
            if status != 401:
                break
            await asyncio.sleep(_FRESH_PAUSE_S)
            status, content = await self._get("/v1/models")
        if status in (401, 403):
            told = read_failure(status, content).message
            raise ConfigError(f"{self.address}: {told} Give a key by --key or STEELYARD_KEY.")
        try:
            listing = msgspec.json.decode(content, type=_Listing)
        except msgspec.MsgspecError as error:
            raise EngineError(
                f"What answers at {self.address} is no gateway (HTTP {status} for /v1/models). Check --gateway."
            ) from error
        return tuple(one.id for one in listing.data)

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None, "a caller is used within `async with`"
        return self._session

    async def refused(self, model: str) -> Failed | None:
        """Return why a route or deployment would not answer, at no cost: unknown, not for this key, denied by policy;
        None where it may. Raises EngineError where no gateway is there."""
        status, content = await self._get(f"/v1/models/{quote(model, safe='')}")
        return None if status == 200 else read_failure(status, content)

    async def _get(self, path: str) -> tuple[int, bytes]:
        try:
            async with self._open.get(URL(self.address + path, encoded=True)) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._absent(error) from error

    async def _try(self, content: bytes, attempts: int) -> tuple[Reply, float | None]:
        """Return the reply of one try, and what its Retry-After asks for."""
        began, clock = time.time(), time.perf_counter()
        try:
            async with self._open.post(
                f"{self.address}/v1/chat/completions", data=content, headers={"content-type": "application/json"}
            ) as answer:
                body = await answer.read()
                took = time.perf_counter() - clock
                reply = _reply(answer, body, began, took, attempts)
                return reply, asked_s(answer.headers.get("retry-after"), time.time())
        except aiohttp.ClientConnectorError as error:
            raise self._absent(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            told = f"The gateway's answer broke off: {str(error) or type(error).__name__}"
            if isinstance(error, TimeoutError):
                told = f"No answer within {self._patience.timeout_s:g} s"
            took = time.perf_counter() - clock
            reply = Reply(
                exchange=None, status=None, text=None, error=told, started_at=began, took_s=took, attempts=attempts
            )
            return reply, None

    def _absent(self, error: Exception) -> EngineError:
        number = error.errno if isinstance(error, OSError) else None
        why = os.strerror(number) if number is not None and number > 0 else str(error) or type(error).__name__
        start = "Start one with `steelyard up`, or name another: --gateway URL."
        return EngineError(f"No gateway answers at {self.address} ({why}). {start}")


def _reply(answer: aiohttp.ClientResponse, body: bytes, began: float, took: float, attempts: int) -> Reply:
    status = answer.status
    said = read_answer(body) if status == 200 else read_failure(status, body)
    headers = answer.headers
    told: Members = {
        "exchange": headers.get("x-request-id"),
        "status": status,
        "deployment": headers.get("x-steelyard-deployment"),
        "cost_usd": headers.get("x-steelyard-cost-usd"),
        "started_at": began,
        "took_s": took,
        "attempts": attempts,
    }
    if isinstance(said, Failed):
        return Reply(text=None, error=said.message, code=said.code, **told)
    fields = ("tool_calls", "finish_reason", "input_tokens", "output_tokens")
    return Reply(text=said.text, **told, **{name: getattr(said, name) for name in fields})
