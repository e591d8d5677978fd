"""However an answer is cut into reads, and whatever way is taken through it, it is understood as llhttp does."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import httptools
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from steelyard.gateway.answers import NOT_PASSED
from steelyard.gateway.outbox import Outbox
from steelyard.gateway.pool import Pool
from steelyard.gateway.upstream import Upstream
from steelyard.journal.writer import JournalWriter
from steelyard.policy.plan import Origin
from tests.gateway.upstream_rig import ANSWER

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-One: a b\r\nContent-Length: %d\r\n" % len(ANSWER)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def passed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return what goes on to a client; space around a value is no part of it (RFC 9110, 5.5)."""
    return [(name, value.strip(b" \t")) for name, value in headers if name not in NOT_PASSED]


class Reference:
    """What llhttp alone makes of the bytes, fed whole."""

    def __init__(self, sent: bytes, *, closed: bool) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.status = 0
        self.verdict = "unfinished"
        self.reusable = False
        self._interim = False
        self._parser = httptools.HttpResponseParser(self)
        try:
            self._parser.feed_data(sent)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            if self.verdict != "whole":
                self.verdict = "broken"
        if closed and self.verdict == "unfinished":
            framed = {b"content-length", b"transfer-encoding"} & {name for name, _ in self.headers}
            self.verdict = "whole" if self.status >= 200 and not framed else "lost"

    def on_message_begin(self) -> None:
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.verdict != "whole":
            status = self._parser.get_status_code()
            self._interim = status < 200
            self.status = 0 if self._interim else status
            if self._interim:
                self.headers = []

    def on_body(self, piece: bytes) -> None:
        if self.verdict != "whole":
            self.body += piece

    def on_message_complete(self) -> None:
        if not self._interim and self.verdict != "whole":
            self.verdict = "whole"
            framed = {b"content-length", b"transfer-encoding"} & {name for name, _ in self.headers}
            self.reusable = bool(framed) and self._parser.should_keep_alive()


class Taken:
    """A sink that keeps what it is given."""

    def __init__(self, *, takes_whole: bool) -> None:
        self.takes_whole = takes_whole
        self.status = 0
        self.passed: list[tuple[bytes, bytes]] = []
        self.pieces = b""
        self.reframed = True
        self.verdict = "unfinished"

    def whole(self, fields: bytes, body: bytes) -> None:
        self.status = 200
        pairs = [line.partition(b":") for line in fields.split(b"\r\n") if line]
        self.passed = passed([(name.lower(), value) for name, _, value in pairs])
        self.pieces = body
        self._judge("whole")

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.passed = passed(headers)

    def body(self, piece: bytes, framed: bytes | None) -> None:
        assert piece
        self.pieces += piece
        if framed is not None:
            # What is relayed with its framing must be exactly one chunk to any reader.
            size, _, rest = framed.partition(b"\r\n")
            self.reframed = self.reframed and size.isalnum() and b"x" not in size.lower() and rest == piece + b"\r\n"
            self.reframed = self.reframed and int(size, 16) == len(piece)

    def end(self) -> None:
        self._judge("whole")

    def lost(self, *, answered: bool, reused: bool, error: Exception | None) -> None:
        self._judge("lost")

    def broken(self, reason: str) -> None:
        self._judge("broken")

    def _judge(self, verdict: str) -> None:
        assert self.verdict == "unfinished", (self.verdict, verdict)
        self.verdict = verdict

    def pause_sending(self) -> None:
        raise AssertionError("nothing is sent in pieces here")

    def resume_sending(self) -> None:
        raise AssertionError("nothing is sent in pieces here")


class Line(asyncio.Transport):
    """A transport that goes nowhere: it says only whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send nothing: the answer does not depend on it."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    loop = asyncio.new_event_loop()
    journal = JournalWriter(tmp_path_factory.mktemp("journal"), "0", 64 * 1024)
    yield Pool(Origin("127.0.0.1", 1), loop.time, Outbox(loop, journal))
    journal.close()
    loop.close()


def take(pool: Pool, reads: Iterable[bytes], *, takes_whole: bool, closed: bool) -> tuple[Taken, Upstream]:
    """Give an answer to an upstream connection, read by read, and then perhaps its end."""
    upstream = Upstream(pool)
    upstream.connection_made(Line())
    sink = Taken(takes_whole=takes_whole)
    upstream.send(sink, b"POST / HTTP/1.1\r\n\r\n")
    for read in reads:
        if read and upstream.open:
            upstream.data_received(read)
    if closed:
        upstream.connection_lost(None)
    return sink, upstream


def agree(pool: Pool, sent: bytes, cuts: Iterable[int], *, takes_whole: bool, closed: bool) -> None:
    edges = [0, *sorted({cut % (len(sent) + 1) for cut in cuts}), len(sent)]
    reads = [sent[start:end] for start, end in pairwise(edges)]
    wanted = Reference(sent, closed=closed)
    sink, upstream = take(pool, reads, takes_whole=takes_whole, closed=closed)
    assert sink.verdict == wanted.verdict
    assert sink.reframed
    if wanted.verdict == "whole":
        assert sink.status == wanted.status
        assert sink.pieces == wanted.body
        assert sink.passed == passed(wanted.headers)
    elif wanted.verdict == "broken":
        assert not upstream.open
    # Only a connection on which exactly one answer came may serve another call; and it does.
    pooled = pool.take()
    if closed or any(cut for cut in cuts):
        assert pooled in (None, upstream)
        assert pooled is None or wanted.reusable
    else:
        assert (pooled is upstream) == wanted.reusable


def stream(sizes: Iterable[int], trailer: bytes = b"") -> bytes:
    body = b"".join(chunk(b"data: " + b"y" * size + b"\n\n") for size in sizes)
    return CHUNKED + b"\r\n" + body + b"0\r\n" + trailer + b"\r\n"


CUTS = st.lists(st.integers(0, 5000), max_size=12)
PLAIN = LENGTH + b"\r\n" + ANSWER
HEADS = [
    b"",
    b"Connection: keep-alive\r\n",
    b"connection:Close\r\n",
    b"Connection: x, close\r\n",
    b"Content-Encoding: identity\r\n",
    b"Content-Length: %d\r\n" % len(ANSWER),
    b"Content-Length: 1\r\n",
    b"content-length : 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Trailer: x\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    b"X-Folded: a\r\n b\r\n",
    b"X-Injected: a\nSet-Cookie: b\r\n",
    b"X-Injected: a\rSet-Cookie: b\r\n",
    b"X-Nul: a\0b\r\n",
    b"X-Control: a\x07b\r\n",
    b"X-Delete: \x7f\r\n",
    b"X-High: \xe4\xff\r\n",
    b"nocolon\r\n",
    b": nameless\r\n",
    b"bad name: x\r\n",
    b" leading: x\r\n",
    b"X-Empty:\r\n",
    b"X-Tab:\ta\t\r\n",
    b"Retry-After: 7\r\n",
]


@pytest.mark.parametrize("takes_whole", [True, False])
@pytest.mark.parametrize("line", HEADS, ids=repr)
@pytest.mark.parametrize("extra", [b"", b"\r\n", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], ids=repr)
def test_a_head_with_an_odd_line_is_judged_as_llhttp_judges_it(
    pool: Pool, line: bytes, extra: bytes, takes_whole: bool
) -> None:
    sent = LENGTH + line + b"\r\n" + ANSWER + extra
    for closed in (False, True):
        agree(pool, sent, (), takes_whole=takes_whole, closed=closed)
        agree(pool, sent, (len(LENGTH) + 3,), takes_whole=takes_whole, closed=closed)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(line=st.sampled_from(HEADS), cuts=CUTS, takes_whole=st.booleans(), closed=st.booleans(), rest=st.integers(0, 60))
def test_an_answer_with_its_length_is_the_same_however_it_is_cut(
    pool: Pool, line: bytes, cuts: list[int], takes_whole: bool, closed: bool, rest: int
) -> None:
    sent = LENGTH + line + b"\r\n" + ANSWER
    agree(pool, sent[: len(sent) - rest] if rest % 2 else sent, cuts, takes_whole=takes_whole, closed=closed)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=8), cuts=CUTS, rest=st.integers(0, 40))
@example(sizes=[10, 20], cuts=[*range(60, 200)], rest=0)
def test_a_chunked_answer_is_the_same_however_it_is_cut(
    pool: Pool, sizes: list[int], cuts: list[int], rest: int
) -> None:
    sent = stream(sizes, b"X-Checksum: abc\r\n" if rest % 3 == 1 else b"")
    agree(pool, sent[: len(sent) - rest] if rest % 2 else sent, cuts, takes_whole=False, closed=rest % 2 == 1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    near=st.lists(st.tuples(st.integers(0, 6), st.integers(-4, 4)), max_size=10),
)
def test_a_cut_inside_a_chunk_s_size_or_ending_changes_nothing(
    pool: Pool, sizes: list[int], near: list[tuple[int, int]]
) -> None:
    sent = stream(sizes)
    edges = [found.start() for found in re.finditer(rb"\r\n", sent)]
    cuts = [max(0, edges[(number * 3) % len(edges)] + offset) for number, offset in near]
    agree(pool, sent, cuts, takes_whole=False, closed=False)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    base=st.sampled_from([PLAIN, stream([5, 60]), stream([5], b"A: b\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN]),
    at=st.integers(0, 800),
    put=st.sampled_from(
        [b"", b"\r", b"\n", b"\0", b" ", b":", b"x", b"0", b"\r\n", b"0x", b"5_0", b"+", b"\xff", b";a=b"]
    ),
    drop=st.integers(0, 3),
    cuts=CUTS,
    takes_whole=st.booleans(),
)
def test_an_answer_with_a_byte_wrong_is_judged_the_same_however_it_is_cut(
    pool: Pool, base: bytes, at: int, put: bytes, drop: int, cuts: list[int], takes_whole: bool
) -> None:
    at %= len(base)
    agree(pool, base[:at] + put + base[at + drop :], cuts, takes_whole=takes_whole, closed=True)


@pytest.mark.parametrize("size", [b"0x5", b"5_", b"+5", b"5 ", b"5;note=1", b"00000000000000005", b"5" * 17, b"\xb25"])
def test_only_plain_sizes_take_the_short_way_through_a_chunk(pool: Pool, size: bytes) -> None:
    first = CHUNKED + b"\r\n" + chunk(b"data: 1\n\n")
    read = size + b"\r\nhello\r\n"
    wanted = Reference(first + read + b"0\r\n\r\n", closed=True)
    sink, _ = take(pool, [first, read, b"0\r\n\r\n"], takes_whole=False, closed=True)
    pool.take()
    assert (sink.verdict, sink.reframed) == (wanted.verdict, True)


def test_an_answer_that_nobody_asked_for_closes_the_connection(pool: Pool) -> None:
    sink, upstream = take(pool, [PLAIN], takes_whole=True, closed=False)
    assert sink.verdict == "whole"
    assert pool.take() is upstream
    upstream.data_received(PLAIN)
    assert not upstream.open


@pytest.mark.parametrize("line", [b"x-padding: " + b"x" * 1000 + b"\r\n", b"x" * 1000])
def test_a_head_without_end_is_broken_off(pool: Pool, line: bytes) -> None:
    sink, upstream = take(pool, [b"HTTP/1.1 200 OK\r\nx-first: ", *[line] * 400], takes_whole=True, closed=False)
    assert sink.verdict == "broken"
    assert not upstream.open


def test_interim_answers_without_end_are_broken_off(pool: Pool) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    sink, _ = take(pool, [interim * 100] * 100, takes_whole=True, closed=False)
    assert sink.verdict == "broken"
