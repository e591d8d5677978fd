"""Answers given again: what is the same request, what is told of it, and what is never kept."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.cache_rig import PRICE, Cached, asking, cached
from tests.support import journalled

KEPT_BY = {
    "assistant": "ok",
    "embedder": "ok:embed",
    "tools": "scene:tools",
    "refusal": "scene:refusal",
    "filtered": "scene:content-filter",
    "short": "scene:length-cut",
    "cut": "scene:cut-stream",
    "broken": "scene:mid-stream-error",
    "down": "status:500",
    "limited": "status:429",
    "big": "big-body:40000",
    "gzip": "gzip",
    "pieces": "split-events:7",
    "unpriced": "words:3",
    "secret": "words:2",
}
ROUTES: dict[str, Any] = {
    **{name: {"deployments": [f"acme/{model}"], "retries": 0} for name, model in KEPT_BY.items()},
    "plain": {"deployments": ["acme/ok"]},
    "secret": {"deployments": ["acme/words:2"], "record": "none"},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    cache = {"routes": sorted(KEPT_BY), "max_entry_bytes": 30_000}
    facts = {"acme/ok": PRICE, "acme/words:2": PRICE}
    server = {"record": "full"}
    with cached(
        tmp_path_factory.mktemp("cache"), cache=cache, routes=ROUTES, deployments=facts, server=server
    ) as found:
        yield found


def twice(served: Cached, model: str, **fields: Any) -> tuple[str | None, str | None, int]:
    """Ask the same twice; return what the cache said each time, and how often the provider was asked."""
    before = served.asked
    said = [served.chat(model, **fields).header("x-steelyard-cache") for _ in range(2)]
    return said[0], said[1], served.asked - before


def test_an_equal_request_is_answered_without_asking_anybody(served: Cached) -> None:
    before = served.asked
    first, second = (served.chat(**asking("equal")) for _ in range(2))
    assert served.asked == before + 1
    assert (first.body, first.status) == (second.body, second.status)
    assert (first.header("x-steelyard-cache"), second.header("x-steelyard-cache")) == ("miss", "hit")
    assert first.header("age") is None
    assert int(second.header("age") or -1) >= 0
    assert Decimal(first.header("x-steelyard-cost-usd") or 0) > 0
    assert second.header("x-steelyard-cost-usd") == "0"
    assert second.header("x-steelyard-deployment") == "acme/ok"
    assert second.header("content-type") == first.header("content-type")
    made, given = journalled(served.gateway.home)[-2:]
    assert [made.id, given.id] == [first.header("x-request-id"), second.header("x-request-id")]
    assert made.usage is not None
    assert (made.cache, made.copied_from, made.saved_usd) == ("miss", None, None)
    assert (given.cache, given.copied_from, given.saved_usd) == ("hit", made.id, made.cost_usd)
    assert (given.cost_usd, given.attempts, given.deployment, given.outcome) == ("0", (), "acme/ok", "ok")
    assert given.usage is not None
    assert (given.usage.input, given.usage.output, given.usage_raw) == (0, 0, made.usage_raw)
    assert (given.response, given.finish_reason, given.model_reported) == (
        made.response,
        made.finish_reason,
        made.model_reported,
    )
    metrics = served.gateway.metrics()
    assert 'steelyard_calls_total{route="assistant",deployment="(cache)",outcome="ok",status="200"}' in metrics


def test_metrics_count_hits_misses_and_what_was_saved(served: Cached) -> None:
    def figure(name: str) -> Decimal:
        found = [line for line in served.gateway.metrics().splitlines() if line.startswith(name)]
        return Decimal(found[0].rpartition(" ")[2]) if found else Decimal(0)

    names = [f'steelyard_cache_calls_total{{route="assistant",verdict="{one}"}}' for one in ("hit", "miss", "bypass")]
    names += ['steelyard_cache_saved_usd_total{route="assistant"}', "steelyard_cache_entries", "steelyard_cache_bytes"]
    before = [figure(name) for name in names]
    cost = Decimal(served.chat(**asking("figures")).header("x-steelyard-cost-usd") or 0)
    served.chat(**asking("figures"))
    served.chat(**asking("figures"), said="no-store")
    *counts, size = (after - earlier for after, earlier in zip(map(figure, names), before, strict=True))
    assert counts == [1, 1, 1, cost, 1]
    assert size > 0


def test_order_and_white_space_do_not_count(served: Cached) -> None:
    before = served.asked
    bodies = [
        b'{"model":"assistant","messages":[{"role":"user","content":"caf\xc3\xa9"}],"temperature":0.5}',
        b' {"temperature": 0.5, "messages": [ {"content": "caf\\u00e9",\n"role": "user"} ], "model": "assistant"}\n',
    ]
    answers = [served.post("/v1/chat/completions", body) for body in bodies]
    assert [one.header("x-steelyard-cache") for one in answers] == ["miss", "hit"]
    assert served.asked == before + 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"max_tokens": 10', '"max_tokens": 10.0'),
        ('"temperature": 1', '"temperature": 1.0'),
        ('"seed": 12345678901234567890123', '"seed": 12345678901234567890124'),
        ('"user": "ann"', '"user": "bob"'),
        ('"stop": null', '"seed": null'),
        ('"stop": "\u00e9"', '"stop": "e\u0301"'),
        ('"metadata": {"a": "1"}', '"metadata": {"a": "2"}'),
    ],
)
def test_these_are_two_requests(served: Cached, one: str, other: str) -> None:
    said = []
    for more in (one, other):
        body = f'{{"model": "assistant", "messages": [{{"role": "user", "content": "two"}}], {more}}}'
        said.append(served.post("/v1/chat/completions", body.encode()).header("x-steelyard-cache"))
    assert "hit" not in said


@pytest.mark.parametrize("name", ["x-steelyard-strict", "openai-beta"])
def test_headers_that_may_change_the_answer_count(served: Cached, name: str) -> None:
    body = json.dumps({"model": "assistant", **asking(f"header {name}")}).encode()
    said = []
    for headers in (
        {},
        {name: "1"},
        {name: "1"},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    ):
        with served.gateway.connect() as http:
            answer = http.request("POST", "/v1/chat/completions", body, headers)
        said.append(answer.header("x-steelyard-cache"))
    assert said == ["miss", "miss", "hit", "hit"]


def test_a_route_that_is_not_cached_says_nothing_of_it(served: Cached) -> None:
    assert twice(served, "plain") == (None, None, 2)
    assert twice(served, "acme/ok") == (None, None, 2)
    assert journalled(served.gateway.home)[-1].cache is None


@pytest.mark.parametrize("route", ["gzip", "tools", "unpriced", "pieces"])
def test_answers_of_all_kinds_are_kept(served: Cached, route: str) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    fields = {"tools": [tool]} if route == "tools" else {}
    assert twice(served, route, stream=route == "pieces", **fields) == ("miss", "hit", 1)


def test_what_an_answer_of_unknown_cost_saved_is_unknown(served: Cached) -> None:
    for _ in range(2):
        served.chat("unpriced", **asking("unknown"))
    given = journalled(served.gateway.home)[-1]
    assert (given.cache, given.cost_usd, given.saved_usd) == ("hit", "0", None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", ["refusal", "filtered", "short", "cut", "broken", "down", "limited", "big"])
def test_what_is_no_whole_and_willing_answer_is_not_kept(served: Cached, route: str, stream: bool) -> None:
    before = served.asked
    for _ in range(2):
        with served.gateway.connect(20) as http:
            http.begin_chat(route, stream=stream, max_tokens=5, **asking(f"{route} {stream}"))
            head = http.head()
            if not (stream and route in ("cut", "broken")):
                b"".join(http.parts(head))
            assert head.header("x-steelyard-cache") != "hit"
    assert served.asked == before + 2


@pytest.mark.parametrize(
    "fields",
    [
        {"store": True},
        {"tools": [{"type": "web_search_preview"}]},
        {"web_search_options": {"search_context_size": "low"}},
        {"plugins": [{"id": "web"}]},
        {"search_parameters": {"mode": "on"}},
        {"messages": [{"role": "user", "content": "x" * 40_000}]},
    ],
)
def test_requests_that_depend_on_more_than_they_say_pass_by_the_cache(served: Cached, fields: dict[str, Any]) -> None:
    first, second, asked = twice(served, "assistant", **fields)
    assert (first, second, asked) == ("bypass", "bypass", 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "assistant", "messages": [{"role": "user", "content": "a"}], "seed": 1, "seed": 2}',
        b'{"model": "assistant", "messages": [{"role": "user", "content": "a", "content": "b"}]}',
    ],
)
def test_bodies_that_may_be_read_in_two_ways_pass_by_the_cache(served: Cached, body: bytes) -> None:
    for _ in range(2):
        assert served.post("/v1/chat/completions", body).header("x-steelyard-cache") == "bypass"


def test_a_call_of_which_nothing_is_recorded_passes_by_the_cache(served: Cached) -> None:
    assert twice(served, "secret") == ("bypass", "bypass", 2)


def test_no_store_neither_keeps_nor_is_given_what_is_kept(served: Cached) -> None:
    fields = asking("no-store")
    assert served.told(**fields, said="no-store") == "bypass"
    assert served.told(**fields) == "miss"
    assert served.told(**fields, said="max-age=100, no-store") == "bypass"
    body = json.dumps({"model": "assistant", **fields}).encode()
    with served.gateway.connect() as http:
        http.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nCache-Control: no-store\r\n"
            b"Cache-Control: max-age=100\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert http.response().header("x-steelyard-cache") == "bypass"


def test_no_cache_asks_again_and_keeps_the_answer(served: Cached) -> None:
    fields = asking("no-cache")
    assert [served.told(**fields), served.told(**fields, said="no-cache"), served.told(**fields)] == [
        "miss",
        "miss",
        "hit",
    ]
    made, given = journalled(served.gateway.home)[-2:]
    assert given.copied_from == made.id


def test_ages_that_a_request_asks_for_are_heeded(served: Cached) -> None:
    fields = asking("ages")
    assert served.told(**fields) == "miss"
    assert served.told(**fields, said="max-age=3000") == "hit"
    assert served.told(**fields, said="min-fresh=100") == "hit"
    assert served.told(**fields, said="min-fresh=3601") == "miss"
    assert served.told(**fields, said="max-age=0") == "miss"


def test_only_if_cached_asks_nobody(served: Cached) -> None:
    before, fields = served.asked, asking("only")
    for said in ("only-if-cached", "only-if-cached, no-store", "only-if-cached, no-cache"):
        refused = served.chat(**fields, said=said)
        assert (refused.status, refused.error_code) == (504, "not_cached")
    assert served.asked == before
    served.chat(**fields)
    assert served.told(**fields, said="only-if-cached") == "hit"


def test_embeddings_are_kept(served: Cached) -> None:
    answers = [served.post("/v1/embeddings", model="assistant", input="to embed") for _ in range(2)]
    assert [one.header("x-steelyard-cache") for one in answers] == ["miss", "hit"]
    assert answers[0].body == answers[1].body


def test_other_endpoints_pass_by_the_cache(served: Cached) -> None:
    answers = [served.post("/v1/completions", model="assistant", prompt="hi") for _ in range(2)]
    assert [one.header("x-steelyard-cache") for one in answers] == ["bypass", "bypass"]


def test_hits_are_pipelined_and_told_to_old_clients_too(served: Cached) -> None:
    served.chat(**asking("old"))
    body = json.dumps({"model": "assistant", **asking("old")}).encode()
    with served.gateway.connect() as http:
        one = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
        http.send(one * 3)
        assert [http.response().header("x-steelyard-cache") for _ in range(3)] == ["hit"] * 3
    streamed = json.dumps({"model": "assistant", "stream": True, **asking("old")}).encode()
    with served.gateway.connect() as http:
        http.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(streamed), streamed))
        head = b""
        while piece := http.socket.recv(65536):
            head += piece
    assert b"x-steelyard-cache: hit" in head
    assert b"transfer-encoding" not in head
    assert head.endswith(b"data: [DONE]\n\n")
