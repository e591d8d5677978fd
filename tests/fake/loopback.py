"""A server on loopback that lives in a thread of the test run, with an event loop of its own."""

import asyncio
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.fake.seen import ReceivedRequest, SeenConnection
from tests.fake.wire import Wire

__all__ = ["LoopbackServer"]

T = TypeVar("T")


class LoopbackServer:
    """Accept on a free port of 127.0.0.1 between `start()` and `stop()`; both may be called again, the port stays."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.port = 0
        self.connections: list[SeenConnection] = []
        self.failures: list[str] = []
        self._certificate = certificate
        # Until nobody refers to one: a connection that is served to its end may still have bytes to send.
        self._wires: weakref.WeakSet[Wire] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None

    async def serve(self, wire: Wire) -> None:
        """Answer one connection until it closes."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if self._thread is not None:
            return
        if self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)
        self._thread.start()
        self._in_loop(self._listen())

    def stop(self) -> None:
        if self._thread is None:
            return
        self._in_loop(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        self._thread = None

    @property
    def scheme(self) -> str:
        return "https" if self._certificate else "http"

    @property
    def open_connections(self) -> int:
        return sum(connection.open for connection in self.connections)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """All requests so far, in the order of their arrival."""
        found = [request for connection in list(self.connections) for request in list(connection.requests)]
        return sorted(found, key=lambda request: request.received_at)

    def closed_at(self, request: ReceivedRequest) -> float | None:
        """Return when the request's connection closed (`time.monotonic()`), `None` while it is open."""
        return request.connection.closed_at

    def wait(self, condition: Callable[[], T | None], what: str = "the condition", timeout_s: float = 10.0) -> T:
        """Poll until `condition()` is true, and return it; fail with what was seen when it does not come."""
        end = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > end:
                raise AssertionError(
                    f"Waited {timeout_s} s for {what}; seen: {self.requests}, failures: {self.failures}"
                )
            time.sleep(0.002)
        return value

    def wait_requests(self, count: int = 1, timeout_s: float = 10.0) -> list[ReceivedRequest]:
        """Wait until `count` requests have arrived whole."""
        return self.wait(
            lambda: found if len(found := [r for r in self.requests if r.complete]) >= count else None,
            f"{count} requests",
            timeout_s,
        )

    def wait_closed(self, request: ReceivedRequest, timeout_s: float = 10.0) -> float:
        """Wait until the request's connection is closed, and return when that was."""
        return self.wait(lambda: request.connection.closed_at, f"the close of {request}", timeout_s)

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        context = None
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
        self._server = await self._loop.create_server(self._wire, "127.0.0.1", self.port, ssl=context, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def _wire(self) -> Wire:
        return Wire(self._seen, self._serve_and_close)

    def _seen(self, peer: str) -> SeenConnection:
        connection = SeenConnection(len(self.connections), peer)
        self.connections.append(connection)
        return connection

    async def _serve_and_close(self, wire: Wire) -> None:
        self._wires.add(wire)
        try:
            await self.serve(wire)
        finally:
            if not wire.transport.is_closing():
                wire.close()

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = []
        for wire in list(self._wires):
            if wire.task is not None:
                wire.task.cancel()
                tasks.append(wire.task)
            wire.transport.abort()
        self._wires.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
