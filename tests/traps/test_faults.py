"""Errors, ends of streams, events that are strange, and clients that leave."""

import json
import time
from typing import Any

import pytest

from steelyard.dialects.bedrock import BEDROCK
from tests.matrix.clients import CLIENTS, asked
from tests.matrix.outcome import Question
from tests.support import Response, wait_journalled
from tests.support.sse import fields
from tests.traps.rig import UPSTREAMS, Rig

FAULTS = ("mid-stream-error", "cut-stream")


def streamed(rig: Rig, client: str, model: str) -> Response:
    path, headers, body = CLIENTS[client].request(model, Question(), True)
    with rig.gateway.connect() as http:
        return http.request("POST", path, None, headers, **body)


def events(response: Response) -> list[tuple[str | None, Any]]:
    """Return name and data of each event; comments have neither, and `[DONE]` is a text."""
    found: list[tuple[str | None, Any]] = []
    for one in response.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]:
        told = dict(fields(one + "\n\n"))
        if "data" in told:
            data = told["data"]
            found.append((told.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_trap_17_an_error_has_the_envelope_of_the_client(rig: Rig, client: str, upstream: str) -> None:
    model = f"up-{upstream}/scene:rate-limited:t17"
    with rig.gateway.connect() as http:
        outcome = asked(http, CLIENTS[client], model, Question(), False)  # its reader checks the envelope
    assert outcome.status == 429
    assert "Rate limit" in str(outcome.error) or "Overloaded" in str(outcome.error), outcome
    assert 110 <= int(outcome.retry_after or 0) <= 121


def test_trap_17_bedrock_names_the_type_in_a_header() -> None:
    kind = b"ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
    told = BEDROCK.decode_error(b'{"message":"Too many requests"}', [(b"x-amzn-errortype", kind)])
    assert told is not None
    assert (told.message, told.kind) == ("Too many requests", "ThrottlingException")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_trap_18_a_chat_stream_fails_without_done(rig: Rig, upstream: str, fault: str) -> None:
    *_, (name, last) = events(streamed(rig, "openai", f"up-{upstream}/scene:{fault}:t18-chat"))
    assert name is None
    assert last["error"]["message"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_trap_18_a_stream_of_messages_fails_with_an_event_of_its_own(rig: Rig, upstream: str, fault: str) -> None:
    told = events(streamed(rig, "anthropic", f"up-{upstream}/scene:{fault}:t18-anthropic"))
    assert (told[-1][0], told[-1][1]["type"]) == ("error", "error")
    assert "message_stop" not in [name for name, _ in told]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("upstream", [one for one in UPSTREAMS if one != "openai-responses"])
def test_trap_18_a_stream_of_responses_fails_with_the_next_number(rig: Rig, upstream: str, fault: str) -> None:
    told = events(streamed(rig, "openai-responses", f"up-{upstream}/scene:{fault}:t18-responses"))
    numbers = [one["sequence_number"] for _, one in told]
    assert numbers == list(range(len(numbers)))
    name, last = told[-1]
    assert (name, last["type"], last["response"]["status"]) == ("response.failed", "response.failed", "failed")
    assert last["response"]["error"]["message"]


def test_trap_18_a_relayed_stream_of_responses_that_is_cut_fails_with_the_next_number(rig: Rig) -> None:
    told = events(streamed(rig, "openai-responses", "up-openai-responses/scene:cut-stream:t18-relayed"))
    numbers = [one["sequence_number"] for _, one in told]
    assert numbers == list(range(len(numbers)))
    assert told[-1][0] == "response.failed"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["events", "array"])
def test_trap_18_a_gemini_stream_fails_with_an_error_object(rig: Rig, upstream: str, fault: str, query: str) -> None:
    path = f"/v1beta/models/up-{upstream}/scene:{fault}:t18-gemini{query[-3:]}:streamGenerateContent{query}"
    answer = rig.post(path, {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    assert answer.status == 200
    told = [data for _, data in events(answer)] if query else answer.json()
    assert isinstance(told[-1]["error"]["code"], int)
    assert told[-1]["error"]["status"]
    assert not [one for one in told for c in one.get("candidates", ()) if "finishReason" in c]


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_trap_18_an_end_without_the_last_event_is_a_failure(rig: Rig, client: str, upstream: str) -> None:
    model = f"up-{upstream}/scene:cut-stream:t18-{client}"
    with rig.gateway.connect() as http:
        outcome = asked(http, CLIENTS[client], model, Question(), True)
    assert outcome.error
    assert outcome.finish is None


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_trap_19_events_are_named_for_who_names_them_and_bare_for_others(rig: Rig, upstream: str) -> None:
    chat = events(streamed(rig, "openai", f"up-{upstream}/scene:plain:t19"))
    assert {name for name, _ in chat} == {None}
    assert chat[-1][1] == "[DONE]"
    for client, last in (("anthropic", "message_stop"), ("openai-responses", "response.completed")):
        told = events(streamed(rig, client, f"up-{upstream}/scene:plain:t19"))
        assert [name for name, _ in told] == [data["type"] for _, data in told]
        assert told[-1][0] == last
    told = events(streamed(rig, "gemini", f"up-{upstream}/scene:plain:t19"))
    assert {name for name, _ in told} == {None}
    assert told[-1][1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("upstream", ["openai", "openai-responses", "anthropic", "gemini"])
@pytest.mark.parametrize("client", CLIENTS)
def test_trap_19_pings_go_on_and_unknown_events_do_no_harm(rig: Rig, client: str, upstream: str) -> None:
    response = streamed(rig, client, f"up-{upstream}/scene:pings:t19")
    outcome = CLIENTS[client].stream(response)
    assert (outcome.text, outcome.finish, outcome.error) == ("Hello from the loopback provider.", "stop", None)
    if upstream not in ("openai", "anthropic"):
        return  # these have no pings, only events that nobody knows
    if client == "anthropic":
        assert b"event: ping\n" in response.body
    elif (client, upstream) == ("openai", "openai"):
        assert b": OPENROUTER PROCESSING\n\n" in response.body
    elif client == "gemini":
        assert b"\n\n\n" in response.body.replace(b"\r\n", b"\n")  # Google's SDK takes a comment for a chunk
    else:
        assert b"\n: ping\n" in b"\n" + response.body
    if client != upstream:
        assert b"telemetry_hint" not in response.body


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_trap_19_one_id_is_that_of_the_whole_stream(rig: Rig, upstream: str) -> None:
    model = f"up-{upstream}/scene:parallel-tools:t19"
    chat = [data["id"] for _, data in events(streamed(rig, "openai", model))[:-1]]
    assert len(set(chat)) == 1
    gemini = [data["responseId"] for _, data in events(streamed(rig, "gemini", model))]
    assert len(set(gemini)) == 1
    told = events(streamed(rig, "openai-responses", model))
    ids = {data["response"]["id"] for _, data in told if "response" in data}
    assert len(ids) == 1
    assert ids.pop().startswith("resp_")
    starts = [data["message"]["id"] for name, data in events(streamed(rig, "anthropic", model)) if "message" in data]
    assert len(starts) == 1
    assert starts[0].startswith("msg_")


@pytest.mark.parametrize(("name", "status"), [("never-answers", 499), ("endless:0.005", 200)])
def test_trap_20_a_client_that_leaves_ends_the_call_and_its_usage_is_settled(rig: Rig, name: str, status: int) -> None:
    known = len(wait_journalled(rig.gateway.home, 0))
    path, headers, body = CLIENTS["anthropic"].request(f"up-openai/{name}", Question(), True)
    http = rig.gateway.connect()
    before = rig.count
    http.begin("POST", path, None, headers, **body)
    request = rig.provider.wait_requests(before + 1)[-1]
    if status == 200:
        http.head()
        rig.provider.wait(lambda: request.events_sent >= 3, "three events")
    left = time.monotonic()
    http.close()
    assert rig.provider.wait_closed(request) - left < 2
    exchange = wait_journalled(rig.gateway.home, known + 1)[-1]
    assert (exchange.outcome, exchange.status, exchange.spoken) == ("client_gone", status, "openai")
    assert exchange.usage is not None
    assert exchange.usage.estimated
    assert exchange.usage.input
    assert (exchange.usage.output or 0) >= (1 if status == 200 else 0)
    assert exchange.cost_usd is not None


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("form", ["retry-after=120", "retry-after-date=120"])
@pytest.mark.parametrize("client", CLIENTS)
def test_trap_20_when_to_come_again_reaches_the_client(rig: Rig, client: str, upstream: str, form: str) -> None:
    # A longer wait than the gateway's own patience: it is told at once.
    with rig.gateway.connect() as http:
        model = f"up-{upstream}/status:429:{form}"
        outcome = asked(http, CLIENTS[client], model, Question(), False)
    assert outcome.status == 429
    if client == upstream and "date" in form:
        assert outcome.retry_after is not None  # relayed as it came
        assert outcome.retry_after.endswith("GMT")
    else:
        assert 110 <= int(outcome.retry_after or 0) <= 122
