"""Where clients come in: a socket of the process's own, or those that its supervisor holds for all workers."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, cast

from steelyard.core.errors import ConfigError
from steelyard.gateway.fittings import Seat
from steelyard.gateway.http11 import Http11

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway

__all__ = ["Doors", "address_of", "hosts_of"]

_BACKLOG = 4096


class Doors:
    """The sockets on which this process accepts. What the kernel has queued on a socket of the supervisor's outlives
    every worker: whoever accepts on it next answers it."""

    def __init__(self, gateway: Gateway, seat: Seat) -> None:
        self._gateway = gateway
        self._seat = seat
        self._servers: dict[int, list[asyncio.Server]] = {}

    @property
    def address(self) -> str:
        """The address of a socket that the supervisor listens on."""
        with socket.socket(fileno=os.dup(self._seat.listeners[self._seat.own][0])) as sock:
            return address_of(sock)

    async def open(self, host: str, port: int) -> str:
        """Accept from now on; return the address. Raises ConfigError."""
        loop = self._gateway.loop
        if self._seat.listeners:
            await self.take(self._seat.own)
            return address_of(self._servers[self._seat.own][0].sockets[0])
        try:
            server = await loop.create_server(self._client, host, port, backlog=_BACKLOG)
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} cannot be listened on: {error.strerror or error}. "
                "Free it, or choose another: --port N, or [server] port."
            ) from None
        self._servers[0] = [server]
        return address_of(server.sockets[0])

    async def take(self, number: int) -> None:
        """Accept in the place of a worker, of another one too, which is down."""
        if number in self._servers or self._gateway.leaving:
            return
        servers: list[asyncio.Server] = []
        self._servers[number] = servers
        for listener in self._seat.listeners[number]:
            # A copy: closing a server closes its socket, and the number shall stay good.
            sock = socket.socket(fileno=os.dup(listener))
            server = await self._gateway.loop.create_server(self._client, sock=sock, backlog=_BACKLOG)
            if self._servers.get(number) is not servers:  # told to leave meanwhile
                server.close()
                return
            servers.append(server)

    def leave(self, number: int) -> None:
        """Leave that worker's clients to it: it is back."""
        for server in self._servers.pop(number, ()):
            server.close()

    def close(self) -> None:
        """Accept no more."""
        for number in list(self._servers):
            self.leave(number)

    def release(self) -> None:
        """Accept no more, and hold no socket of the supervisor's: who waits on them is told so by a reset."""
        self.close()
        for group in self._seat.listeners:
            for listener in group:
                os.close(listener)
        self._seat = Seat(self._seat.worker)

    def _client(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", Http11(self._gateway))


def address_of(sock: socket.socket) -> str:
    """Return the URL at which a socket is reached that listens."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hosts_of(seat: Seat) -> list[str]:
    """Return the addresses at which the supervisor listens, whatever the configuration says by now; none: it does
    not."""
    hosts = []
    for listener in seat.listeners[seat.own] if seat.listeners else ():
        with socket.socket(fileno=os.dup(listener)) as sock:
            hosts.append(str(sock.getsockname()[0]))
    return hosts
