"""Any bytes on a client's connection: the gateway answers or closes, complains of nothing, and goes on."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.rig import Fuzzed, fuzzed, fuzzing, mutations, pieces
from tests.gateway.http_rig import CHAT, ask, body_of, chunked, head
from tests.support import TornError

LEAVE = head("GET", "/livez", "Connection: close")
"""Asked last, so that the gateway closes when it has read what came before as it was meant."""

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nchat\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--B--\r\n'
)
MESSAGE = b'{"model":"messages","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
GEMINI = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}'
REQUESTS = (
    ask(body_of("chat")),
    ask(body_of("chat", stream=True)),
    ask(body_of("chat")) + ask(body_of("messages", stream=True)),
    head("POST", CHAT, "Transfer-Encoding: chunked")
    + chunked(body_of("chat")[:9], body_of("chat")[9:], trailers=b"X: 1\r\n"),
    ask(MESSAGE, "Anthropic-Version: 2023-06-01", path="/v1/messages"),
    ask(b'{"model":"responses","input":"Hi"}', path="/v1/responses"),
    ask(GEMINI, path="/v1beta/models/google:generateContent"),
    ask(GEMINI, path="/v1beta/models/google:streamGenerateContent?alt=sse"),
    ask(FORM, "Content-Type: multipart/form-data; boundary=B", path="/v1/audio/transcriptions"),
    ask(body_of("chat"), "Expect: 100-continue"),
    ask(body_of("chat"), "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    head("GET", "/v1/models") + head("OPTIONS", CHAT),
    head("DELETE", "/v1/responses/resp_1"),
)
TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"/", b"?", b"%", b"%00", b"\xff", b"\xc3\x28"),
    *(b"Content-Length: 3\r\n", b"Content-Length: -1\r\n", b"Content-Length: 18446744073709551616\r\n", b"0\r\n\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"ffffffffffffffff\r\n",
        b"5;a=b\r\nhello\r\n",
    ),
    *(b"HTTP/1.0", b"HTTP/1.1", b"HTTP/9.9", b"Host: a\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n"),
    *(b"GET ", b"POST ", b"CONNECT a:1 ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"x" * 40_000, b"a: b\r\n" * 2000),
    *(b'{"', b"}", b'"model":', b'"stream":true', b"--B\r\n", b"--B--", b'"\\ud800"', b"[" * 5000),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with fuzzed(tmp_path_factory.mktemp("http")) as served:
        yield served


@fuzzing
@given(st.data())
def test_whatever_a_client_sends_it_is_answered_or_closed(served: Fuzzed, data: st.DataObject) -> None:
    sent = data.draw(mutations(data.draw(st.sampled_from(REQUESTS)), TOKENS))
    with served.gateway.connect(0.06) as http:  # a request that never ends is waited for by the gateway, not here
        try:
            for piece in data.draw(pieces(sent + LEAVE)):
                http.send(piece)
            while True:
                assert http.response().status < 500
        except (TornError, BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    assert served.gateway.ready_status() == 200
    assert served.gateway.stderr.count("\n") == 1, served.gateway.stderr
