"""Behaviours of a provider in good health: contents, paces and shapes that are legal."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable

from tests.fake.call import DONE, Call, sse
from tests.fake.registry import behaviour
from tests.fake.shapes import TEXT, Script, UsageMode

__all__: list[str] = []


@behaviour("ok")
async def ok(call: Call, *_: str) -> None:
    """ok[:NAME]: answers at once."""
    await call.answer()


@behaviour("echo")
async def echo(call: Call) -> None:
    """echo: the content is the request's body, as it arrived."""
    await call.answer(Script(words=(call.request.body.decode(),)))


@behaviour("words")
async def words(call: Call, count: str) -> None:
    """words:N: says N words."""
    await call.answer(Script(words=tuple(TEXT[i % len(TEXT)] for i in range(int(count)))))


@behaviour("slow-first-byte")
async def slow_first_byte(call: Call, seconds: str) -> None:
    """slow-first-byte:S: says nothing for S seconds, then answers."""
    await asyncio.sleep(float(seconds))
    await call.answer()


@behaviour("slow-body")
async def slow_body(call: Call, seconds: str) -> None:
    """slow-body:S: sends the headers at once, the body S seconds later."""
    if call.streams:
        await call.open_stream()
        await asyncio.sleep(float(seconds))
        for event in call.events():
            await call.event(event)
        await call.close_stream()
        return
    body = call.body()
    await call.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    await asyncio.sleep(float(seconds))
    await call.wire.write(body)


@behaviour("slow-chunks")
async def slow_chunks(call: Call, seconds: str, count: str = "20") -> None:
    """slow-chunks:S:N: streams N words, S seconds apart; without a stream the body comes in ten such pieces."""
    if call.streams:
        script = Script(words=tuple(TEXT[i % len(TEXT)] for i in range(int(count))))
        await call.stream(call.events(script), float(seconds))
        return
    body = call.body()
    await call.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    step = len(body) // 10 + 1
    for at in range(0, len(body), step):
        await call.wire.write(body[at : at + step])
        await asyncio.sleep(float(seconds))


@behaviour("endless")
async def endless(call: Call, seconds: str = "0.01") -> None:
    """endless:S: streams a word every S seconds until the client leaves."""
    await call.open_stream()
    first, second = call.events()[:2]
    await call.event(first)
    while True:
        await call.event(second)
        await asyncio.sleep(float(seconds))


@behaviour("flood")
async def flood(call: Call, size: str) -> None:
    """flood:N: streams N bytes of events as fast as the client takes them."""
    events = call.events()
    event = call.events(Script(words=("word",), pad=8192))[1]
    await call.open_stream()
    await call.event(events[0])
    for _ in range(int(size) // len(event)):
        await call.event(event)
    for last in events[-2:]:
        await call.event(last)
    await call.close_stream()


@behaviour("big-body")
async def big_body(call: Call, size: str) -> None:
    """big-body:N: the content has N bytes more."""
    await call.answer(Script(pad=int(size)))


@behaviour("tool-call")
async def tool_call(call: Call) -> None:
    """tool-call: calls the first tool with a location."""
    await call.answer(Script(tool=True))


@behaviour("refusal")
async def refusal(call: Call) -> None:
    """refusal: the message is a refusal."""
    await call.answer(Script(refusal="I cannot help with that."))


@behaviour("content-filter")
async def content_filter(call: Call) -> None:
    """content-filter: stops with finish_reason content_filter."""
    await call.answer(Script(words=TEXT[:3], finish="content_filter"))


@behaviour("reasoning")
async def reasoning(call: Call, tokens: str) -> None:
    """reasoning:N: N reasoning tokens are inside completion_tokens."""
    await call.answer(Script(reasoning=int(tokens)))


@behaviour("cached")
async def cached(call: Call, tokens: str) -> None:
    """cached:N: N cached tokens are inside prompt_tokens."""
    await call.answer(Script(cached=int(tokens)))


def _usage_behaviour(name: str, mode: UsageMode, promise: str) -> None:
    async def act(call: Call) -> None:
        await call.answer(Script(usage=mode))

    act.__doc__ = promise
    behaviour(name)(act)


_usage_behaviour("usage-always", "always", "usage-always: a last usage chunk even when it was not asked for.")
_usage_behaviour("usage-in-last-choice", "last-choice", "usage-in-last-choice: usage beside finish_reason.")
_usage_behaviour("usage-every-chunk", "every", "usage-every-chunk: running totals in every chunk.")
_usage_behaviour("no-usage", "never", "no-usage: no usage, asked for or not.")


async def _packed(call: Call, contents: Iterable[bytes], content_type: str) -> None:
    packer = zlib.compressobj(wbits=31)  # 31: gzip (zlib manual, deflateInit2)
    await call.open_stream([("Content-Encoding", "gzip")], content_type)
    for content in contents:
        await call.event(packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH))
    await call.chunk(packer.flush())
    await call.close_stream()


@behaviour("gzip")
async def gzipped(call: Call) -> None:
    """gzip: Content-Encoding gzip, whether the client accepts it or not."""
    if call.streams:
        await _packed(call, call.events(), "text/event-stream")
    else:
        await call.send(gzip.compress(call.body()), headers=[("Content-Encoding", "gzip")])


@behaviour("gzip-stream")
async def gzip_stream(call: Call) -> None:
    """gzip-stream: chunked and gzip'd, flushed after every event or every 40 bytes of a body."""
    body = call.body()
    pieces = call.events() if call.streams else [body[at : at + 40] for at in range(0, len(body), 40)]
    await _packed(call, pieces, "text/event-stream" if call.streams else "application/json")


@behaviour("chunked-json")
async def chunked_json(call: Call) -> None:
    """chunked-json: an answer that does not stream, in chunks of 50 bytes."""
    await call.open_stream(content_type="application/json")
    body = call.body()
    for at in range(0, len(body), 50):
        await call.chunk(body[at : at + 50])
    await call.close_stream()


@behaviour("chunked-trailers")
async def chunked_trailers(call: Call) -> None:
    """chunked-trailers: chunk extensions and a trailer field (RFC 9112, section 7.1)."""
    await call.open_stream(content_type="text/event-stream" if call.streams else "application/json")
    for content in call.events() if call.streams else [call.body()]:
        await call.wire.write(b'%x;note="a\tb"\r\n%b\r\n' % (len(content), content))
    await call.wire.write(b"0\r\nx-checksum: abc\r\n\r\n")


@behaviour("close-delimited")
async def close_delimited(call: Call) -> None:
    """close-delimited: no length and no chunks; the body ends with the connection (RFC 9112, section 6.3)."""
    call.keep_alive = False
    kind = call.stream_type if call.streams else "application/json"
    await call.head(200, [("Content-Type", kind)])
    for content in call.events() if call.streams else [call.body()]:
        await call.wire.write(content)


@behaviour("http10")
async def http10(call: Call) -> None:
    """http10: an HTTP/1.0 answer that ends with the connection."""
    call.keep_alive = False
    contents = call.events() if call.streams else [call.body()]
    kind = b"text/event-stream" if call.streams else b"application/json"
    await call.wire.write(b"HTTP/1.0 200 OK\r\nContent-Type: %b\r\n\r\n" % kind + b"".join(contents))


@behaviour("100-continue")
async def continues(call: Call) -> None:
    """100-continue: sends 100 Continue and 103 Early Hints before the answer (RFC 9110, section 15.2)."""
    await call.wire.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
    await call.answer()


@behaviour("byte-at-a-time")
async def byte_at_a_time(call: Call) -> None:
    """byte-at-a-time: every byte in a segment of its own, headers too."""
    call.wire.transport.set_write_buffer_limits(0)
    contents = b"".join(call.events(Script(words=TEXT[:3]))) if call.streams else call.body(Script(words=TEXT[:3]))
    kind = b"text/event-stream" if call.streams else b"application/json"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (kind, len(contents))
    for byte in head + contents:
        await call.wire.write(bytes([byte]))
        await asyncio.sleep(0)


@behaviour("split-events")
async def split_events(call: Call, size: str = "7") -> None:
    """split-events:N: chunks of N bytes that cut events, lines and characters anywhere."""
    stream = b"".join(call.events(Script(words=("Grüße", "aus", "Köln", "😀"))))
    await call.open_stream()
    for at in range(0, len(stream), int(size)):
        await call.chunk(stream[at : at + int(size)])
        await asyncio.sleep(0)
    await call.close_stream()


@behaviour("joined-events")
async def joined_events(call: Call) -> None:
    """joined-events: the whole stream in a single chunk, with the head in the same segment."""
    stream = b"".join(call.events())
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    await call.wire.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(stream), stream))


@behaviour("joined-start")
async def joined_start(call: Call, seconds: str) -> None:
    """joined-start:S: the head and the first event in one segment, and the rest S seconds later."""
    first, *others = call.events()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    await call.wire.write(head + b"%x\r\n%b\r\n" % (len(first), first))
    await asyncio.sleep(float(seconds))
    for event in others:
        await call.event(event)
    await call.close_stream()


@behaviour("huge-event")
async def huge_event(call: Call, size: str) -> None:
    """huge-event:N: the second event is N bytes longer."""
    await call.answer(Script(pad=int(size)))


@behaviour("ping-comments")
async def ping_comments(call: Call) -> None:
    """ping-comments: a comment line before every event, as OpenRouter and others send to keep the connection."""
    await call.stream(b": ping\n\n" + event for event in call.events())


@behaviour("crlf-events")
async def crlf_events(call: Call) -> None:
    """crlf-events: lines end with CR LF (legal: HTML standard, "Parsing an event stream")."""
    await call.stream(event.replace(b"\n", b"\r\n") for event in call.events())


@behaviour("cr-events")
async def cr_events(call: Call) -> None:
    """cr-events: lines end with CR alone (legal: HTML standard, "Parsing an event stream")."""
    await call.stream(event.replace(b"\n", b"\r") for event in call.events())


@behaviour("no-space-events")
async def no_space_events(call: Call) -> None:
    """no-space-events: `data:` without the optional space, after a byte order mark, with event and id fields."""
    events = [b"event: chunk\nid: 7\n" + event.replace(b"data: ", b"data:", 1) for event in call.events()[:-1]]
    await call.stream([b"\xef\xbb\xbf" + events[0], *events[1:], DONE.replace(b" ", b"")])


@behaviour("multi-line-events")
async def multi_line_events(call: Call) -> None:
    """multi-line-events: each event's JSON over two data lines (legal: they are joined by a line feed)."""
    split = [event.replace(b',"object"', b',\ndata: "object"', 1) for event in call.events()]
    await call.stream(split)


@behaviour("unended-last-event")
async def unended_last_event(call: Call) -> None:
    """unended-last-event: [DONE] lacks its empty line."""
    await call.stream([*call.events()[:-1], DONE[:-1]])


@behaviour("unknown-fields")
async def unknown_fields(call: Call) -> None:
    """unknown-fields: fields that OpenAI does not have, which must come through."""
    if call.streams:
        await call.stream([event.replace(b'{"id"', b'{"x_new":{"a":[1,2.50]},"id"', 1) for event in call.events()])
    else:
        await call.send(call.body().replace(b'{"id"', b'{"x_new":{"a":[1,2.50]},"id"', 1))


@behaviour("json-for-stream")
async def json_for_stream(call: Call) -> None:
    """json-for-stream: a whole JSON answer although a stream was asked for."""
    await call.send(call.body())


@behaviour("stream-for-json")
async def stream_for_json(call: Call) -> None:
    """stream-for-json: a stream although none was asked for."""
    await call.stream(call.events())


@behaviour("azure-filter-first")
async def azure_filter_first(call: Call) -> None:
    """azure-filter-first: a first chunk with `choices: []` and no usage, as Azure OpenAI sends for prompt filters."""
    events = call.events()
    first = {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0}],
    }
    await call.stream([sse(first), *events])
