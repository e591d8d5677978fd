"""An HTTP proxy on loopback: CONNECT tunnels, and plain requests in absolute form (RFC 9110, section 9.3.6; RFC 9112,
section 3.2.2)."""

import asyncio
import base64
from urllib.parse import urlsplit

from tests.fake.loopback import LoopbackServer
from tests.fake.seen import ReceivedRequest
from tests.fake.wire import MalformedRequestError, PeerClosedError, Wire

__all__ = ["FakeProxy"]


class FakeProxy(LoopbackServer):
    """Pass everything on and remember it: `requests` (CONNECT or absolute form), `bytes_up`, `bytes_down`.

    `credentials` ("user:password") asks for Proxy-Authorization and answers 407 without it. `refuse` answers every
    request with that status."""

    def __init__(self, *, credentials: str | None = None, refuse: int | None = None) -> None:
        super().__init__()
        self.credentials = credentials
        self.refuse = refuse
        self.bytes_up = 0
        self.bytes_down = 0

    @property
    def url(self) -> str:
        login = f"{self.credentials}@" if self.credentials else ""
        return f"http://{login}127.0.0.1:{self.port}"

    async def serve(self, wire: Wire) -> None:
        try:
            request = await wire.head()
            if refusal := self._refusal(request):
                await wire.write(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % refusal)
            elif request.method == "CONNECT":
                await self._tunnel(wire, request.target)
            else:
                await self._forward(wire, request)
        except (PeerClosedError, OSError):
            pass
        except MalformedRequestError as reason:
            self.failures.append(str(reason))

    def _refusal(self, request: ReceivedRequest) -> bytes | None:
        if self.refuse:
            return b"%d Refused" % self.refuse
        if self.credentials is None:
            return None
        wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if request.header("proxy-authorization") == wanted:
            return None
        return b'407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="loopback"'

    async def _tunnel(self, wire: Wire, target: str) -> None:
        host, _, port = target.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError:
            await wire.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        await wire.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._relay(wire, reader, writer)

    async def _forward(self, wire: Wire, request: ReceivedRequest) -> None:
        await wire.body(request)
        url = urlsplit(request.target)
        reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
        target = url.path + (f"?{url.query}" if url.query else "")
        kept = [f"{k}: {v}" for k, v in request.headers if not k.lower().startswith(("proxy-", "connection"))]
        head = "\r\n".join([f"{request.method} {target} HTTP/1.1", *kept, "Connection: close", "", ""])
        self.bytes_up += len(request.body)
        writer.write(head.encode("latin-1") + request.body)
        await self._relay(wire, reader, writer)

    async def _relay(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on both ways until one side closes."""
        up = asyncio.ensure_future(self._upward(wire, writer))
        down = asyncio.ensure_future(self._downward(wire, reader))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            writer.close()

    async def _upward(self, wire: Wire, writer: asyncio.StreamWriter) -> None:
        while True:
            content = await wire.some()
            self.bytes_up += len(content)
            writer.write(content)
            await writer.drain()

    async def _downward(self, wire: Wire, reader: asyncio.StreamReader) -> None:
        while content := await reader.read(65536):
            self.bytes_down += len(content)
            await wire.write(content)
