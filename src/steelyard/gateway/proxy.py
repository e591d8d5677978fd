"""HTTP proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

from steelyard.core.errors import UpstreamError
from steelyard.policy.plan import Origin

__all__ = ["Proxy", "Tunnel", "proxy_for"]

_MOST_HEAD_BYTES = 16 * 1024


class Proxy(Struct, frozen=True):
    """A proxy. `fields` are header lines with its credentials (RFC 9110, 11.7.2; RFC 7617), so it has no repr of
    them."""

    scheme: str
    host: str
    port: int
    fields: bytes = b""

    def __repr__(self) -> str:
        return f"Proxy({self.name!r})"

    @property
    def name(self) -> str:
        """What to call it in a text: never with its credentials."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def check(self) -> None:
        """Raise UpstreamError for a kind of proxy that is not spoken."""
        if self.scheme != "http":
            raise UpstreamError(
                f"The proxy {self.name} of the environment is of a kind that is not supported. "
                "Give HTTP_PROXY, HTTPS_PROXY or ALL_PROXY an http:// address, or name the provider in NO_PROXY.",
                code="proxy_not_supported",
            )

    def connect_request(self, origin: Origin) -> bytes:
        """Return the request that opens a tunnel (RFC 9110, 9.3.6)."""
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        authority = f"{host}:{origin.port}".encode("latin-1")
        return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority, authority, self.fields)


class Tunnel(asyncio.Protocol):
    """Waits for a proxy's answer to CONNECT."""

    def __init__(self, opened: asyncio.Future[None]) -> None:
        self.opened = opened
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if self.opened.done() or (end < 0 and len(self._head) < _MOST_HEAD_BYTES):
            return
        line = self._head.split(b"\r\n", 1)[0]
        words = line.split(b" ", 2)
        if end >= 0 and len(words) > 1 and words[1].startswith(b"2"):
            self.opened.set_result(None)
        else:
            said = line[:200].decode("latin-1")
            self.opened.set_exception(UpstreamError(f'The HTTP proxy refused to open a tunnel: "{said}".'))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("the proxy closed the connection"))


def proxy_for(origin: Origin) -> Proxy | None:
    """Return the proxy that the environment names for an origin; None where it is called directly.

    As Go's `ProxyFromEnvironment` has it, this machine itself is never called through a proxy: the local engine must
    be reached where HTTP_PROXY is set for everything else. NO_PROXY is read as urllib reads it, ports included.
    """
    if _is_loopback(origin.host) or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    proxies = getproxies()
    address = proxies.get("https" if origin.tls else "http") or proxies.get("all")
    if not address:
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if not parts.hostname:
        return None
    fields = b""
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        fields = b"proxy-authorization: Basic %b\r\n" % b64encode(login)
    return Proxy(parts.scheme, parts.hostname, parts.port or 80, fields)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
