"""Behaviours of a provider that fails: statuses, nonsense, cuts, silence."""

import asyncio
import email.utils
import time
from urllib.parse import unquote

from tests.fake import shapes
from tests.fake.call import Call, compact, sse
from tests.fake.registry import behaviour, perform
from tests.fake.shapes import TEXT, Script

__all__: list[str] = []

# Bodies as OpenAI words them (platform.openai.com/docs/guides/error-codes).
_ERRORS = {
    400: ("Invalid type for 'temperature': expected a decimal.", "invalid_request_error", "invalid_type"),
    401: ("Incorrect API key provided: sk-abc***xyz.", "invalid_request_error", "invalid_api_key"),
    403: ("Country, region, or territory not supported.", "request_forbidden", "unsupported_country_region_territory"),
    429: ("Rate limit reached for requests. Please try again in 2s.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "service_unavailable", "overloaded"),
}
_HTML = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>"


@behaviour("status")
async def status(call: Call, code: str, *options: str) -> None:
    """status:CODE[:retry-after=S|retry-after-ms=MS|retry-after-date[=S]]: an error in OpenAI's words. Values may be
    percent-encoded."""
    message, kind, name = _ERRORS.get(int(code), (f"Status {code}.", "server_error", None))
    headers = []
    for option in options:
        field, _, value = option.partition("=")
        if field == "retry-after-date":
            # RFC 9110, section 10.2.3: Retry-After = HTTP-date / delay-seconds. Dates have whole seconds.
            field, value = "retry-after", email.utils.formatdate(time.time() + float(value or 2) + 0.999, usegmt=True)
        headers.append((field, unquote(value, "latin-1")))
    await call.fail(int(code), message, kind, name, headers)


@behaviour("fail-times")
async def fail_times(call: Call, count: str, code: str = "500", *options: str) -> None:
    """fail-times:K[:CODE[:OPTION]]: fails the first K requests for this very name, then answers."""
    await (status(call, code, *options) if call.attempt <= int(count) else call.answer())


@behaviour("cut-times")
async def cut_times(call: Call, count: str) -> None:
    """cut-times:K: closes before the headers for the first K requests for this very name, then answers."""
    await (cut(call, "before-headers") if call.attempt <= int(count) else call.answer())


@behaviour("html-200")
async def html_200(call: Call) -> None:
    """html-200: an HTML page with status 200."""
    await call.send(_HTML % (b"Welcome", b"Welcome"), content_type="text/html")


@behaviour("html-502")
async def html_502(call: Call) -> None:
    """html-502: a balancer's HTML page with status 502."""
    await call.send(_HTML % (b"502 Bad Gateway", b"502 Bad Gateway"), 502, "text/html")


@behaviour("bad-json")
async def bad_json(call: Call) -> None:
    """bad-json: a body, or a stream's third event, whose JSON stops in the middle."""
    if call.streams:
        events = call.events()
        await call.stream([*events[:2], events[2][:40] + b"\n\n", *events[3:]])
    else:
        await call.send(call.body()[:-25])


@behaviour("wrong-type")
async def wrong_type(call: Call) -> None:
    """wrong-type: JSON, but fields have other types than OpenAI's: choices a string, usage a list."""
    wrong = {"id": 7, "object": "chat.completion", "created": "now", "model": [], "choices": "none", "usage": [1, 2]}
    if call.streams:
        await call.stream([sse(wrong), *call.events()])
    else:
        await call.send(compact(wrong))


@behaviour("json-list")
async def json_list(call: Call) -> None:
    """json-list: valid JSON that is not an object."""
    await call.send(b"[1,2,3]")


@behaviour("not-utf8")
async def not_utf8(call: Call) -> None:
    """not-utf8: bytes that are no UTF-8 in the middle of a string."""
    if call.streams:
        await call.stream(event.replace(b"Hello", b"H\xff\xfello") for event in call.events())
    else:
        await call.send(call.body().replace(b"Hello", b"H\xff\xfello"))


@behaviour("empty-200")
async def empty_200(call: Call) -> None:
    """empty-200: status 200 and no body."""
    await call.send(b"")


@behaviour("empty-stream")
async def empty_stream(call: Call) -> None:
    """empty-stream: an event stream that ends at once, without an event."""
    await call.stream([])


@behaviour("no-content")
async def no_content(call: Call) -> None:
    """no-content: status 204."""
    await call.head(204, [])


@behaviour("redirect")
async def redirect(call: Call, code: str = "307") -> None:
    """redirect[:CODE]: status 307 to somewhere else, where a key must not go."""
    await call.send(b"", int(code), headers=[("Location", "http://127.0.0.1:9/v1/chat/completions")])


@behaviour("never-answers")
async def never_answers(call: Call, *_: str) -> None:
    """never-answers[:NAME]: takes the request and stays silent until the client leaves."""
    await call.wire.until_gone()


@behaviour("stalls")
async def stalls(call: Call, count: str = "3") -> None:
    """stalls:N: streams N events (or half a body), then stays silent until the client leaves."""
    await _begin(call, int(count), half=False)
    await call.wire.until_gone()


@behaviour("no-done")
async def no_done(call: Call) -> None:
    """no-done: a stream that ends cleanly, but before its finish_reason and without [DONE]."""
    await call.stream(call.events()[:4])


@behaviour("finish-no-done")
async def finish_no_done(call: Call) -> None:
    """finish-no-done: a stream that ends cleanly after finish_reason (and usage), without [DONE]."""
    await call.stream(call.events()[:-1])


@behaviour("after-done")
async def after_done(call: Call) -> None:
    """after-done: a stream that stays open after [DONE] until the client leaves."""
    await call.open_stream()
    for event in call.events():
        await call.event(event)
    await call.wire.until_gone()


@behaviour("error-event")
async def error_event(call: Call, count: str = "3") -> None:
    """error-event:N: N events, then an error as an event, then the end of the stream."""
    await call.stream([*call.events()[: int(count)], *call.failure()])


@behaviour("error-200")
async def error_200(call: Call) -> None:
    """error-200: status 200 with an error object as its body (OpenRouter does so)."""
    await call.fail(200, "Provider returned error", "server_error", "502")


@behaviour("cut")
async def cut(call: Call, where: str, *options: str) -> None:
    """cut:before-headers|in-headers|after-headers|mid-body|mid-stream:N|mid-event:N[:rst]: closes by FIN or RST."""
    reset = "rst" in options
    count = next((int(option) for option in options if option.isdecimal()), 3)
    if where == "in-headers":
        await call.wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: applic")
    elif where == "after-headers":
        await _begin(call, 0, half=False)
    elif where in ("mid-body", "mid-stream"):
        await _begin(call, count, half=False)
    elif where == "mid-event":
        await _begin(call, count, half=True)
    elif where != "before-headers":
        raise ValueError(f"cut:{where}")
    if reset:
        # What was written must have left before RST drops the buffers.
        await asyncio.sleep(0.05)
        call.wire.reset()
    else:
        call.wire.close()


async def _begin(call: Call, count: int, half: bool) -> None:
    """Send the first `count` events, and perhaps half of the next; without a stream, half of the body (none for 0)."""
    if call.streams:
        events = call.events()
        await call.open_stream()
        for event in events[:count]:
            await call.event(event)
        if half:
            await call.chunk(events[count][: len(events[count]) // 2])
        return
    body = call.body()
    await call.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    await call.wire.write(body[: len(body) // 2 if count else 0])


@behaviour("stale-keepalive")
async def stale_keepalive(call: Call, when: str = "after") -> None:
    """stale-keepalive[:next]: answers, promises keep-alive, closes right away, or when the next request comes."""
    await call.answer()
    if when == "next":
        await call.wire.more()
    call.wire.close()


@behaviour("unasked-answer")
async def unasked_answer(call: Call) -> None:
    """unasked-answer: sends a second answer on the idle connection, which must never reach another client."""
    await call.answer()
    call.wire.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")


@behaviour("early-answer")
async def early_answer(call: Call) -> None:
    """early-answer: answers 413 and closes. With `FakeProvider(body_limit=N)` that happens before the body is read."""
    call.keep_alive = False
    await call.error(413, shapes.error("Maximum content size limit exceeded.", "invalid_request_error"))


_RAW = {
    "bad-status-line": (b"ICY 200 OK\r\n\r\nhello", "a status line that is not HTTP."),
    "bad-header": (
        b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n{}",
        "a header line without a colon.",
    ),
    "two-lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
        "two Content-Length fields that differ (RFC 9112, section 6.3).",
    ),
    "length-and-chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "both Content-Length and Transfer-Encoding (RFC 9112, section 6.3).",
    ),
    "bad-chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "a chunk size that is no number.",
    ),
    "header-injection": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: a\rSet-Cookie: b\r\n\r\n{}",
        "a bare CR inside a header's value.",
    ),
    "http2": (
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18),
        "the frame with which a server that speaks HTTP/2 alone begins (RFC 9113, section 3.4).",
    ),
    "switching": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "a switch of protocols.",
    ),
}


def _raw_behaviour(name: str, sent: bytes, promise: str) -> None:
    async def act(call: Call) -> None:
        call.keep_alive = False
        await call.wire.write(sent)

    act.__doc__ = f"{name}: {promise}"
    behaviour(name)(act)


for _name, (_sent, _promise) in _RAW.items():
    _raw_behaviour(_name, _sent, _promise)


@behaviour("big-header")
async def big_header(call: Call, size: str) -> None:
    """big-header:N: an answer with a header of N bytes."""
    await call.send(call.body(), headers=[("x-padding", "x" * int(size))])


@behaviour("endless-headers")
async def endless_headers(call: Call) -> None:
    """endless-headers: header after header until the client leaves."""
    await call.wire.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await call.wire.write(b"x-padding: " + b"x" * 1000 + b"\r\n")
        await asyncio.sleep(0)


@behaviour("slow-headers")
async def slow_headers(call: Call, seconds: str) -> None:
    """slow-headers:S: a byte of the head every S seconds, until the client leaves."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 1000:
        await call.wire.write(bytes([byte]))
        await asyncio.sleep(float(seconds))


@behaviour("first-then")
async def first_then(call: Call, first: str, *then: str) -> None:
    """first-then:WORDS:BEHAVIOUR…: alternates: odd requests say WORDS words, even ones do BEHAVIOUR."""
    if call.attempt % 2:
        await call.answer(Script(words=TEXT[: int(first)]))
        return
    call.model = ":".join(then)
    await perform(call)
