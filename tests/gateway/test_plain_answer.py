"""An answer is taken apart without a parser only where nothing about it is in doubt."""

import pytest

from steelyard.gateway.plain_answer import whole_answer

FIRST = b"HTTP/1.1 200 OK\r\nServer: x\r\nX-Ratelimit-Limit: 5\r\n"


def test_a_plain_answer_is_taken_apart() -> None:
    for length in (2, 1, 3, 2):
        data = FIRST + b"Content-Length: %d\r\nconnection: Keep-Alive\r\nX-B: \t\x80\r\n\r\n%b" % (
            length,
            b"x" * length,
        )
        assert whole_answer(data) == (b"X-Ratelimit-Limit: 5\r\nX-B: \t\x80\r\n", b"x" * length)


def test_lines_are_known_again_however_many_there_were_in_between() -> None:
    plain = 0
    for number in range(1000):
        length = 1 + number % 300
        data = FIRST + b"X-Id: %d\r\nContent-Length: 0%d\r\n\r\n%b" % (number, length, b"y" * length)
        found = whole_answer(data)
        assert found in (None, (b"X-Ratelimit-Limit: 5\r\nX-Id: %d\r\n" % number, b"y" * length))
        plain += found is not None
    assert plain > 980  # now and then what was known is forgotten


def test_a_second_length_is_noticed_when_the_first_is_just_forgotten() -> None:
    for number in range(600):
        lengths = b"Content-Length: 2\r\nX-Id: %d\r\nContent-Length: 3\r\n" % number
        assert whole_answer(FIRST + lengths + b"\r\nxxx") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r",
        b"HTTP/1.1 200 OK\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\n\r\nx",
        FIRST + b"Content-Length: 2\r\n\r\nxxx",
        FIRST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\ncontent-length: 0\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\ncontent-length:2\r\n\r\nxx",
        FIRST + b"Content-Length: +2\r\n\r\nxx",
        FIRST + b"Content-Length: 2, 2\r\n\r\nxx",
        FIRST + b"Content-Length:\r\n\r\n",
        FIRST + b"Content-Length : 2\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\n folded\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nX: a\nb\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nX: a\rb\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nX: a\0\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nno colon\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\n: none\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nConnection: close\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nConnection: keep-alive, x\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\nxx",
        FIRST + b"Content-Length: 2\r\nHTTP/1.1 200 OK\r\n\r\nxx",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 O\nK\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nxx",
    ],
)
def test_whatever_is_in_doubt_is_left_to_the_parser(data: bytes) -> None:
    for _ in range(2):
        assert whole_answer(data) is None
