"""Which bytes are a request: RFC 9112 by the letter, and nothing that two readers could read in two ways."""

from collections.abc import Iterator

import pytest

from tests.gateway.http_rig import CHAT, Front, answers, ask, body_of, chunked, essence, front, head, read_answer

BODY = body_of()
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKS = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("framing")) as served:
        yield served


def raw(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


MALFORMED = {
    "content-length and transfer-encoding": head("POST", CHAT, LENGTH, CHUNKS) + chunked(BODY),
    "transfer-encoding and content-length": head("POST", CHAT, CHUNKS, LENGTH) + chunked(BODY),
    "two different lengths": head("POST", CHAT, LENGTH, "Content-Length: 3") + BODY,
    "the same length twice": head("POST", CHAT, LENGTH, LENGTH) + BODY,
    "a list of lengths": head("POST", CHAT, f"Content-Length: {len(BODY)}, {len(BODY)}") + BODY,
    "a length with a sign": head("POST", CHAT, f"Content-Length: +{len(BODY)}") + BODY,
    "a negative length": head("POST", CHAT, "Content-Length: -1") + BODY,
    "a length in hexadecimal": head("POST", CHAT, "Content-Length: 0x10") + BODY,
    "a length with underscores": head("POST", CHAT, "Content-Length: 1_0") + BODY,
    "an empty length": head("POST", CHAT, "Content-Length: ") + BODY,
    "a length beyond 64 bits": head("POST", CHAT, "Content-Length: 99999999999999999999999") + BODY,
    "chunked twice": head("POST", CHAT, CHUNKS, CHUNKS) + chunked(BODY),
    "an unknown coding before chunked": head("POST", CHAT, "Transfer-Encoding: gzip, chunked") + chunked(BODY),
    "an unknown coding after chunked": head("POST", CHAT, "Transfer-Encoding: chunked, gzip") + chunked(BODY),
    "identity": head("POST", CHAT, "Transfer-Encoding: identity") + chunked(BODY),
    "a coding with a vertical tab": head("POST", CHAT, "Transfer-Encoding: \x0bchunked") + chunked(BODY),
    "chunked in HTTP/1.0": head("POST", CHAT, CHUNKS, version="1.0") + chunked(BODY),
    "a bare LF after the request line": b"GET /livez HTTP/1.1\nHost: localhost\r\n\r\n",
    "a bare LF after a field": b"GET /livez HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "a bare LF at the end": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\n",
    "a bare CR in a field": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n",
    "a folded line": raw("GET /livez HTTP/1.1", "Host: localhost", "X: a", " b"),
    "a space before the first field": raw("GET /livez HTTP/1.1", " Host: localhost"),
    "a space before the colon": raw("GET /livez HTTP/1.1", "Host: localhost", "Content-Length : 0"),
    "a field without a colon": raw("GET /livez HTTP/1.1", "Host: localhost", "Nonsense"),
    "a field without a name": raw("GET /livez HTTP/1.1", "Host: localhost", ": x"),
    "a NUL in a field": raw("GET /livez HTTP/1.1", "Host: localhost", "X: a\0b"),
    "a NUL in a name": raw("GET /livez HTTP/1.1", "Host: localhost", "X\0: a"),
    "a NUL in the target": raw("GET /liv\0ez HTTP/1.1", "Host: localhost"),
    "a space in the target": raw("GET /livez now HTTP/1.1", "Host: localhost"),
    "no Host": raw("GET /livez HTTP/1.1"),
    "two Hosts": raw("GET /livez HTTP/1.1", "Host: localhost", "Host: localhost"),
    "a Host with a path": raw("GET /livez HTTP/1.1", "Host: localhost/x"),
    "a Host with a user": raw("GET /livez HTTP/1.1", "Host: a@localhost"),
    "a Host of two words": raw("GET /livez HTTP/1.1", "Host: local host"),
    "a Host with half a bracket": raw("GET /livez HTTP/1.1", "Host: [::1"),
    "two Authorizations": raw("GET /v1/models HTTP/1.1", "Host: localhost", "Authorization: a", "Authorization: b"),
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/2 with its preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "HTTP/3.0": head("GET", "/livez", version="3.0"),
    "HTTP/1.2": head("GET", "/livez", version="1.2"),
    "a version that is none": head("GET", "/livez", version="one"),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(64),
    "a method in lower case": head("get", "/livez"),
    "an unknown method": head("BREW", "/livez"),
    "a length in a trailer": head("POST", CHAT, CHUNKS) + chunked(BODY, trailers=b"Content-Length: 7\r\n"),
    "a chunk size that is no number": head("POST", CHAT, CHUNKS) + b"xyz\r\n" + BODY,
    "a chunk size with a sign": head("POST", CHAT, CHUNKS) + b"+5\r\nhello\r\n0\r\n\r\n",
    "a chunk size in C's way": head("POST", CHAT, CHUNKS) + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": head("POST", CHAT, CHUNKS) + b"11111111111111111\r\n" + BODY,
    "a chunk longer than it says": head("POST", CHAT, CHUNKS) + b"2\r\nhello\r\n0\r\n\r\n",
    "a bare LF after a chunk's size": head("POST", CHAT, CHUNKS) + b"5\nhello\r\n0\r\n\r\n",
    "a bare LF after a chunk": head("POST", CHAT, CHUNKS) + b"5\r\nhello\n0\r\n\r\n",
    "a bare CR after a chunk's size": head("POST", CHAT, CHUNKS) + b"5\rhello\r\n0\r\n\r\n",
    "a bare LF in a chunk's extension": head("POST", CHAT, CHUNKS) + b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a space after a chunk's size": head("POST", CHAT, CHUNKS) + b"5 \r\nhello\r\n0\r\n\r\n",
}

WELL_FRAMED = (
    *("two Hosts", "no Host", "two Authorizations", "a Host with a path", "a Host with a user", "a Host of two words"),
    "a Host with half a bracket",
)
"""Refused for what they say, but where they end is plain: another request may follow."""


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_http_is_refused_and_smuggles_nothing(served: Front, name: str) -> None:
    before = len(served.provider.requests)
    # Were the first request's end misread, the second would be answered, or its path would show in an answer.
    smuggled = ask(body_of("acme/smuggled"))
    with served.connect() as http:
        http.send(MALFORMED[name] + smuggled)
        bad = read_answer(http)
        assert 400 <= bad.status < 500
        if name in WELL_FRAMED:
            assert read_answer(http).status == 404
        else:
            assert bad.header("connection") == "close"
            assert answers(http) == []
            assert len(served.provider.requests) == before


def test_a_refusal_says_what_is_wrong(served: Front) -> None:
    with served.connect() as http:
        http.send(MALFORMED["a space before the colon"])
        answer = read_answer(http)
    assert answer.error_code == "malformed_http"
    assert "RFC 9112" in answer.json()["error"]["message"]


WELL_FORMED = {
    "chunks": head("POST", CHAT, CHUNKS) + chunked(BODY),
    "chunks of a byte": head("POST", CHAT, CHUNKS) + chunked(*(BODY[i : i + 1] for i in range(len(BODY)))),
    "chunks with extensions": head("POST", CHAT, CHUNKS) + chunked(BODY[:9], BODY[9:], extension=b';a="b;c";d'),
    "chunks with trailers": head("POST", CHAT, CHUNKS)
    + chunked(BODY, trailers=b"X-Sum: 1\r\nHost: evil\r\nAuthorization: evil\r\n"),
    "a chunk size with zeros": head("POST", CHAT, CHUNKS) + b"000%x\r\n%b\r\n000\r\n\r\n" % (len(BODY), BODY),
    "upper-case coding": head("POST", CHAT, "TRANSFER-ENCODING: Chunked") + chunked(BODY),
    "a length with zeros": head("POST", CHAT, f"Content-Length: 000{len(BODY)}") + BODY,
    "a length with blanks around it": head("POST", CHAT, f"Content-Length: \t {len(BODY)} \t") + BODY,
    "an empty line before the request": b"\r\n" + ask(),
    "absolute form": ask(path=f"http://localhost{CHAT}"),
    "absolute form of https": ask(path=f"https://localhost:443{CHAT}"),
    "a query": ask(path=f"{CHAT}?api-version=2024-10-21&u=http://x/"),
    "without /v1": ask(path="/chat/completions"),
    "a field of Latin-1": ask(None, "X-Name: Gr\xfc\xdfe"),
    "a field that comes twice": ask(None, "X-Name: a", "X-Name: b", "Accept: a", "Accept: b"),
    "Upgrade without Connection": ask(None, "Upgrade: websocket"),
    "a Host of IPv6": ask().replace(b"Host: localhost", b"Host: [::1]:8080"),
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_what_is_http_is_answered_and_the_next_request_too(served: Front, name: str) -> None:
    with served.connect() as http:
        http.send(WELL_FORMED[name])
        assert read_answer(http).status == 200
        http.send(WELL_FORMED[name] + head("GET", "/livez"))
        assert read_answer(http).status == 200
        assert read_answer(http).body == b'{"status":"ok"}'
    request = served.provider.requests[-1]
    assert request.json() == {"model": "ok", "messages": [{"role": "user", "content": "Hi"}]}
    assert request.header("host") == served.provider.base_url.split("/")[2]
    assert request.header("x-sum") is None


def test_http_1_0_is_answered_and_closed(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(version="1.0"))
        found = answers(http)
    assert [(one.status, one.header("connection")) for one in found] == [(200, "close")]
    assert found[0].header("content-length") == str(len(found[0].body))


def test_http_1_0_needs_no_host(served: Front) -> None:
    with served.connect() as http:
        http.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert [one.status for one in answers(http)] == [200]


def test_http_1_0_is_kept_alive_where_it_asks_and_never_gets_chunks(served: Front) -> None:
    keep = "Connection: keep-alive"
    with served.connect() as http:
        for _ in range(3):
            http.send(ask(None, keep, version="1.0"))
            answer = read_answer(http)
            assert (answer.status, answer.header("connection")) == (200, None)
        # The head is known by now; its stream must still be without chunks, and end with the connection.
        http.send(ask(body_of(stream=True), keep, version="1.0"))
        answer = read_answer(http)
        assert (answer.header("transfer-encoding"), answer.header("connection")) == (None, "close")
        assert answer.payloads()[-1] == "[DONE]"
        assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_stream_to_http_1_0_has_no_chunks(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of(stream=True), version="1.0"))
        old = read_answer(http)
    with served.connect() as http:
        http.send(ask(body_of(stream=True)))
        new = read_answer(http)
    assert old.header("transfer-encoding") is None
    assert new.header("transfer-encoding") == "chunked"
    assert old.body == new.body


def test_connection_close_is_heeded(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(None, "Connection: close"))
        found = answers(http)
    assert [(one.status, one.header("connection")) for one in found] == [(200, "close")]


H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)


@pytest.mark.parametrize("lines", [H2C, ("Connection: upgrade", "Upgrade: websocket")])
@pytest.mark.parametrize("apart", [True, False])
def test_an_upgrade_is_ignored_and_the_request_answered(served: Front, lines: tuple[str, ...], apart: bool) -> None:
    whole = {
        "with a length": ask(None, *lines),
        "in chunks": head("POST", CHAT, *lines, CHUNKS) + chunked(BODY[:7], BODY[7:]),
        "large": ask(body_of(pad="x" * 300_000), *lines),
        "bare": head("GET", "/v1/models/acme/ok", *lines),
    }
    for name, request in whole.items():
        with served.connect() as http:
            if apart:
                http.send(request[: request.find(b"\r\n\r\n") + 4])
                assert served.gateway.ready_status() == 200
                http.send(request[request.find(b"\r\n\r\n") + 4 :] + head("GET", "/livez"))
            else:
                http.send(request)
            found = answers(http)
        assert [(one.status, one.header("connection")) for one in found] == [(200, "close")], name


def test_connect_is_refused_once(served: Front) -> None:
    with served.connect() as http:
        http.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n" + head("GET", "/livez"))
        found = answers(http)
    assert [(one.status, one.error_code) for one in found] == [(405, "method_not_allowed")]
    assert found[0].header("allow")


def test_head_is_answered_without_a_body_even_in_error(served: Front) -> None:
    with served.connect() as http:
        for path, status in {
            "/livez": 200,
            "/v1/models": 200,
            CHAT: 405,
            "/nonesuch": 404,
            "/v1/models/no": 404,
        }.items():
            http.send(head("HEAD", path))
            bare = read_answer(http, "HEAD")
            http.send(head("GET", path))
            full = read_answer(http)
            assert (bare.status, full.status) == (status, status)
            assert essence(bare)[1] == essence(full)[1]
            assert full.body


def test_body_of_a_get_is_read_and_ignored(served: Front) -> None:
    with served.connect() as http:
        http.send(
            head("GET", "/livez", "Content-Length: 30") + b"GET /v1/models HTTP/1.1\r\n\r\nxyz" + head("GET", "/readyz")
        )
        assert [read_answer(http).status for _ in range(2)] == [200, 200]
