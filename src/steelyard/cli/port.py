"""Find out whether a port can be listened on, before anything is started."""

import socket
from contextlib import closing

from steelyard.core.errors import ConfigError

__all__ = ["free_port_of", "port_complaint"]


def port_complaint(host: str, port: int) -> str | None:
    """Return why `host:port` cannot be listened on, or None."""
    try:
        _bound_port(host, port)
    except OSError as error:
        return error.strerror or str(error)
    return None


def free_port_of(host: str, port: int) -> int:
    """Return `port`, or any that is free where it is 0. Raises ConfigError when it cannot be listened on."""
    try:
        return _bound_port(host, port)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Stop whoever uses it, or choose another "
            f"port: --port {port + 1 if port < 65535 else 0}, or [server] port in steelyard.toml."
        ) from None


def _bound_port(host: str, port: int) -> int:
    kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with closing(socket.socket(kind, socket.SOCK_STREAM)) as probe:
        # As asyncio's servers do: connections of an earlier one that linger in TIME_WAIT are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)
        bound: int = probe.getsockname()[1]
        return bound
