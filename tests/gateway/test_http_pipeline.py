"""Requests that come before their turn, and bodies that wait to be asked for."""

import time
from collections.abc import Iterator

import pytest

from tests.gateway.http_rig import CHAT, Front, answers, ask, body_of, chunked, front, head, read_answer

EXPECT = "Expect: 100-continue"
LIVE = head("GET", "/livez")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("pipeline"), {"max_body_bytes": 100_000}) as served:
        yield served


def test_requests_are_answered_in_their_order_whatever_each_takes(served: Front) -> None:
    with served.connect() as http:
        http.send(
            ask(body_of("acme/slow-first-byte:0.2"))
            + LIVE
            + ask(body_of("acme/words:3"))
            + ask(body_of("nonesuch"))
            + ask(b"{")
            + head("POST", CHAT, "Transfer-Encoding: chunked")
            + chunked(body_of("acme/words:4"))
            + head("GET", "/v1/models/acme/ok")
        )
        found = [read_answer(http) for _ in range(7)]
    assert [one.status for one in found] == [200, 200, 200, 404, 400, 200, 200]
    assert found[1].json() == {"status": "ok"}
    assert found[2].json()["usage"]["completion_tokens"] == 3
    assert found[5].json()["usage"]["completion_tokens"] == 4
    assert found[6].json()["id"] == "acme/ok"


def test_a_stream_is_ended_before_the_next_answer_begins(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-chunks:0.02:10", stream=True)) + ask(body_of("acme/words:3")) + LIVE)
        stream, whole, page = (read_answer(http) for _ in range(3))
    assert stream.payloads()[-1] == "[DONE]"
    assert whole.json()["usage"]["completion_tokens"] == 3
    assert page.json() == {"status": "ok"}


@pytest.mark.parametrize("model", ["acme/words:3", "acme/slow-first-byte:0.1"])
@pytest.mark.parametrize("garbage", [b"\0\0\0\0", b"GET  / HTTP/9.9\r\n\r\n", b"}{" * 3000, ask() + b"HELO\r\n"])
def test_garbage_behind_a_request_is_refused_after_its_answer(served: Front, model: str, garbage: bytes) -> None:
    with served.connect() as http:
        http.send(ask(body_of(model)) + garbage)
        *good, bad = answers(http)
    assert {one.status for one in good} == {200}
    assert len(good) == 1 + garbage.startswith(b"POST")
    assert (bad.status, bad.error_code, bad.header("connection")) == (400, "malformed_http", "close")


def test_too_many_waiting_requests_are_refused_after_those_before_them(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:0.1")) + LIVE * 40)
        found = answers(http)
    assert [one.status for one in found] == [200] * 17 + [400]


def test_pages_are_answered_as_they_come_however_many(served: Front) -> None:
    with served.connect() as http:
        http.send(LIVE * 1000)
        assert {read_answer(http).status for _ in range(1000)} == {200}


def test_what_waits_behind_a_closing_request_is_not_answered(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:0.1"), "Connection: close") + LIVE)
        assert [(one.status, one.header("connection")) for one in answers(http)] == [(200, "close")]


def test_a_client_that_leaves_takes_its_waiting_requests_with_it(served: Front) -> None:
    before = len(served.provider.requests)
    with served.connect() as http:
        http.send(ask(body_of("acme/never-answers")) + ask(body_of("acme/words:2")))
        request = served.provider.wait_requests(before + 1)[-1]
    served.provider.wait_closed(request, timeout_s=10)
    time.sleep(0.05)
    assert len(served.provider.requests) == before + 1


def test_a_body_is_asked_for_and_then_taken(served: Front) -> None:
    body = body_of()
    for _ in range(2):
        with served.connect() as http:
            for framing, content in {
                f"Content-Length: {len(body)}": body,
                "Transfer-Encoding: chunked": chunked(body[:9], body[9:]),
            }.items():
                http.send(head("POST", CHAT, framing, EXPECT))
                assert http.head().status == 100
                http.send(content)
                assert read_answer(http).status == 200


def test_a_form_s_body_is_asked_for_too(served: Front) -> None:
    form = b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nacme/ok\r\n'
    form += b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF\r\n--B--\r\n'
    lines = ("Content-Type: multipart/form-data; boundary=B", f"Content-Length: {len(form)}", EXPECT)
    with served.connect() as http:
        http.send(head("POST", "/v1/audio/transcriptions", *lines))
        assert http.head().status == 100
        http.send(form)
        assert read_answer(http).status == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("POST", CHAT, "Content-Length: 100001", EXPECT), 413),
        (head("POST", CHAT, "Content-Length: 10", EXPECT, host="evil.example"), 403),
        (head("POST", "/v1/nonesuch", "Content-Length: 10", EXPECT), 404),
        (head("PUT", CHAT, "Transfer-Encoding: chunked", EXPECT), 405),
        (head("POST", "/v1/audio/transcriptions", "Content-Length: 10", EXPECT), 400),
    ],
)
def test_a_body_that_would_be_refused_is_not_asked_for(served: Front, request_head: bytes, status: int) -> None:
    with served.connect() as http:
        http.send(request_head)
        first = http.head()
        assert first.status == status
        assert first.header("connection") == "close"


def test_an_expectation_behind_another_request_is_met_in_its_turn(served: Front) -> None:
    body = body_of()
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:0.1")) + head("POST", CHAT, f"Content-Length: {len(body)}", EXPECT))
        assert read_answer(http).status == 200
        assert http.head().status == 100
        http.send(body)
        assert read_answer(http).status == 200


def test_an_expectation_of_http_1_0_is_ignored(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(None, EXPECT, version="1.0"))
        assert http.head().status == 200


def test_another_expectation_is_refused(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(None, "Expect: 200-maybe"))
        assert read_answer(http).status == 400


def test_a_client_that_sends_the_body_without_waiting_is_answered_too(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(None, EXPECT) + LIVE)
        assert http.head().status == 100
        assert read_answer(http).status == 200
        assert read_answer(http).status == 200
