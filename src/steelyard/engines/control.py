"""The keeper's control API: a few words of HTTP/1.1 on loopback.

    GET  /models        200 {NAME: {"state", "address", "pid", "error"}}
    POST /start/NAME    200 {"address"} when the model answers; 404 and 503 {"error"}
    POST /stop/NAME     200 {}

One call a connection. A call that a browser makes for a page (it has an Origin) is refused: pages of the web must not
start and stop models here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from steelyard.core.errors import EngineError, StoreError

__all__ = ["Answer", "serve_control"]

Answer = tuple[int, Any]

_HEAD_BYTES = 16 * 1024
_HEAD_S = 10.0
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}

Act = Callable[[str, str, str], Awaitable[Answer]]


async def serve_control(act: Act) -> asyncio.Server:
    """Listen on a free port of 127.0.0.1; `act(method, verb, name)` answers a call to `/VERB/NAME` with a status and a
    value for JSON."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status, value = await _answer(reader, act)
            body = msgspec.json.encode(value)
            writer.write(
                f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the caller has gone; whatever it started goes on
        finally:
            writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", 0, limit=_HEAD_BYTES)


async def _answer(reader: asyncio.StreamReader, act: Act) -> Answer:
    try:
        async with asyncio.timeout(_HEAD_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        return 400, {"error": f"The head of the call is longer than {_HEAD_BYTES} bytes."}
    first, *fields = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        return 400, {"error": f"{first!r} is not a line of HTTP."}
    if any(field.lower().startswith("origin:") for field in fields):
        return 403, {"error": "Pages in a browser may not control engines."}
    verb, _, name = words[1].removeprefix("/").partition("/")
    try:
        return await act(words[0], verb, unquote(name))
    except StoreError as error:
        return 404, {"error": str(error)}
    except EngineError as error:
        return 503, {"error": str(error)}
