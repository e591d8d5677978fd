"""Behaviours of a provider whose HTTP, or whose stream, is broken in one place: lengths, chunks, ends, codings."""

import asyncio
import gzip
import re

from tests.fake.call import Call, compact
from tests.fake.registry import behaviour
from tests.fake.shapes import Script

__all__ = ["WORDS", "raw_answer"]

WORDS = ("One", "two", "three.")
"""What is said where an answer must be small."""
_SMALL = Script(words=WORDS)
_PIECE = 64 * 1024


_CHAT = (
    *(b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % word for word in (b"One", b" two", b" three.")),
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}\n\n',
    b"data: [DONE]\n\n",
)
_MESSAGES = (
    b'{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],'
    b'"usage":{"input_tokens":2,"output_tokens":1}}}',
    b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    *(
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}' % word
        for word in (b"One", b" two", b" three.")
    ),
    b'{"type":"content_block_stop","index":0}',
    b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}',
    b'{"type":"message_stop"}',
)


def raw_answer(call: Call) -> bytes:
    """Return a whole answer, head and all, in few bytes."""
    if not call.streams:
        body = call.body(_SMALL)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    events = [b"data: %b\n\n" % one for one in _MESSAGES] if call.tongue else list(_CHAT)
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events) + b"0\r\n\r\n"


@behaviour("cut-at")
async def cut_at(call: Call, *options: str) -> None:
    """cut-at[:rst]: closes after as many bytes as the question says (`bytes N`), or answers where it says nothing."""
    answer = raw_answer(call)
    found = re.findall(r"bytes (\d+)", call.request.body.decode())
    if not found:
        await call.wire.write(answer)
        return
    call.keep_alive = False
    if kept := answer[: int(found[-1])]:
        await call.wire.write(kept)
    if "rst" in options:
        await asyncio.sleep(0.02)  # what was written must have left before RST drops the buffers
        call.wire.reset()
    else:
        call.wire.close()


@behaviour("length-off")
async def length_off(call: Call, bytes_off: str, end: str = "fin") -> None:
    """length-off:N[:silence]: Content-Length is N more than comes (or -N less), then FIN, or silence."""
    body = b"".join(call.events()) if call.streams else call.body()
    kind = call.stream_type if call.streams else "application/json"
    call.keep_alive = False
    await call.head(200, [("Content-Type", kind), ("Content-Length", str(len(body) + int(bytes_off)))])
    await call.wire.write(body)
    if end == "silence":
        await call.wire.until_gone()


@behaviour("chunk-broken")
async def chunk_broken(call: Call, count: str, how: str = "size") -> None:
    """chunk-broken:N[:size|long|short|end]: N good chunks, then one whose size is no number, over 64 bits, or less than
    comes; or a last chunk that is followed by no CRLF but by garbage."""
    pieces = call.events() if call.streams else _halves(call.body())
    await call.open_stream(content_type=None if call.streams else "application/json")
    for piece in pieces[: int(count)]:
        await call.event(piece)
    call.keep_alive = False
    broken = {
        "size": b"zz\r\n{}\r\n",
        "long": b"1ffffffffffffffff\r\n{}\r\n",
        "short": b"3\r\ndata: too long\r\n",
        "end": b"0\r\ngarbage\r\n\r\n",
    }
    await call.wire.write(broken[how])


def _halves(body: bytes) -> list[bytes]:
    return [body[: len(body) // 2], body[len(body) // 2 :]]


@behaviour("empty-choices")
async def empty_choices(call: Call) -> None:
    """empty-choices: a whole answer, or a stream of usage and [DONE] alone, with `choices: []` (Chat Completions)."""
    answer = {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": []}
    used = {"usage": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}}
    if call.streams:
        event = b"data: " + compact({**answer, "object": "chat.completion.chunk", **used}) + b"\n\n"
        await call.stream([event, b"data: [DONE]\n\n"])
    else:
        await call.send(compact({**answer, "object": "chat.completion", **used}))


@behaviour("ends-twice")
async def ends_twice(call: Call) -> None:
    """ends-twice: the stream's last event comes twice."""
    events = call.events()
    await call.stream([*events, events[-1]])


@behaviour("after-the-end")
async def after_the_end(call: Call) -> None:
    """after-the-end: all events come again behind the stream's last one, and then garbage."""
    events = call.events()
    await call.stream([*events, *events[:-1], b"\0garbage\xff\n\n"])


@behaviour("wrong-kind")
async def wrong_kind(call: Call, kind: str = "text/plain") -> None:
    """wrong-kind[:TYPE]: the right answer under another Content-Type."""
    if call.streams:
        await call.open_stream(content_type=kind)
        for event in call.events():
            await call.event(event)
        await call.close_stream()
    else:
        await call.send(call.body(), content_type=kind)


@behaviour("nul-bytes")
async def nul_bytes(call: Call) -> None:
    """nul-bytes: NUL inside of a string (not allowed in JSON: RFC 8259, section 7)."""
    if call.streams:
        await call.stream(event.replace(b"Hello", b"H\0llo") for event in call.events())
    else:
        await call.send(call.body().replace(b"Hello", b"H\0llo"))


@behaviour("html")
async def html(call: Call, status: str) -> None:
    """html:CODE: an HTML page with that status."""
    page = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Error</h1></body></html>"
    await call.send(page, int(status), "text/html; charset=utf-8")


@behaviour("interims")
async def interims(call: Call, count: str = "endless") -> None:
    """interims[:N]: N times 103 Early Hints and then the answer; without N they never end."""
    sent = 0
    while count == "endless" or sent < int(count):
        await call.wire.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        sent += 1
        await asyncio.sleep(0)
    await call.answer()


@behaviour("upgrade-offered")
async def upgrade_offered(call: Call) -> None:
    """upgrade-offered: a good answer that offers another protocol, as Apache does (RFC 9110, section 7.8)."""
    offer = [("Upgrade", "h2,h2c"), ("Connection", "Upgrade")]
    if call.streams:
        await call.open_stream(offer)
        for event in call.events():
            await call.event(event)
        await call.close_stream()
    else:
        await call.send(call.body(), headers=offer)


@behaviour("header-of")
async def header_of(call: Call, size: str) -> None:
    """header-of:N: one header of N bytes, written as fast as it is taken."""
    await call.wire.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    for _ in range(int(size) // _PIECE):
        await call.wire.write(b"x" * _PIECE)
    await call.wire.write(b"\r\nContent-Length: 2\r\n\r\n{}")


@behaviour("pings-forever")
async def pings_forever(call: Call, seconds: str = "0.02") -> None:
    """pings-forever:S: comments (HTML standard, "Server-sent events") every S seconds, and no event."""
    await call.open_stream()
    while True:
        await call.chunk(b": ping\n\n")
        await asyncio.sleep(float(seconds))


@behaviour("coding-broken")
async def coding_broken(call: Call, how: str = "plain") -> None:
    """coding-broken[:plain|cut]: says gzip, and is not; or gzip that stops in the middle."""
    plain = b"".join(call.events()) if call.streams else call.body()
    content = plain if how == "plain" else gzip.compress(plain)[:-30]
    kind = call.stream_type if call.streams else "application/json"
    await call.send(content, content_type=kind, headers=[("Content-Encoding", "gzip")])


@behaviour("eof-body-cut")
async def eof_body_cut(call: Call) -> None:
    """eof-body-cut: a body that only the connection's end ends, which comes too soon (RFC 9112, section 8)."""
    call.keep_alive = False
    content = b"".join(call.events()[:4]) if call.streams else call.body()[:-30]
    await call.head(200, [("Content-Type", call.stream_type if call.streams else "application/json")])
    await call.wire.write(content)


@behaviour("bad-event")
async def bad_event(call: Call, count: str = "3") -> None:
    """bad-event[:N]: N events, then one that begins as JSON and stops in the middle, then the rest."""
    events = call.events()
    broken = events[int(count)][:40] + b"\n\n"
    await call.stream([*events[: int(count)], broken, *events[int(count) + 1 :]])


@behaviour("json-of")
async def json_of(call: Call, size: str) -> None:
    """json-of:N: a whole answer with N bytes more, written in pieces, as fast as it is taken."""
    before, after = call.body(Script(words=("@",))).split(b"@")
    padding = int(size) // _PIECE
    await call.head(
        200,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(before) + padding * _PIECE + len(after))),
        ],
    )
    await call.wire.write(before)
    for _ in range(padding):
        await call.wire.write(b"x" * _PIECE)
    await call.wire.write(after)


@behaviour("usage-negative")
async def usage_negative(call: Call) -> None:
    """usage-negative: a right answer with counts of tokens below zero (Chat Completions)."""
    if call.streams:
        await call.stream(event.replace(b'"prompt_tokens":', b'"prompt_tokens":-') for event in call.events())
    else:
        await call.send(call.body().replace(b'"prompt_tokens":', b'"prompt_tokens":-'))
