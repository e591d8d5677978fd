"""Every way in which the fake provider misbehaves can be seen on the wire."""

import email.utils
import gzip
import json
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.fake import BEHAVIOURS, TEXT, FakeProvider, FakeProxy, self_signed
from tests.support import RawHTTP, Response, TornError

SAYING = " ".join(TEXT)


def ask(provider: FakeProvider, model: str, **fields: Any) -> Response:
    with RawHTTP(provider.base_url) as http:
        return http.chat(model, **fields)


def said(response: Response) -> str:
    chunks = [json.loads(payload) for payload in response.payloads() if payload != "[DONE]"]
    return "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])


LEGAL_STREAMS = [
    "ok",
    f"slow-chunks:0.001:{len(TEXT)}",
    "slow-body:0.01",
    "slow-first-byte:0.01",
    "joined-events",
    "joined-start:0.01",
    "ping-comments",
    "crlf-events",
    "cr-events",
    "multi-line-events",
    "no-space-events",
    "chunked-trailers",
    "close-delimited",
    "100-continue",
    "unknown-fields",
    "azure-filter-first",
    "stream-for-json",
    "stale-keepalive",
]


@pytest.mark.parametrize("model", LEGAL_STREAMS)
def test_legal_streams_say_the_same_in_their_own_ways(provider: FakeProvider, model: str) -> None:
    response = ask(provider, model, stream=True)
    assert said(response) == SAYING
    assert response.payloads()[-1] == "[DONE]"


@pytest.mark.parametrize("model", ["chunked-json", "chunked-trailers", "close-delimited", "slow-chunks:0.001", "ok"])
def test_legal_bodies_say_the_same_in_their_own_ways(provider: FakeProvider, model: str) -> None:
    assert ask(provider, model).json()["choices"][0]["message"]["content"] == SAYING


def test_bytes_come_one_at_a_time(provider: FakeProvider) -> None:
    assert said(ask(provider, "byte-at-a-time", stream=True)) == " ".join(TEXT[:3])


def test_events_may_be_cut_anywhere_even_inside_a_character(provider: FakeProvider) -> None:
    assert said(ask(provider, "split-events:1", stream=True)) == "Grüße aus Köln 😀"


def test_gzip_is_sent_unasked(provider: FakeProvider) -> None:
    response = ask(provider, "gzip")
    assert response.header("content-encoding") == "gzip"
    assert json.loads(gzip.decompress(response.body))["choices"]
    packed = ask(provider, "gzip-stream", stream=True)
    assert zlib.decompress(packed.body, wbits=31).endswith(b"data: [DONE]\n\n")


def test_the_echo_returns_the_request_as_it_arrived(provider: FakeProvider) -> None:
    content = ask(provider, "echo", temperature=0.5).json()["choices"][0]["message"]["content"]
    assert json.loads(content)["temperature"] == 0.5


def test_a_huge_event_is_as_long_as_asked(provider: FakeProvider) -> None:
    assert max(len(payload) for payload in ask(provider, "huge-event:300000", stream=True).payloads()) > 300_000


@pytest.mark.parametrize("where", ["in-headers", "before-headers"])
@pytest.mark.parametrize("way", ["", ":rst"])
def test_a_cut_before_the_end_of_the_headers_leaves_no_answer(provider: FakeProvider, where: str, way: str) -> None:
    with pytest.raises(TornError) as torn:
        ask(provider, f"cut:{where}{way}")
    assert b"\r\n\r\n" not in torn.value.received


@pytest.mark.parametrize("way", ["", ":rst"])
@pytest.mark.parametrize(
    ("where", "events"), [("after-headers", 0), ("mid-stream:3", 3), ("mid-event:2", 2), ("mid-stream:0", 0)]
)
def test_a_cut_stream_ends_without_its_last_chunk(provider: FakeProvider, where: str, events: int, way: str) -> None:
    with RawHTTP(provider.base_url) as http:
        http.begin_chat(f"cut:{where}{way}", stream=True)
        payloads = http.payloads(http.head())
        for _ in range(events):
            assert json.loads(next(payloads))["object"] == "chat.completion.chunk"
        with pytest.raises(TornError):
            next(payloads)
    assert provider.requests[0].connection.closed_by == "server"


def test_a_cut_body_is_shorter_than_its_length(provider: FakeProvider) -> None:
    with pytest.raises(TornError):
        ask(provider, "cut:mid-body")


@pytest.mark.parametrize(("model", "last"), [("no-done", None), ("finish-no-done", "stop")])
def test_a_stream_may_end_cleanly_without_its_end(provider: FakeProvider, model: str, last: str | None) -> None:
    payloads = ask(provider, model, stream=True).payloads()
    assert "[DONE]" not in payloads
    assert json.loads(payloads[-1])["choices"][0]["finish_reason"] == last


def test_an_error_event_comes_after_the_events_asked_for(provider: FakeProvider) -> None:
    payloads = ask(provider, "error-event:2", stream=True).payloads()
    assert len(payloads) == 3
    assert json.loads(payloads[2])["error"]["type"] == "server_error"


@pytest.mark.parametrize("code", [400, 401, 403, 429, 500, 503])
def test_statuses_have_openai_s_error_bodies(provider: FakeProvider, code: int) -> None:
    response = ask(provider, f"status:{code}:retry-after=2")
    assert response.status == code
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.header("retry-after") == "2"


def test_retry_after_may_be_a_date(provider: FakeProvider) -> None:
    value = ask(provider, "status:429:retry-after-date=3").header("retry-after")
    assert value is not None
    assert 2 <= email.utils.parsedate_to_datetime(value).timestamp() - time.time() <= 4


def test_it_fails_a_number_of_times_and_then_answers(provider: FakeProvider) -> None:
    assert [ask(provider, "fail-times:2:503").status for _ in range(3)] == [503, 503, 200]
    assert ask(provider, "fail-times:1").status == 500


@pytest.mark.parametrize(
    ("model", "status", "start"),
    [("html-200", 200, b"<html>"), ("html-502", 502, b"<html>"), ("empty-200", 200, b""), ("json-list", 200, b"[")],
)
def test_nonsense_has_the_status_of_an_answer(provider: FakeProvider, model: str, status: int, start: bytes) -> None:
    response = ask(provider, model)
    assert response.status == status
    assert response.body.startswith(start)


def test_bad_json_stops_in_the_middle(provider: FakeProvider) -> None:
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        ask(provider, "bad-json").json()


@pytest.mark.parametrize(
    "name", ["bad-status-line", "bad-header", "length-and-chunks", "bad-chunk", "header-injection"]
)
def test_answers_that_are_no_http_are_refused_by_a_strict_reader(provider: FakeProvider, name: str) -> None:
    with pytest.raises(AssertionError):
        ask(provider, name)


def test_silence_lasts_until_the_client_leaves_and_the_time_of_that_is_known(provider: FakeProvider) -> None:
    http = RawHTTP(provider.base_url)
    http.begin_chat("never-answers")
    (request,) = provider.wait_requests()
    assert provider.open_connections == 1
    left_at = time.monotonic()
    http.close()
    assert 0 <= provider.wait_closed(request) - left_at < 0.5
    assert request.connection.closed_by == "peer"
    assert provider.open_connections == 0


def test_a_stalled_stream_gave_what_it_promised_first(provider: FakeProvider) -> None:
    with RawHTTP(provider.base_url) as http:
        http.begin_chat("stalls:2", stream=True)
        payloads = http.payloads(http.head())
        assert [json.loads(next(payloads))["object"] for _ in range(2)] == ["chat.completion.chunk"] * 2
    provider.wait(lambda: provider.requests[0].events_sent == 2, "the count of both events")


def test_a_flood_waits_for_a_slow_reader(provider: FakeProvider) -> None:
    with RawHTTP(provider.base_url) as http:
        http.begin_chat("flood:50000000", stream=True)
        http.head()
        (request,) = provider.wait_requests()
        provider.wait(lambda: request.sent_bytes > 100_000, "the flood")
        before = -1
        while before != request.sent_bytes:
            before = request.sent_bytes
            time.sleep(0.05)
        assert before < 30_000_000


def test_a_stale_connection_closes_after_its_answer_or_with_the_next_request(provider: FakeProvider) -> None:
    with RawHTTP(provider.base_url) as http:
        assert http.chat("stale-keepalive").status == 200
        assert http.closed()
    with RawHTTP(provider.base_url) as http:
        assert http.chat("stale-keepalive:next").status == 200
        http.begin_chat("ok")
        with pytest.raises(TornError):
            http.head()


def test_connections_are_kept_and_requests_are_remembered(provider: FakeProvider) -> None:
    with RawHTTP(provider.base_url) as http:
        for _ in range(3):
            http.request("POST", "/v1/chat/completions", headers={"X-Custom": "7"}, model="ok", messages=[])
    assert len(provider.connections) == 1
    assert [request.header("x-custom") for request in provider.requests] == ["7"] * 3
    assert provider.requests[0].headers[1] == ("X-Custom", "7")


def test_a_request_that_is_no_clean_http_is_noted() -> None:
    with FakeProvider() as provider, RawHTTP(provider.base_url) as http:
        http.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n")
        assert http.response().status == 400
        assert provider.malformed == ["header line b'Bad Header: 1'"]


def test_another_key_is_refused() -> None:
    with FakeProvider(api_key="right") as provider, RawHTTP(provider.base_url) as http:
        assert http.chat("ok", key="wrong").error_code == "invalid_api_key"
        assert http.chat("ok", key="right").status == 200


def test_a_provider_that_stopped_answers_again_at_the_same_address() -> None:
    provider = FakeProvider()
    for _ in range(2):
        with provider:
            assert ask(provider, "ok").status == 200
            address = provider.base_url
        with pytest.raises(ConnectionRefusedError):
            ask(provider, "ok")
    assert provider.base_url == address


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with FakeProvider(body_limit=1000) as provider, RawHTTP(provider.base_url) as http:
        http.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n{")
        assert http.response().status == 413


def test_every_behaviour_promises_something_under_its_own_name() -> None:
    for name, entry in BEHAVIOURS.items():
        assert entry.promise.startswith(name), entry.promise


@pytest.fixture
def _proxies_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let urllib use a proxy for this machine, whatever the environment says."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.usefixtures("_proxies_for_loopback")
def test_tls_is_served_with_a_certificate_made_for_the_test(tmp_path: Path) -> None:
    import ssl
    import urllib.request

    certificate, key = self_signed(tmp_path)
    trust = ssl.create_default_context(cafile=certificate)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    with FakeProvider(certificate=(certificate, key)) as provider:
        with direct.open(f"{provider.base_url}/models", timeout=10) as answer:
            assert json.load(answer)["object"] == "list"
        with FakeProxy() as proxy:
            through = urllib.request.build_opener(
                urllib.request.ProxyHandler({"https": proxy.url}), urllib.request.HTTPSHandler(context=trust)
            )
            with through.open(f"{provider.base_url}/models", timeout=10) as answer:
                assert json.load(answer)["object"] == "list"
            assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", f"localhost:{provider.port}")]
            assert proxy.bytes_down > 1000


@pytest.mark.usefixtures("_proxies_for_loopback")
def test_plain_requests_go_through_the_proxy_in_absolute_form(provider: FakeProvider) -> None:
    import urllib.error
    import urllib.request

    with FakeProxy(credentials="me:secret") as proxy:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url}))
        with opener.open(f"{provider.base_url}/models", timeout=10) as answer:
            assert json.load(answer)["object"] == "list"
        assert proxy.requests[0].target == f"{provider.base_url}/models"
        wrong = urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{proxy.port}"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.build_opener(wrong).open(f"{provider.base_url}/models", timeout=10)
        refused.value.close()
        assert refused.value.code == 407
    assert provider.requests[0].header("proxy-authorization") is None
