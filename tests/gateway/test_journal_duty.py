"""What is answered is on record first, as much of it as was asked for; what cannot be recorded is not served."""

import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import exchange_of, fronted, until
from tests.support import GatewayUnderTest, Response, config_text
from tests.support.journal import journalled, wait_journalled

PRICE = {"price": {"input_usd_per_mtok": "1.10", "output_usd_per_mtok": "4.40"}}


def on_record(served: GatewayUnderTest, answer: Response) -> bool:
    """Look once, without waiting: the last byte has come."""
    return any(one.id == answer.header("x-request-id") for one in journalled(served.home))


@pytest.mark.parametrize("model", ["ok", "words:3", "chunked-json", "status:400", "status:401", "html-200"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_on_record_when_its_last_byte_comes(
    gateway: StartGateway, provider: FakeProvider, model: str, stream: bool
) -> None:
    served = gateway(
        config_text({"acme": provider.base_url}, routes={"r": {"deployments": [f"acme/{model}"], "retries": 0}})
    )
    with served.connect() as http:
        for _ in range(5):
            assert on_record(served, http.chat("r", stream=stream))
        assert on_record(served, http.request("POST", "/v1/embeddings", model="acme/ok", input="a"))
        assert on_record(served, http.request("POST", "/v1/images/generations", model="acme/ok", prompt="a"))


def test_every_field_of_an_exchange_is_right(gateway: StartGateway, provider: FakeProvider) -> None:
    acme = {"base_url": provider.base_url, "region": "eu-fr"}
    routes = {"assistant": {"deployments": ["acme/status:500", "acme/slow-first-byte:0.1"]}}
    facts = {"acme/slow-first-byte:0.1": PRICE}
    served = gateway(config_text({"acme": acme}, routes=routes, deployments=facts))
    key = served.steelyard("keys", "create", "team-a")
    until(lambda: unauthorized(served), "the key to be asked for")
    before = time.time()
    with served.connect() as http:
        http.begin_chat("assistant", key=key["key"], user="end-user-7", max_tokens=4)
        answer = http.response()
    after = time.time()
    exchange = exchange_of(served, answer)
    assert before - 0.01 <= exchange.received_at <= after
    assert (exchange.endpoint, exchange.dialect, exchange.worker) == ("chat/completions", "openai", "0")
    assert (exchange.key, exchange.end_user, exchange.region) == (key["id"], "end-user-7", "eu-fr")
    assert (exchange.route, exchange.deployment) == ("assistant", "acme/slow-first-byte:0.1")
    assert (exchange.status, exchange.outcome, exchange.stream, exchange.error) == (200, "ok", False, None)
    assert (exchange.finish_reason, exchange.model_reported) == ("length", answer.json()["model"])
    asked = {"model": "assistant", "user": "end-user-7", "max_tokens": 4}
    assert exchange.request_bytes == len(json.dumps({**asked, "messages": [{"role": "user", "content": "Hi there"}]}))
    assert exchange.response_bytes == len(answer.body)
    usage = answer.json()["usage"]
    assert exchange.usage is not None
    assert (exchange.usage.input, exchange.usage.output) == (usage["prompt_tokens"], 4)
    assert json.loads(exchange.usage_raw or b"") == usage
    assert (
        exchange.cost_usd
        == answer.header("x-steelyard-cost-usd")
        == f"{(usage['prompt_tokens'] * 11 + 4 * 44) / 1e7:.7f}"
    )
    assert exchange.price_source == "steelyard.toml"
    assert (exchange.record, exchange.request, exchange.response) == ("metadata", None, None)
    failed, worked = exchange.attempts
    assert (failed.deployment, failed.outcome, failed.status) == ("acme/status:500", "status", 500)
    assert (worked.deployment, worked.outcome, worked.status, worked.detail) == (exchange.deployment, "ok", 200, None)
    assert failed.detail == "acme/status:500 answered with status 500."
    assert exchange.first_byte_ms is not None
    assert exchange.last_byte_ms is not None
    assert 0 <= failed.started_ms <= failed.ended_ms <= worked.started_ms
    assert worked.started_ms + 95 <= exchange.first_byte_ms <= worked.ended_ms
    assert worked.ended_ms <= exchange.last_byte_ms <= (after - before) * 1000 + 10


def unauthorized(served: GatewayUnderTest, key: str | None = None) -> bool:
    with served.connect() as http:
        http.begin_chat("nothing", key=key)
        return http.response().status == 401


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayUnderTest, FakeProvider]]:
    """A gateway whose server, routes and deployments record different things."""
    routes: dict[str, Any] = {
        f"{mode}-route": {"deployments": ["acme/ok"], "record": mode} for mode in ("none", "metadata", "full")
    }
    routes["unsaid"] = {"deployments": ["acme/ok"]}
    routes["full-with-none"] = {"deployments": ["acme/ok", "acme/words:2"], "record": "full"}
    routes["full-once"] = {"deployments": ["acme/cut:mid-stream:2"], "record": "full", "retries": 0}
    routes["full-gzip"] = {"deployments": ["acme/gzip"], "record": "full"}
    routes["full-400"] = {"deployments": ["acme/status:400"], "record": "full"}
    routes["full-401"] = {"deployments": ["acme/status:401"], "record": "full"}
    routes["full-error"] = {"deployments": ["acme/error-event:2"], "record": "full"}
    routes["full-usage"] = {"deployments": ["acme/usage-every-chunk"], "record": "full"}
    facts = {"acme/words:2": {"record": "none"}, "acme/words:3": {"record": "full"}}
    with FakeProvider() as provider:
        providers = {"acme": provider.base_url}
        directory = tmp_path_factory.mktemp("recorded")
        with fronted(directory, providers, routes=routes, deployments=facts) as served:
            yield served, provider


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        ("unsaid", "metadata"),  # as the server says
        ("none-route", "none"),
        ("metadata-route", "metadata"),
        ("full-route", "full"),
        ("full-with-none", "none"),  # one of its deployments wants nothing recorded
        ("acme/ok", "metadata"),
        ("acme/words:2", "none"),
        ("acme/words:3", "full"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_least_that_any_choice_allows_is_recorded(
    recorded: tuple[GatewayUnderTest, FakeProvider], model: str, mode: str, stream: bool
) -> None:
    served, _ = recorded
    with served.connect() as http:
        answer = http.chat(model, stream=stream, metadata={"secret": "quokka"})
    assert answer.status == 200
    if mode == "none":
        assert not on_record(served, answer)
        return
    exchange = exchange_of(served, answer)
    assert exchange.record == mode
    if mode == "full":
        assert b"quokka" in (exchange.request or b"")
        assert exchange.response == answer.body
    else:
        assert (exchange.request, exchange.response) == (None, None)


@pytest.mark.parametrize(
    "model", ["full-route", "full-once", "full-gzip", "full-400", "full-401", "full-error", "full-usage"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_full_record_holds_what_the_client_sent_and_saw(
    recorded: tuple[GatewayUnderTest, FakeProvider], model: str, stream: bool
) -> None:
    served, _ = recorded
    body = json.dumps({"messages": [], "model": model, "stream": stream, "x_new": [1, 2.50]}, indent=1).encode()
    with served.connect() as http:
        answer = http.request("POST", "/v1/chat/completions", body)
    exchange = exchange_of(served, answer)
    assert exchange.record == "full"
    assert exchange.request == body
    assert exchange.response == answer.body
    assert (exchange.request_bytes, exchange.response_bytes) == (len(body), len(answer.body))


def test_a_key_can_only_lessen_the_record(gateway: StartGateway, provider: FakeProvider) -> None:
    routes = {
        "open": {"deployments": ["acme/ok"], "record": "full"},
        "closed": {"deployments": ["acme/ok"], "record": "none"},
    }
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    keys = {mode: served.new_key(mode, "--record", mode) for mode in ("none", "metadata", "full")}
    wanted = {
        ("open", "none"): None,
        ("open", "metadata"): "metadata",
        ("open", "full"): "full",
        ("closed", "full"): None,
    }
    with served.connect() as http:
        for (route, mode), recorded_as in wanted.items():
            http.begin_chat(route, key=keys[mode])
            answer = http.response()
            assert answer.status == 200
            found = [one for one in journalled(served.home) if one.id == answer.header("x-request-id")]
            assert [one.record for one in found] == ([recorded_as] if recorded_as else [])


def limit_files(served: GatewayUnderTest, size: int) -> None:
    """Have every write beyond `size` bytes of any file fail, as on a full disk (setrlimit(2), RLIMIT_FSIZE)."""
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def start_full(directory: Path, provider: FakeProvider, **server: Any) -> GatewayUnderTest:
    text = config_text({"acme": provider.base_url}, server={"record": "full", **server})
    return GatewayUnderTest(f"{text}\n[ledger]\njournal_segment_bytes = 1000000\n", directory)


def test_a_full_disk_refuses_calls_before_they_are_made(tmp_path: Path, provider: FakeProvider) -> None:
    with start_full(tmp_path, provider) as served, served.connect() as http:
        assert http.chat("acme/ok").status == 200
        limit_files(served, 700_000)  # the present segment has room, the next one cannot be had
        question = [{"role": "user", "content": "x" * 50_000}]
        answered = 1
        while (answer := http.chat("acme/ok", messages=question)).status == 200:
            answered += 1
            assert on_record(served, answer), "what is answered is on record, to the last"
            assert answered < 100
        assert (answer.status, answer.error_code) == (503, "not_recordable")
        assert answer.header("retry-after") == "5"
        assert len(provider.requests) == answered, "a call that cannot be recorded is not made"
        assert len(journalled(served.home)) == answered
        assert served.ready_status() == 503
        assert http.request("GET", "/readyz").json()["status"] == "not_recordable"
        assert http.request("GET", "/livez").status == 200
        assert "steelyard_journal_writable 0" in served.metrics()
        limit_files(served, resource.RLIM_INFINITY)
        until(lambda: served.ready_status() == 200, "the journal to be writable again", 5)
        answer = http.chat("acme/ok", messages=question)
        assert answer.status == 200
        assert on_record(served, answer)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_cannot_be_recorded_is_not_given(tmp_path: Path, provider: FakeProvider, stream: bool) -> None:
    """A device that breaks its promise of room shows only as the record is written."""
    with start_full(tmp_path, provider) as served, served.connect() as http:
        assert http.chat("acme/ok").status == 200
        limit_files(served, 0)
        answer = http.chat("acme/ok", stream=stream)
        if stream:
            assert answer.status == 200
            assert b"[DONE]" not in answer.body
            assert "could not be recorded" in json.loads(answer.payloads()[-1])["error"]["message"]
        else:
            assert (answer.status, answer.error_code) == (503, "not_recorded")
        with served.connect() as other:
            again = other.chat("acme/ok")
            assert (again.status, again.error_code) == (503, "not_recordable")
        assert len(provider.requests) == 2
        limit_files(served, resource.RLIM_INFINITY)
        until(lambda: served.ready_status() == 200, "the journal to be writable again", 5)
        with served.connect() as other:
            fine = other.chat("acme/ok", stream=stream)
            assert fine.status == 200
            assert on_record(served, fine)
        assert len(journalled(served.home)) == 2


def test_what_is_not_recorded_needs_no_disk(tmp_path: Path, provider: FakeProvider) -> None:
    text = config_text({"acme": provider.base_url}, server={"record": "none"})
    with GatewayUnderTest(text, tmp_path) as served, served.connect() as http:
        limit_files(served, 0)
        for stream in (False, True):
            assert http.chat("acme/ok", stream=stream).status == 200
        time.sleep(1.2)  # longer than the journal takes to notice
        assert http.chat("acme/ok").status == 200
        assert served.ready_status() == 200
        assert journalled(served.home) == []
        limit_files(served, resource.RLIM_INFINITY)


def test_many_answers_of_one_turn_are_recorded_together(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    crowd = [served.connect() for _ in range(40)]
    for _ in range(5):
        for number, http in enumerate(crowd):
            http.begin_chat("acme/ok", stream=bool(number % 2))
        answers = [http.response() for http in crowd]
        recorded_ids = {one.id for one in journalled(served.home)}
        assert {answer.header("x-request-id") for answer in answers} <= recorded_ids
    for http in crowd:
        http.close()
    assert len(wait_journalled(served.home, 200)) == 200
