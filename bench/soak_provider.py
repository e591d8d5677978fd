"""A provider whose every tenth answer is broken, in one of many ways: `python -m bench.soak_provider PORT SEED`.

Model `steady` never breaks, `shaky` does, and `slow` streams for seconds."""

import asyncio
import json
import random
import re
import sys
from typing import ClassVar, cast

import uvloop

from bench.paced import end_of, word
from bench.yardstick import COMPLETION

__all__ = ["FAULTS"]

FAULTS = ("500", "429", "html", "reset", "cut", "stall", "bad-chunk", "error-event", "not-json", "no-end")
_BROKEN = 0.1
_WORDS = 8
_SLOW_WORDS = 100
_SLOW_PAUSE_S = 0.02
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)")
_MODEL = re.compile(rb'"model": ?"([a-z]+)"')
_STREAM = re.compile(rb'"stream": ?true')
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _answer(status: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "server_error", "param": None, "code": None}}).encode()


_GOOD = _answer("200 OK", COMPLETION.encode())
_SAID = [_chunk(word(number)) for number in range(_WORDS)]
_LAST = _chunk(end_of(_WORDS)) + b"0\r\n\r\n"
_SLOW_LAST = _chunk(end_of(_SLOW_WORDS)) + b"0\r\n\r\n"
_AT_ONCE = {
    "500": _answer("500 Internal Server Error", _error("It broke.")),
    "429": _answer("429 Too Many Requests", _error("Too many."), more="Retry-After: 0\r\n"),
    "html": _answer("502 Bad Gateway", b"<html><h1>502 Bad Gateway</h1></html>", "text/html"),
    "not-json": _answer("200 OK", b'{"id":"chatcmpl-1","choices":[{"index'),
}


class Shaky(asyncio.Protocol):
    """One connection, kept alive."""

    chance: ClassVar[random.Random] = random.Random(0)
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received[:end].lower())
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < whole:
            return
        body, self._received = self._received[end + 4 : whole], self._received[whole:]
        self._serve(body)

    def _serve(self, body: bytes) -> None:
        found = _MODEL.search(body)
        model = found[1] if found else b""
        stream = _STREAM.search(body) is not None
        if model == b"slow" and stream:
            self.transport.write(_STREAM_HEAD)
            self._go_on(0)
        elif model == b"shaky" and self.chance.random() < _BROKEN:
            self._break(self.chance.choice(FAULTS), stream=stream)
        elif stream:
            self.transport.write(_STREAM_HEAD + b"".join(_SAID) + _LAST)
        else:
            self.transport.write(_GOOD)

    def _go_on(self, number: int) -> None:
        if self.transport.is_closing():
            return
        if number == _SLOW_WORDS:
            self.transport.write(_SLOW_LAST)
            return
        self.transport.write(_chunk(word(number)))
        asyncio.get_running_loop().call_later(_SLOW_PAUSE_S, self._go_on, number + 1)

    def _break(self, fault: str, *, stream: bool) -> None:
        write = self.transport.write
        if fault in _AT_ONCE:
            write(_AT_ONCE[fault])
        elif fault == "reset":
            self.transport.abort()
        elif not stream:
            write(_GOOD[: len(_GOOD) // 2])
            if fault != "stall":
                self.transport.close()
        else:
            write(_STREAM_HEAD + b"".join(_SAID[:3]))
            if fault == "bad-chunk":
                write(b"zz\r\n")
            elif fault == "error-event":
                write(_chunk(b"data: " + _error("It broke in the middle.") + b"\n\n") + b"0\r\n\r\n")
            elif fault == "no-end":
                write(b"0\r\n\r\n")
            elif fault == "cut":
                self.transport.close()


async def _main(port: int, seed: int) -> None:
    Shaky.chance = random.Random(seed)
    server = await asyncio.get_running_loop().create_server(Shaky, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), int(sys.argv[2])))
