"""An upstream that streams chunks at a steady pace: `python -m bench.paced PORT CHUNKS PAUSE_S [hold]`.

With `hold`, streams go on after their last chunk until `POST /release`. `GET /count` returns the chunks sent and the
streams open."""

import asyncio
import itertools
import json
import sys
from typing import ClassVar, cast

import uvloop

__all__ = ["end_of", "word"]

_SENTENCE = "the quick brown fox jumps over the lazy dog and keeps on running through the forest until night"
_WORDS = _SENTENCE.split()
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _event(**fields: object) -> bytes:
    envelope = {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion.chunk",
        "created": 1741569952,
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }
    return b"data: " + json.dumps({**envelope, **fields}, separators=(",", ":")).encode() + b"\n\n"


def word(number: int) -> bytes:
    """Return a chunk of a stream, without transfer coding."""
    delta = {"content": " " + _WORDS[number % len(_WORDS)]}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    return _event(choices=[choice], usage=None, obfuscation="aB3x9")


def end_of(count: int) -> bytes:
    """Return the last events of a stream of `count` chunks, without transfer coding."""
    finish = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": count, "total_tokens": 120 + count}
    return _event(choices=[finish], usage=None) + _event(choices=[], usage=usage) + b"data: [DONE]\n\n"


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


class Paced(asyncio.Protocol):
    """One connection, as kept-alive as the client likes."""

    chunks: ClassVar[list[bytes]] = []
    end: ClassVar[bytes] = b""
    pause_s: ClassVar[float] = 0.0
    hold: ClassVar[bool] = False
    sent: ClassVar[int] = 0
    open: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport, but are no instances of it.
        self.transport = cast(asyncio.Transport, transport)
        self.loop = asyncio.get_running_loop()
        self.received = b""
        self.streaming = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.received[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n")[0]) if at >= 0 else 0
        if len(self.received) >= end + 4 + length:
            self.received = self.received[end + 4 + length :]
            self._serve(head)

    def _serve(self, head: bytes) -> None:
        if head.startswith(b"get /count"):
            body = b'{"sent":%d,"open":%d}' % (Paced.sent, Paced.open)
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        elif head.startswith(b"post /release"):
            Paced.hold = False
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            Paced.open += 1
            self.streaming = True
            self.transport.write(_HEAD)
            self._step(itertools.count())

    def _step(self, numbers: "itertools.count[int]") -> None:
        if not self.streaming:
            return
        number = next(numbers)
        if number >= len(self.chunks) and not Paced.hold:
            self._leave()
            self.transport.write(self.end)
            return
        Paced.sent += 1
        self.transport.write(self.chunks[number % len(self.chunks)])
        self.loop.call_later(self.pause_s, self._step, numbers)

    def _leave(self) -> None:
        Paced.open -= self.streaming
        self.streaming = False


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Paced, "127.0.0.1", port, backlog=8192)
    await server.serve_forever()


if __name__ == "__main__":
    Paced.chunks = [_chunk(word(number)) for number in range(int(sys.argv[2]))]
    Paced.end = _chunk(end_of(int(sys.argv[2]))) + b"0\r\n\r\n"
    Paced.pause_s = float(sys.argv[3])
    Paced.hold = "hold" in sys.argv[4:]
    uvloop.run(_serve(int(sys.argv[1])))
