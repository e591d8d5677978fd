"""Keep-alive pools, one an origin; TLS with verification; HTTP proxies from the environment."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

from steelyard.core.errors import UpstreamError
from steelyard.gateway.outbox import Outbox
from steelyard.gateway.proxy import Proxy, Tunnel, proxy_for
from steelyard.gateway.upstream import Upstream
from steelyard.policy.plan import Origin

__all__ = ["Pool", "Pools"]

_IDLE_S = 55.0  # below the 60 s after which most load balancers drop an idle connection without a word
_MOST_IDLE = 1024


class Pool:
    """Connections to one origin."""

    def __init__(self, origin: Origin, clock: Callable[[], float], outbox: Outbox) -> None:
        self.origin = origin
        self.outbox = outbox
        self._clock = clock
        self._idle: deque[Upstream] = deque()
        self._all: set[Upstream] = set()
        self._tls: ssl.SSLContext | None = None
        self._proxy = proxy_for(origin)

    def take(self) -> Upstream | None:
        """Return an idle connection, the one used last; None when one must be opened."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    def put(self, connection: Upstream) -> None:
        """Take back a connection whose answer was read to its end."""
        idle = self._idle
        if len(idle) >= _MOST_IDLE:
            connection.abandon()
            return
        connection.idle_since = self._clock()
        idle.append(connection)

    def forget(self, connection: Upstream) -> None:
        """Drop a connection that is gone."""
        self._all.discard(connection)

    def sweep(self) -> None:
        """Close connections that have been idle for long; the oldest stand first."""
        oldest = self._clock() - _IDLE_S
        while self._idle and (not self._idle[0].open or self._idle[0].idle_since < oldest):
            connection = self._idle.popleft()
            if connection.open:
                connection.abandon()

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().abandon()

    @property
    def size(self) -> int:
        """How many connections are open."""
        return len(self._all)

    async def open(self) -> Upstream:
        """Open a connection. Raises OSError (refused, unresolvable), ssl.SSLError, or UpstreamError (a proxy)."""
        loop = asyncio.get_running_loop()
        origin = self.origin
        if self._proxy is not None and origin.tls:
            connection = await self._open_through(self._proxy)
        elif self._proxy is not None:
            self._proxy.check()
            _, made = await loop.create_connection(self._new, self._proxy.host, self._proxy.port)
            connection = cast("Upstream", made)
        else:
            name = origin.host if origin.tls else None
            _, made = await loop.create_connection(
                self._new, origin.host, origin.port, ssl=self._context(), server_hostname=name
            )
            connection = cast("Upstream", made)
        if not connection.open:
            raise ConnectionResetError("the connection was closed as soon as it was open")
        _no_delay(connection.transport)
        self._all.add(connection)
        return connection

    def _new(self) -> asyncio.Protocol:
        # A protocol by what it does: its class has no base.
        return cast("asyncio.Protocol", Upstream(self))

    @property
    def prefix(self) -> str:
        """What stands before the path in a request line: the scheme and authority when a plain proxy relays it
        (RFC 9112, 3.2.2), else nothing."""
        return f"http://{self.origin.authority}" if self._proxy is not None and not self.origin.tls else ""

    @property
    def proxy_fields(self) -> bytes:
        """The header lines that every request to a plain proxy carries; a tunnel has had them already."""
        return self._proxy.fields if self._proxy is not None and not self.origin.tls else b""

    def _context(self) -> ssl.SSLContext | None:
        if self.origin.tls and self._tls is None:
            context = ssl.create_default_context()
            if self.origin.ca_file:
                context.load_verify_locations(self.origin.ca_file)
            self._tls = context
        return self._tls

    async def _open_through(self, proxy: Proxy) -> Upstream:
        proxy.check()
        loop = asyncio.get_running_loop()
        tunnel = Tunnel(loop.create_future())
        transport, _ = await loop.create_connection(lambda: tunnel, proxy.host, proxy.port)
        try:
            transport.write(proxy.connect_request(self.origin))
            await tunnel.opened
            connection = Upstream(self)
            protocol = cast("asyncio.Protocol", connection)
            context = self._context()
            assert context is not None
            secure = await loop.start_tls(transport, protocol, context, server_hostname=self.origin.host)
        except BaseException:  # a cancelled call too: it leaves no tunnel open
            transport.abort()
            raise
        if secure is None:
            raise UpstreamError(f"The proxy {proxy.name} closed its tunnel to {self.origin.authority}.")
        if not connection.open:
            connection.connection_made(secure)
        return connection


class Pools:
    """All pools of one gateway."""

    def __init__(self, clock: Callable[[], float], outbox: Outbox) -> None:
        self._clock = clock
        self._outbox = outbox
        self._pools: dict[Origin, Pool] = {}

    def at(self, origin: Origin) -> Pool:
        """Return the pool of an origin."""
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(origin, self._clock, self._outbox)
        return pool

    def sweep(self) -> None:
        """Close what has been idle for long."""
        for pool in self._pools.values():
            pool.sweep()

    def close(self) -> None:
        """Close every idle connection."""
        for pool in self._pools.values():
            pool.close()

    @property
    def size(self) -> int:
        """How many upstream connections are open."""
        return sum(pool.size for pool in self._pools.values())


def _no_delay(transport: asyncio.BaseTransport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
