"""Responses that clients asked to have kept (OpenAI's Responses: `store`, `previous_response_id`).

What is kept is what the ledger has of an exchange that was recorded in full. The ledger is asked only by calls that
name a response, never by others, and in a thread: the loop waits for no database.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from steelyard.core.errors import NotFound, StoreError, Unavailable
from steelyard.dialects.sse import EventFramer

__all__ = ["Kept", "Shelf", "Store", "is_ours", "name_of"]

_CATCH_UP_S = 3.0
_FOREIGN_CATCH_UP_S = 1.0
"""For an id that a provider gave: it does not tell when."""
_POLL_S = 0.05
_PATIENCE_S = 15.0
_OURS = re.compile(r"resp_[0-9a-f]{32}")
"""Providers' own ids are longer."""


class Kept(Struct, frozen=True):
    """A response as the client saw it, and the body that asked for it; `size` is that of both, in bytes."""

    request: bytes
    response: dict[str, Any]
    size: int


class Store(Protocol):
    """Where kept responses lie. Both may wait, and raise StoreError."""

    def find(self, name: str, key: str | None) -> tuple[bytes, bytes, bool] | None:
        """Return request, response, and whether the response is a stream of events."""

    def drop(self, name: str, key: str | None) -> bool:
        """Drop a response; return whether there was one."""


class Shelf:
    """Finds and drops kept responses. The store is opened when it is first wanted."""

    __slots__ = ("_open", "_store")

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._store: Store | None = None

    async def find(self, name: str, key: str | None) -> Kept:
        """Return a kept response. Raises NotFound, Unavailable."""
        until = time.monotonic() + _catch_up_s(name)
        while True:
            try:
                found = await self._asked(lambda store: store.find(name, key))
            except Unavailable:
                if time.monotonic() >= until:
                    raise
                found = None
            response = kept_response(found[1], stream=found[2]) if found is not None else None
            if found is not None and response is not None:
                return Kept(found[0], response, len(found[0]) + len(found[1]))
            if time.monotonic() >= until:
                raise NotFound(
                    f'No response is kept as "{name[:100]}". Responses are kept where record = "full" and store is '
                    "not false, for the key that asked for them, by the clerk.",
                    code="response_not_found",
                )
            await asyncio.sleep(_POLL_S)  # the clerk takes it into the ledger a moment after it was answered

    async def drop(self, name: str, key: str | None) -> None:
        """Drop a kept response. Raises NotFound, Unavailable."""
        await self.find(name, key)
        await self._asked(lambda store: store.drop(name, key))

    async def _asked(self, question: Callable[[Store], Any]) -> Any:
        def ask() -> Any:
            store = self._store
            if store is None:
                store = self._store = self._open()
            return question(store)

        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.to_thread(ask)
        except StoreError as error:
            raise Unavailable(str(error), code="ledger_unavailable", retry_after_s=1.0) from None
        except TimeoutError:
            told = f"The ledger did not answer within {_PATIENCE_S:g} s. Try again."
            raise Unavailable(told, code="ledger_unavailable", retry_after_s=1.0) from None


def kept_response(body: bytes, *, stream: bool) -> dict[str, Any] | None:
    """Return the response in an answer that a client has seen: its body, or what the last event of its stream tells of
    (OpenAI API reference, "Responses streaming events": response.completed, response.incomplete)."""
    told: Any = None
    try:
        if not stream:
            told = msgspec.json.decode(body)
        else:
            for _, data in reversed(EventFramer().feed(body)):
                event = msgspec.json.decode(data)
                if event.get("type") in ("response.completed", "response.incomplete"):
                    told = event.get("response")
                    break
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


class _Wish(Struct):
    store: bool | None = None


def name_of(request: bytes | None, body: bytes | None, *, stream: bool) -> str | None:
    """Return the id under which a response that a client has seen is kept; None when it is not to be kept: by what it
    says itself, or by what was asked, which not every upstream repeats."""
    response = kept_response(body, stream=stream) if request is not None and body is not None else None
    if request is None or response is None or response.get("store") is False:
        return None
    try:
        if msgspec.json.decode(request, type=_Wish).store is False:
            return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    name = response.get("id")
    return name if isinstance(name, str) else None


def is_ours(name: str) -> bool:
    """Say whether an id is one of the gateway's own making: an exchange's."""
    return _OURS.fullmatch(name) is not None


def _catch_up_s(name: str) -> float:
    """Return how long a response may still be on its way to the ledger, by its id."""
    if is_ours(name):
        return _CATCH_UP_S if abs(time.time() - int(name[5:17], 16) / 1000) < _CATCH_UP_S else 0.0
    return _FOREIGN_CATCH_UP_S if name.startswith("resp_") else 0.0
