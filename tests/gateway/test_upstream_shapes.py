"""What a provider may legally send, in every shape: it reaches the client as it was, and its usage the record."""

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import clean_provider
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import ANSWER, Reply, ScriptedUpstream, exchange_of, fronted
from tests.support import GatewayUnderTest, RawHTTP

PRICE = {"input_usd_per_mtok": "2.00", "cached_input_usd_per_mtok": "0.50", "output_usd_per_mtok": "8.00"}
WHOLE = (
    "ok",
    "gzip",
    "gzip-stream",
    "chunked-json",
    "chunked-trailers",
    "close-delimited",
    "http10",
    "100-continue",
    "byte-at-a-time",
    "unknown-fields",
    "not-utf8",
    "big-body:3000000",
    "slow-chunks:0.01",
    "tool-call",
    "reasoning:50",
    "cached:100",
)
STREAMS = (
    "ok",
    "gzip",
    "gzip-stream",
    "chunked-trailers",
    "close-delimited",
    "http10",
    "100-continue",
    "byte-at-a-time",
    "split-events:1",
    "split-events:7",
    "joined-events",
    "huge-event:3000000",
    "ping-comments",
    "crlf-events",
    "cr-events",
    "no-space-events",
    "multi-line-events",
    "unknown-fields",
    "not-utf8",
    "bad-json",
    "wrong-type",
    "azure-filter-first",
    "slow-chunks:0.01:10",
    "tool-call",
)


provider = pytest.fixture(scope="module")(clean_provider)


@pytest.fixture(scope="module")
def served(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    at = provider.base_url
    providers: dict[str, Any] = {
        "acme": at,
        "silent": {"base_url": at, "stream_usage": "never"},
        "telling": {"base_url": at, "stream_usage": "always"},
    }
    priced = [f"acme/{model}" for model in ("ok", "no-usage", "usage-in-last-choice", "cached:100")]
    facts = {name: {"price": PRICE} for name in priced}
    with fronted(tmp_path_factory.mktemp("shapes"), providers, deployments=facts) as gateway:
        yield gateway


def asked_directly(provider: FakeProvider, model: str, **fields: Any) -> bytes:
    """Return the body that the provider itself sends."""
    with RawHTTP(provider.base_url) as http:
        if model == "http10":  # which the strict client does not read
            return http.chat("ok", **fields).body.replace(b'"model":"ok-', b'"model":"http10-')
        return http.chat(model, **fields).body


def events(body: bytes) -> list[bytes]:
    """Return a stream's events without comments and empty lines: what a client understands of it."""
    lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]


@pytest.mark.parametrize("model", WHOLE)
def test_a_whole_answer_comes_through_byte_for_byte(
    served: GatewayUnderTest, provider: FakeProvider, model: str
) -> None:
    straight = asked_directly(provider, model)
    with served.connect() as http:
        answer = http.chat(f"acme/{model}")
        assert http.request("GET", "/livez").status == 200
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    wanted = gzip.decompress(straight) if straight[:2] == b"\x1f\x8b" else straight
    assert answer.body == wanted
    assert (answer.header("content-encoding"), answer.header("x-checksum")) == (None, None)
    exchange = exchange_of(served, answer)
    assert (exchange.outcome, exchange.response_bytes) == ("ok", len(wanted))
    if model != "not-utf8":
        told = json.loads(wanted)
        assert exchange.finish_reason == told["choices"][0]["finish_reason"]
        assert exchange.model_reported == told["model"]
        assert exchange.usage is not None
        assert exchange.usage_raw is not None
        assert json.loads(exchange.usage_raw) == told["usage"]
        assert exchange.usage.input == told["usage"]["prompt_tokens"]
        assert exchange.usage.output == told["usage"]["completion_tokens"]
        assert exchange.usage.cached == told["usage"]["prompt_tokens_details"]["cached_tokens"]
        assert exchange.usage.reasoning == told["usage"]["completion_tokens_details"]["reasoning_tokens"]
        assert not exchange.usage.estimated


@pytest.mark.parametrize("model", STREAMS)
def test_a_stream_comes_through_event_for_event(served: GatewayUnderTest, provider: FakeProvider, model: str) -> None:
    straight = asked_directly(provider, model, stream=True)
    with served.connect() as http:
        answer = http.chat(f"acme/{model}", stream=True)
        assert http.request("GET", "/livez").status == 200
    assert answer.status == 200
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"
    plain = gzip.decompress(straight) if straight[:2] == b"\x1f\x8b" else straight
    assert events(answer.body) == events(plain)
    assert answer.body.count(b"[DONE]") == 1
    exchange = exchange_of(served, answer)
    assert exchange.outcome == "ok"
    assert exchange.response_bytes == len(answer.body)
    assert exchange.usage is not None
    assert not exchange.usage.estimated, "usage was asked for on the client's behalf"


def test_usage_that_the_client_asks_for_is_kept(served: GatewayUnderTest, provider: FakeProvider) -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    with served.connect() as http:
        answer = http.chat("acme/ok", stream=True, stream_options=options)
    assert provider.requests[-1].json()["stream_options"] == options
    *chunks, last = [json.loads(payload) for payload in answer.payloads()[:-1]]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)


def test_usage_is_asked_of_the_provider_and_hidden_from_the_client(
    served: GatewayUnderTest, provider: FakeProvider
) -> None:
    with served.connect() as http:
        answer = http.chat("acme/ok", stream=True, stream_options={"include_obfuscation": False})
    assert provider.requests[-1].json()["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert b'"usage"' not in answer.body
    exchange = exchange_of(served, answer)
    assert exchange.usage is not None
    cost = (Decimal(2) * (exchange.usage.input or 0) + Decimal(8) * (exchange.usage.output or 0)) / 1_000_000
    assert exchange.cost_usd is not None
    assert Decimal(exchange.cost_usd) == cost
    assert "E" not in exchange.cost_usd
    assert exchange.price_source == "steelyard.toml"
    assert answer.header("x-steelyard-cost-usd") is None


@pytest.mark.parametrize("name", ["silent", "telling"])
def test_usage_is_not_asked_of_providers_that_refuse_the_question(
    served: GatewayUnderTest, provider: FakeProvider, name: str
) -> None:
    with served.connect() as http:
        answer = http.chat(f"{name}/usage-always", stream=True)
    assert "stream_options" not in provider.requests[-1].json()
    assert b'"usage"' not in answer.body, "what the client did not ask for stays hidden"
    exchange = exchange_of(served, answer)
    assert exchange.usage is not None
    assert not exchange.usage.estimated


@pytest.mark.parametrize("name", ["silent", "telling"])
def test_a_client_s_question_for_usage_does_not_reach_providers_that_refuse_it(
    served: GatewayUnderTest, provider: FakeProvider, name: str
) -> None:
    with served.connect() as http:
        answer = http.chat(f"{name}/usage-always", stream=True, stream_options={"include_usage": True})
    assert "stream_options" not in provider.requests[-1].json()
    assert b'"usage"' in answer.body, "it was asked for, and the provider tells it unasked"


@pytest.mark.parametrize("model", ["usage-in-last-choice", "usage-every-chunk"])
def test_usage_beside_choices_is_read_and_taken_out(
    served: GatewayUnderTest, provider: FakeProvider, model: str
) -> None:
    with RawHTTP(provider.base_url) as http:
        straight = [json.loads(payload) for payload in http.chat(model, stream=True).payloads()[:-1]]
    with served.connect() as http:
        answer = http.chat(f"acme/{model}", stream=True)
    assert b'"usage"' not in answer.body
    usage = [chunk.pop("usage") for chunk in straight if "usage" in chunk][-1]
    assert [json.loads(payload) for payload in answer.payloads()[:-1]] == straight
    exchange = exchange_of(served, answer)
    assert exchange.usage is not None
    assert (exchange.usage.input, exchange.usage.output) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert exchange.finish_reason == "stop"


def test_a_provider_without_usage_has_it_estimated_and_marked(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        answer = http.chat("acme/no-usage", stream=True)
    exchange = exchange_of(served, answer)
    assert exchange.usage is not None
    assert exchange.usage.estimated
    assert exchange.usage.output == len(answer.payloads()) - 1
    assert exchange.usage.input == exchange.request_bytes // 4
    assert exchange.cost_usd is not None
    wanted = (Decimal(2) * exchange.usage.input + Decimal(8) * exchange.usage.output) / 1_000_000
    assert Decimal(exchange.cost_usd) == wanted


def test_a_whole_answer_s_cost_is_told_and_cached_tokens_cost_less(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        answer = http.chat("acme/cached:100")
    exchange = exchange_of(served, answer)
    usage = answer.json()["usage"]
    cost = Decimal("0.0000005") * 100 + Decimal("0.000002") * (usage["prompt_tokens"] - 100)
    cost += Decimal("0.000008") * usage["completion_tokens"]
    assert answer.header("x-steelyard-cost-usd") == exchange.cost_usd
    assert Decimal(exchange.cost_usd or "-1") == cost


def test_an_unknown_price_leaves_the_cost_unknown(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        answer = http.chat("acme/words:3")
    assert answer.header("x-steelyard-cost-usd") is None
    exchange = exchange_of(served, answer)
    assert (exchange.cost_usd, exchange.price_source) == (None, None)


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def framed(content: bytes, kind: bytes, fields: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n" % (kind, fields, len(content))
    return head + content


MOONSHOT = sse(
    {"id": "1", "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]},
    {
        "id": "1",
        "choices": [
            {
                "index": 0,
                "delta": {},
                "finish_reason": "stop",
                "usage": {"prompt_tokens": 19, "completion_tokens": 13, "total_tokens": 32},
            }
        ],
    },
)


def test_usage_inside_a_choice_is_read(served: GatewayUnderTest, tmp_path_factory: pytest.TempPathFactory) -> None:
    upstream = ScriptedUpstream(lambda _: Reply((framed(MOONSHOT, b"text/event-stream"),)))
    with upstream, fronted(tmp_path_factory.mktemp("moonshot"), {"acme": upstream.base_url}) as gateway:
        with gateway.connect() as http:
            answer = http.chat("acme/kimi", stream=True)
        assert answer.body == MOONSHOT
        usage = exchange_of(gateway, answer).usage
        assert usage is not None
        assert (usage.input, usage.output, usage.estimated) == (19, 13, False)


ODD = [
    framed(ANSWER, b"Application/JSON; charset=UTF-8"),
    framed(gzip.compress(ANSWER), b"application/json", b"Content-Encoding: GZip\r\n"),
    framed(ANSWER, b"application/json", b"content-encoding: identity\r\n"),
    b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER,
    b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER,
]


@pytest.mark.parametrize("reply", ODD, ids=range(len(ODD)))
def test_an_odd_but_legal_head_changes_nothing(tmp_path_factory: pytest.TempPathFactory, reply: bytes) -> None:
    upstream = ScriptedUpstream(lambda _: Reply((reply,)))
    with upstream, fronted(tmp_path_factory.mktemp("odd"), {"acme": upstream.base_url}) as gateway:
        with gateway.connect() as http:
            answer = http.chat("acme/m")
        assert (answer.status // 100, answer.body) == (2, ANSWER)
        exchange = exchange_of(gateway, answer)
        assert (exchange.outcome, exchange.status) == ("ok", answer.status)


def test_a_stream_s_type_may_be_spelt_otherwise(tmp_path_factory: pytest.TempPathFactory) -> None:
    reply = framed(MOONSHOT, b"Text/Event-Stream;charset=utf-8")
    upstream = ScriptedUpstream(lambda _: Reply((reply[:40], reply[40:])))
    with upstream, fronted(tmp_path_factory.mktemp("spelt"), {"acme": upstream.base_url}) as gateway:
        with gateway.connect() as http:
            answer = http.chat("acme/m", stream=True)
        assert (answer.status, answer.body) == (200, MOONSHOT)


@pytest.mark.parametrize("coding", [b"br", b"gzip"])
def test_a_coding_that_cannot_be_read_is_a_fault_and_no_crash(
    tmp_path_factory: pytest.TempPathFactory, coding: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: %b\r\n" % coding
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    # The first chunk goes through the parser, the second the short way.
    upstream = ScriptedUpstream(
        lambda _: Reply((head, b"a\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\r\n", b"5\r\n\xff\xff\xff\xff\xff\r\n"))
    )
    routes = {"once": {"deployments": ["acme/m"], "retries": 0}}
    with upstream, fronted(tmp_path_factory.mktemp("coding"), {"acme": upstream.base_url}, routes=routes) as gateway:
        with gateway.connect() as http:
            answer = http.chat("once", stream=True)
        assert (answer.status, answer.error_code) == (502, "upstream_invalid")
        assert exchange_of(gateway, answer).outcome == "invalid"
