"""A request that waits for the ledger before it can be answered: those that name a kept response, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from steelyard.core.errors import BadRequest, CallError, NotFound, TooLarge
from steelyard.dialects.members import decode_object
from steelyard.dialects.responses import input_items_page, kept_input, with_previous
from steelyard.gateway.answers import answer, bodiless

if TYPE_CHECKING:
    from steelyard.gateway.client import Client
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.shelf import Kept, Shelf

__all__ = ["Errand", "continued", "kept_page"]

_LONGEST_CHAIN = 1000


class Errand:
    """It is the client's service while it waits."""

    __slots__ = ("_client", "_gateway", "_incoming", "_task", "_work")

    def __init__(self, gateway: Gateway, client: Client, incoming: Incoming, work: Coroutine[Any, Any, None]) -> None:
        self._gateway = gateway
        self._client = client
        self._incoming = incoming
        self._work = work
        client.service = self
        gateway.errands.add(self)
        self._task = gateway.loop.create_task(self._run())
        self._task.add_done_callback(self._done)

    async def _run(self) -> None:
        try:
            await self._work
        except CallError as error:
            self._gateway.reception.refuse(self._client, self._incoming, error)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._gateway.errands.discard(self)
        self._work.close()  # it was never begun, if the client left at once
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # a fault of ours: the loop reports it, and the client is not left waiting
            self._client.hang_up()
            self._gateway.loop.call_exception_handler({"message": "an errand failed", "exception": error})

    def gone(self) -> None:
        self._task.cancel()

    def pause(self) -> None:
        """Write no more for now: what is written is one small answer."""

    def resume(self) -> None:
        """Write on: what is written is one small answer."""

    def more(self, piece: bytes) -> None:
        """Take a piece of the body: never, since it is whole."""

    def no_more(self) -> None:
        """Take note of the body's end: known since the errand began."""


async def continued(shelf: Shelf, raw: bytes, previous: str, key: str | None, most_bytes: int) -> bytes:
    """Return a body with the conversation that its `previous_response_id` stands for in front of its input, and without
    that id. Raises BadRequest, TooLarge where that would have over `most_bytes`, Unavailable."""
    earlier: list[Kept] = []
    name: str | None = previous
    size = len(raw)
    while name is not None:
        try:
            kept = await shelf.find(name, key)
        except NotFound as error:
            raise BadRequest(str(error), code="previous_response_not_found", param="previous_response_id") from None
        earlier.append(kept)
        size += kept.size
        if size > most_bytes:
            raise TooLarge(
                f"The conversation is over {most_bytes} bytes. Begin anew, or raise [server] max_body_bytes."
            )
        if len(earlier) > _LONGEST_CHAIN:
            raise BadRequest(f"The conversation has over {_LONGEST_CHAIN} responses.", param="previous_response_id")
        name = msgspec.json.decode(kept.request).get("previous_response_id")
    items: list[Any] = []
    for kept in reversed(earlier):
        items += kept_input(msgspec.json.decode(kept.request))
        items += kept.response.get("output") or []
    return msgspec.json.encode(with_previous(decode_object(raw), items))


async def kept_page(gateway: Gateway, client: Client, incoming: Incoming, name: str, below: str) -> None:
    """Answer GET and DELETE of a kept response (OpenAI API reference, "Get a model response", "Delete a model
    response", "List input items"). Raises CallError."""
    key = incoming.key.id if incoming.key is not None else None
    told: dict[str, Any]
    if incoming.method == b"DELETE":
        await gateway.shelf.drop(name, key)
        told = {"id": name, "object": "response", "deleted": True}
    else:
        kept = await gateway.shelf.find(name, key)
        told = kept.response
        if below:
            query = parse_qs(incoming.target.partition(b"?")[2].decode("latin-1"))
            items = kept_input(msgspec.json.decode(kept.request))
            told = input_items_page(items, name, {one: values[-1] for one, values in query.items()})
    keep_alive = incoming.keep_alive and not gateway.leaving
    fields = b"content-type: application/json\r\nx-request-id: %b\r\n" % gateway.next_id().encode()
    whole = answer(200, fields, msgspec.json.encode(told), keep_alive=keep_alive)
    client.write(bodiless(whole) if incoming.method == b"HEAD" else whole)
    client.answered(keep_alive=keep_alive)
