"""What is served where, what every answer carries, and what no answer may carry."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.http_rig import CHAT, Front, ask, body_of, front, head, read_answer
from tests.gateway.prometheus import Family, parse
from tests.gateway.upstream_rig import Reply, ScriptedUpstream
from tests.support import GatewayUnderTest, Response, config_text
from tests.support.journal import journalled, wait_journalled

SECRET = "sk-the-gateways-own-0123456789abcdef"
PRICE = {"input_usd_per_mtok": "2.00", "cached_input_usd_per_mtok": "0.50", "output_usd_per_mtok": "8.00"}
ODD = 'größe"\\€-{x="1"}'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    routes = {"assistant": {"deployments": ["acme/ok"]}, ODD: {"deployments": ["acme/words:2"]}}
    deployments = {"acme/ok": {"price": PRICE}, "acme/cached:1": {"price": PRICE}, "acme/no-usage": {"price": PRICE}}
    with front(tmp_path_factory.mktemp("surface"), routes=routes, deployments=deployments) as served:
        yield served


def get(served: Front, path: str, method: str = "GET") -> Response:
    with served.connect() as http:
        http.send(head(method, path))
        return read_answer(http, method)


def post(served: Front, path: str, **fields: Any) -> Response:
    with served.connect() as http:
        http.send(ask(json.dumps(fields).encode(), path=path))
        return read_answer(http)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health/liveness", "/health/readiness"])
def test_health_is_told(served: Front, path: str) -> None:
    for target in (path, f"{path}?verbose", f"http://localhost{path}"):
        assert get(served, target).json() == {"status": "ok"}


@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_every_endpoint_is_served_with_and_without_v1(served: Front, prefix: str) -> None:
    ask_for: dict[str, dict[str, Any]] = {
        "chat/completions": {"messages": []},
        "completions": {"prompt": "Hi"},
        "embeddings": {"input": "Hi"},
        "rerank": {"query": "a", "documents": ["a", "b"]},
        "images/generations": {"prompt": "A steelyard"},
    }
    for name, fields in ask_for.items():
        answer = post(served, f"{prefix}/{name}", model="assistant", **fields)
        assert answer.status == 200, name
        assert answer.header("x-steelyard-deployment") == "acme/ok"
        assert served.provider.requests[-1].path == f"/v1/{name}"


def test_models_are_listed_and_each_is_found(served: Front) -> None:
    listed = get(served, "/v1/models").json()
    assert listed["object"] == "list"
    rows = {row["id"]: row for row in listed["data"]}
    assert {"assistant", ODD, "acme/ok", "acme/words:2"} <= set(rows)
    assert all(set(row) == {"id", "object", "created", "owned_by"} for row in rows.values())
    for path in ("/v1/models/acme/ok", "/v1/models/acme%2Fok", "/v1/models/acme%2fok", "/models/acme/ok"):
        assert get(served, path).json() == rows["acme/ok"]
    assert get(served, f"/v1/models/{quote(ODD, safe='')}").json() == rows[ODD]


def test_a_model_that_is_not_there_is_not_found_and_the_nearest_are_named(served: Front) -> None:
    for path in ("/v1/models/asistant", "/v1/models/", "/v1/models/%00", "/v1/models/%ff", "/v1/models/a%0d%0ab"):
        answer = get(served, path)
        assert (answer.status, answer.error_code) == (404, "model_not_found"), path
    assert "assistant" in get(served, "/v1/models/asistant").json()["error"]["message"]
    for name in ("asistant", "", "acme", "/", "acme/", "nonesuch/x", "assistant\n", "acme/ok\r\nx-evil: 1", "\x7f"):
        answer = post(served, CHAT, model=name, messages=[])
        assert (answer.status, answer.error_code, answer.json()["error"]["param"]) == (404, "model_not_found", "model")
        assert answer.header("x-evil") is None
    assert "Nearest: assistant" in post(served, CHAT, model="asistant").json()["error"]["message"]


def test_unknown_paths_are_not_found_and_the_nearest_is_named(served: Front) -> None:
    assert "Nearest: /v1/chat/completions" in get(served, "/v1/chat/completion").json()["error"]["message"]
    for path in (
        "/",
        "/v1",
        "/v1/",
        "/v2/chat/completions",
        "//livez",
        "/livez/",
        "/v1/livez",
        "/%2e%2e/etc/passwd",
        "*",
    ):
        for method in ("GET", "POST", "DELETE"):
            answer = get(served, path, method)
            assert (answer.status, answer.error_code) == (404, "not_found"), path


def test_other_methods_are_not_allowed_and_those_that_are_are_told(served: Front) -> None:
    for path, methods, allowed in (
        (CHAT, ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"), "POST"),
        ("/v1/audio/transcriptions", ("GET",), "POST"),
        ("/livez", ("POST", "PUT", "OPTIONS"), "GET, HEAD"),
        ("/v1/models", ("POST", "DELETE"), "GET, HEAD"),
        ("/metrics", ("POST",), "GET, HEAD"),
    ):
        for method in methods:
            answer = get(served, path, method)
            assert (answer.status, answer.header("allow")) == (405, allowed)


def test_wrong_types_and_malformed_json_are_named(served: Front) -> None:
    for body, code, param in (
        (b'{"model":', "invalid_json", None),
        (b"", "invalid_json", None),
        (b"[]", "invalid_type", None),
        (b'{"messages":[]}', "invalid_type", "model"),
        (b'{"model":7}', "invalid_type", "model"),
        (b'{"model":"assistant","stream":"yes"}', "invalid_type", "stream"),
    ):
        with served.connect() as http:
            http.send(ask(body))
            answer = read_answer(http)
        error = answer.json()["error"]
        assert (answer.status, error["code"], error["param"]) == (400, code, param)
        assert error["type"] == "invalid_request_error"


def test_each_answer_has_an_id_of_its_own_and_the_record_has_it_too(served: Front) -> None:
    before = len(journalled(served.gateway.home))
    ids = [post(served, CHAT, model="assistant", stream=stream).header("x-request-id") for stream in (False, True) * 5]
    assert len(set(ids)) == 10
    assert {one.id for one in wait_journalled(served.gateway.home, before + 10)[before:]} == set(ids)
    pages = {get(served, path).header("x-request-id") for path in ("/livez", "/metrics", "/v1/models", "/nonesuch")}
    assert len(pages) == 4


def cost(served: Front, **fields: Any) -> tuple[Decimal | None, Any]:
    answer = post(served, CHAT, **fields)
    text = answer.header("x-steelyard-cost-usd")
    return (Decimal(text) if text is not None else None), answer


def test_the_cost_is_exact(served: Front) -> None:
    for words in (1, 3, 20):
        usd, answer = cost(served, model="assistant", messages=[{"role": "user", "content": "a b c"}], max_tokens=words)
        usage = answer.json()["usage"]
        assert usage["completion_tokens"] == words
        assert usd == (usage["prompt_tokens"] * Decimal("2.00") + words * Decimal("8.00")) / 1_000_000
    usd, answer = cost(served, model="acme/cached:1", messages=[{"role": "user", "content": "a b c"}])
    usage = answer.json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 1
    fresh = usage["prompt_tokens"] - 1
    assert usd == (fresh * Decimal(2) + Decimal("0.5") + usage["completion_tokens"] * Decimal(8)) / 1_000_000
    assert wait_journalled(served.gateway.home)[-1].cost_usd == f"{usd:f}"


def test_an_unknown_cost_is_not_told(served: Front) -> None:
    assert cost(served, model="acme/words:2")[0] is None  # no price
    assert cost(served, model="acme/no-usage")[0] is None  # a price, no usage
    assert cost(served, model="assistant", stream=True)[0] is None  # known too late for a header
    assert cost(served, model="acme/status:400")[0] is None


def answer_with(*lines: bytes, body: bytes = b"{}", status: bytes = b"200 OK") -> bytes:
    every = (
        b"HTTP/1.1 " + status,
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *lines,
        b"",
        body,
    )
    return b"\r\n".join(every)


FIELDS = (
    b"Connection: keep-alive",
    b"Keep-Alive: timeout=5",
    b"Proxy-Authenticate: Basic",
    b"Trailer: X-T",
    b"Server: nginx",
    b"Set-Cookie: a=b",
    b"Alt-Svc: h3",
    b"Strict-Transport-Security: max-age=1",
    b"Date: Thu, 01 Jan 1970 00:00:00 GMT",
    b"X-Request-Id: req_upstream",
    b"X-Steelyard-Deployment: evil",
    b"x-steelyard-cost-usd: 0",
    b"x-ratelimit-remaining-requests: 59",
    b"OpenAI-Processing-MS: 12",
    b"X-Odd: \xe4 b",
    b"Cache-Control: no-store",
)
PASSED = {
    "x-ratelimit-remaining-requests": "59",
    "openai-processing-ms": "12",
    "x-odd": "ä b",
    "cache-control": "no-store",
}
OURS = {
    "date",
    "content-type",
    "content-length",
    "transfer-encoding",
    "x-request-id",
    "x-steelyard-deployment",
    "connection",
}
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'


def through(directory: Path, *replies: bytes, apart: bool = False, stream: bool = False) -> list[Response]:
    """Have an upstream say each reply to a call, in one segment or cut in two, and return what the client gets."""
    pieces = [(one[:20], one[20:]) if apart else (one,) for one in replies]
    with ScriptedUpstream(lambda n: Reply(pieces[n])) as upstream:
        config = config_text({"acme": {"base_url": upstream.base_url, "api_key": "env:ACME_API_KEY"}}, routes=ONCE)
        with GatewayUnderTest(config, directory, env={"ACME_API_KEY": SECRET}) as gateway, gateway.connect() as http:
            answers = []
            for _ in replies:
                http.send(ask(body_of("one", stream=stream)))
                answers.append(http.response())
            told = gateway.metrics() + gateway.stderr
            kept = b"".join(path.read_bytes() for path in (gateway.home / "journal").rglob("*") if path.is_file())
            assert SECRET not in told
            assert SECRET.encode() not in kept, kept[max(0, kept.find(SECRET.encode()) - 300) :][:400]
            return answers


ONCE = {"one": {"deployments": ["acme/m"], "retries": 0, "record": "full"}}


@pytest.mark.parametrize("apart", [False, True])
def test_fields_of_the_hop_end_here_and_others_go_on(tmp_path: Path, apart: bool) -> None:
    event_head = b"\r\n".join(
        (b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked", *FIELDS, b"", b"")
    )
    content = EVENT + b"data: [DONE]\n\n"
    stream = event_head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    refusal = answer_with(*FIELDS, body=b'{"error":{"message":"no"}}', status=b"400 Bad Request")
    whole = answer_with(*FIELDS, body=json.dumps(WHOLE).encode())
    answers = through(tmp_path / "a", whole, refusal, whole, apart=apart)
    answers += through(tmp_path / "b", stream, apart=apart, stream=True)
    assert [one.status for one in answers] == [200, 400, 200, 200]
    for answer in answers:
        fields = {name.lower(): value for name, value in answer.headers}
        assert len(fields) == len(answer.headers)
        assert {name: fields[name] for name in fields.keys() - OURS} == PASSED
        assert fields["x-steelyard-deployment"] == "acme/m"
        assert fields["x-request-id"] != "req_upstream"
        assert "1970" not in fields["date"]


@pytest.mark.parametrize("apart", [False, True])
def test_fields_that_the_connection_names_end_here(tmp_path: Path, apart: bool) -> None:
    whole = answer_with(b"Connection: keep-alive, X-Hop", b"X-Hop: 1", b"X-Kept: 1", body=json.dumps(WHOLE).encode())
    (answer,) = through(tmp_path, whole, apart=apart)
    assert (answer.header("x-hop"), answer.header("x-kept")) == (None, "1")


@pytest.mark.parametrize("apart", [False, True])
def test_the_gateway_s_secrets_are_in_no_answer_though_the_upstream_echoes_them(tmp_path: Path, apart: bool) -> None:
    echo = f'{{"error":{{"message":"Your key {SECRET} is wrong","code":"x"}}}}'.encode()
    fields = (f"X-Debug: Bearer {SECRET}".encode(),)
    answers = through(
        tmp_path,
        *(
            answer_with(*fields, body=echo, status=status)
            for status in (b"400 Bad", b"401 No", b"403 No", b"429 Slow", b"500 Broken")
        ),
        answer_with(*fields, body=echo),
        answer_with(*fields, body=json.dumps({**WHOLE, "debug": SECRET}).encode()),
        answer_with(*fields, body=SECRET.encode()),
        answer_with(*fields, body=SECRET.encode(), status=b"404 " + SECRET.encode()),
        b"HTTP/1.1 200 " + SECRET.encode() + b"\r\n" + SECRET.encode() + b"\r\n\r\n",
        apart=apart,
    )
    for answer in answers:
        assert SECRET not in str(answer.headers)
        assert SECRET.encode() not in answer.body
    assert [one.status for one in answers] == [400, 502, 502, 429, 500, 502, 200, 502, 404, 502]


def test_the_gateway_s_secrets_are_in_no_stream_s_error(tmp_path: Path) -> None:
    error = f'data: {{"error":{{"message":"Your key {SECRET} is wrong"}}}}\n\n'.encode()
    head_line = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Debug: %b\r\n\r\n"
        % SECRET.encode()
    )
    for number, events in enumerate((error, EVENT + error, EVENT + error + b"data: [DONE]\n\n")):
        directory = tmp_path / str(number)
        directory.mkdir()
        (answer,) = through(directory, head_line + b"%x\r\n%b\r\n0\r\n\r\n" % (len(events), events), stream=True)
        assert SECRET not in str(answer.headers)
        assert SECRET.encode() not in answer.body
        assert b"is wrong" in answer.body


def families(served: Front) -> dict[str, Family]:
    answer = get(served, "/metrics")
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.body.decode())


def test_metrics_are_prometheus_text_and_count_what_happened(served: Front) -> None:
    labels = {"route": ODD, "deployment": "acme/words:2", "outcome": "ok", "status": "200"}

    def calls() -> float:
        return families(served)["steelyard_calls_total"].value("steelyard_calls_total", labels)

    post(served, CHAT, model=ODD, messages=[])
    before = calls()
    for _ in range(3):
        assert post(served, CHAT, model=ODD, messages=[]).status == 200
    assert calls() == before + 3
    found = families(served)
    where = {"route": ODD, "deployment": "acme/words:2"}
    duration = found["steelyard_call_duration_seconds"]
    assert duration.kind == "histogram"
    assert duration.value("steelyard_call_duration_seconds_count", where) == before + 3
    assert found["steelyard_tokens_total"].value("steelyard_tokens_total", {**where, "direction": "output"}) == 2 * (
        before + 3
    )
    assert found["steelyard_calls_in_flight"].value("steelyard_calls_in_flight", {}) == 0
    assert found["steelyard_client_connections"].value("steelyard_client_connections", {}) >= 1
    assert found["steelyard_breaker_state"].value("steelyard_breaker_state", {"deployment": "acme/words:2"}) == 0


def test_names_that_callers_invent_are_escaped_in_metrics(served: Front) -> None:
    name = 'acme/none"\\ {}=,#€'
    post(served, CHAT, model=name, messages=[])
    found = families(served)["steelyard_calls_total"]
    assert any(labels.get("deployment") == name for _, labels, _ in found.samples)


def test_the_start_time_is_told_to_the_second(served: Front) -> None:
    started = families(served)["steelyard_start_time_seconds"].value("steelyard_start_time_seconds", {})
    created = get(served, "/v1/models/assistant").json()["created"]
    assert int(started) == created


def test_refusals_are_counted(served: Front) -> None:
    def refusals() -> float:
        labels = {"status": "405", "code": "method_not_allowed"}
        return families(served)["steelyard_refusals_total"].value("steelyard_refusals_total", labels)

    get(served, CHAT)
    before = refusals()
    get(served, CHAT)
    assert refusals() == before + 1


def test_invented_names_do_not_fill_the_gateway(tmp_path: Path) -> None:
    with front(tmp_path) as served, served.connect(60) as http:
        for start in range(0, 6000, 10):
            requests = [ask(body_of(f"acme/none-{n}-{'x' * 200}")) for n in range(start, start + 10)]
            http.send(b"".join(requests))
            assert {read_answer(http).status for _ in requests} == {404}
        assert len(re.findall(r"^steelyard_calls_total\{", served.gateway.metrics(), re.MULTILINE)) < 5000
