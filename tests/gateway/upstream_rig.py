"""What tests of the upstream side share: a provider that sends prescribed bytes, and a look into the journal."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from msgspec import Struct

from steelyard.core.exchange import Exchange
from tests.fake.loopback import LoopbackServer
from tests.fake.wire import PeerClosedError, Wire
from tests.support import GatewayUnderTest, Response, config_text
from tests.support.journal import journalled

__all__ = ["ANSWER", "Reply", "ScriptedUpstream", "close_or_keep", "exchange_of", "fronted", "one_exchange", "until"]

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
).encode()
"""A whole answer of a provider."""

T = TypeVar("T")
End = Literal["keep", "fin", "rst", "silence"]


class Reply(Struct, frozen=True):
    """What a scripted upstream says to one request: pieces, each sent as a segment of its own, and then an end."""

    pieces: tuple[bytes, ...]
    end: End = "keep"
    pause_s: float = 0.002


class ScriptedUpstream(LoopbackServer):
    """Answer the n-th request (from 0) with `script(n)`. With `before_body`, without reading the request's body."""

    def __init__(self, script: Callable[[int], Reply], *, before_body: bool = False) -> None:
        super().__init__()
        self.script = script
        self._before_body = before_body
        self._count = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, wire: Wire) -> None:
        try:
            while True:
                request = await wire.head()
                if not self._before_body:
                    await wire.body(request)
                count, self._count = self._count, self._count + 1
                if not await close_or_keep(wire, self.script(count)):
                    return
        except PeerClosedError:
            return


async def close_or_keep(wire: Wire, reply: Reply) -> bool:
    """Send a reply; return whether the connection stays open for another request."""
    for piece in reply.pieces:
        await wire.write(piece)
        await asyncio.sleep(reply.pause_s)
    if reply.end == "fin":
        wire.close()
    elif reply.end == "rst":
        await asyncio.sleep(0.03)
        wire.reset()
    elif reply.end == "silence":
        await wire.until_gone()
    return reply.end == "keep"


@contextmanager
def fronted(
    directory: Path, providers: dict[str, Any], *, env: dict[str, str] | None = None, **tables: Any
) -> Iterator[GatewayUnderTest]:
    """Run a gateway in front of `providers` (base URLs, or tables of settings); the other arguments are
    `config_text`'s."""
    with GatewayUnderTest(config_text(providers, **tables), directory, env=env) as gateway:
        yield gateway


def exchange_of(gateway: GatewayUnderTest, answer: Response) -> Exchange:
    """Return the exchange on record of an answer, which must be there when its last byte has come."""
    number = answer.header("x-request-id")
    assert number is not None, answer
    return one_exchange(gateway, lambda exchange: exchange.id == number)


def one_exchange(
    gateway: GatewayUnderTest, wanted: Callable[[Exchange], bool] = lambda _: True, timeout_s: float = 20.0
) -> Exchange:
    """Wait for the exchange that fits; fail when more than one does."""
    found: Sequence[Exchange] = until(
        lambda: [one for one in journalled(gateway.home) if wanted(one)], "an exchange", timeout_s
    )
    assert len(found) == 1, found
    return found[0]


def until(condition: Callable[[], T | None], what: str, timeout_s: float = 20.0) -> T:
    """Poll until `condition()` is true, and return it."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.005)
    return value
