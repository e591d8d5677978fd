"""The sockets that the supervisor listens on for its gateways, so that no connection is lost with a gateway."""

import socket
import sys

from msgspec import Struct

from steelyard.cli.port import free_port_of
from steelyard.core.errors import ConfigError

__all__ = ["Listeners", "listen"]

_BACKLOG = 4096
_SPREADS = sys.platform == "linux"
"""Whether the kernel divides connections among sockets with SO_REUSEPORT: Linux does, by a hash of both addresses
(socket(7)); macOS gives them all to one of the sockets."""


class Listeners(Struct, frozen=True):
    """The port, and the sockets of each worker: one for each address of the host. `several` workers have the same
    sockets where the kernel does not divide connections among several."""

    port: int
    sockets: tuple[tuple[socket.socket, ...], ...]

    def fds(self) -> tuple[int, ...]:
        """Return the numbers that a gateway inherits."""
        return tuple(one.fileno() for group in self.sockets for one in group)

    def close(self) -> None:
        """Listen no more, and reset who waits. It may be said twice."""
        for group in self.sockets:
            for one in group:
                one.close()

    def told(self) -> str:
        """Return them as a gateway is told of them."""
        return ",".join("+".join(str(one.fileno()) for one in group) for group in self.sockets)


def listen(host: str, port: int, workers: int) -> Listeners:
    """Listen for so many workers; clients are queued from now on. Raises ConfigError where the port is taken.

    A socket that a worker opens itself takes with it, at its end, the connections that wait for it: the kernel resets
    them, unless `net.ipv4.tcp_migrate_req` is on (ip-sysctl.rst; Linux 5.14), which it is not by default."""
    free_port_of(host, port)  # others of the same user could share the port without anybody's noticing
    groups: list[tuple[socket.socket, ...]] = []
    for _ in range(workers if _SPREADS else 1):
        group: tuple[socket.socket, ...] = ()
        for address in _addresses(host):
            group = (*group, _bound(address, port, shared=workers > 1 and _SPREADS))
            port = port or group[0].getsockname()[1]
        groups.append(group)
    for group in groups:
        for one in group:
            one.listen(_BACKLOG)
    return Listeners(port, tuple(groups))


_Address = tuple[socket.AddressFamily, str]


def _addresses(host: str) -> list[_Address]:
    found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [one for one in dict.fromkeys((row[0], str(row[4][0])) for row in found) if _is_known(one[0])]


def _is_known(family: socket.AddressFamily) -> bool:
    """Return whether the kernel has this family: `localhost` may have an address of one that it lacks."""
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _bound(address: _Address, port: int, *, shared: bool) -> socket.socket:
    family, host = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Stop whoever uses it, or choose another "
            "address or port: --host, --port, or [server] host and port in steelyard.toml."
        ) from None
    return sock
