"""What becomes of a translated call when attempts fail, deployments rest or lack something, or the disk is full."""

import asyncio
import json
import resource
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from steelyard.gateway.outbox import Connection, Outbox
from steelyard.journal.writer import JournalWriter
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.signing.clouds import GoogleTokens
from tests.gateway.test_breaker import state_of
from tests.gateway.test_dialects import ASK, CONTENTS, PIXEL
from tests.gateway.test_journal_duty import limit_files
from tests.gateway.upstream_rig import Reply, ScriptedUpstream, exchange_of, until
from tests.support import GatewayUnderTest, Response, config_text

LOOK = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]}]

ENV = {"FAKE_KEY": "fake-key-0123456789"}


def claude(base_url: str) -> dict[str, Any]:
    return {"dialect": "anthropic", "base_url": base_url, "api_key": "env:FAKE_KEY"}


def google(url: str) -> dict[str, Any]:
    return {"dialect": "gemini", "base_url": f"{url}/v1beta", "api_key": "env:FAKE_KEY"}


def whole(body: Any, status: str = "200 OK") -> Reply:
    """Return a whole JSON answer of an upstream."""
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return Reply((head.encode() + text,))


def events(*told: Any, name: str = "") -> Reply:
    """Return a stream of events."""
    text = b"".join(
        (b"event: %b\n" % one["type"].encode() if name else b"") + b"data: %b\n\n" % json.dumps(one).encode()
        for one in told
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(text)}\r\n\r\n"
    return Reply((head.encode() + text,))


def asked(served: GatewayUnderTest, path: str, **fields: Any) -> Response:
    with served.connect() as http:
        return http.request("POST", path, **fields)


def test_a_deployment_that_cannot_be_asked_changes_nothing_for_the_next_attempt_of_another(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    config = config_text(
        {"claude": claude(provider.base_url), "acme": provider.base_url},
        routes={"seeing": {"deployments": ["claude/fail-times:1:503", "acme/blind"]}},
        deployments={"acme/blind": {"lacks": ["images"]}},
    )
    answer = asked(gateway(config, env=ENV), "/v1/chat/completions", model="seeing", messages=LOOK)
    assert answer.status == 200, answer.body
    first, second = provider.requests
    assert (first.path, second.path) == ("/v1/messages", "/v1/messages")
    assert second.json() == first.json()


def test_a_deployment_at_rest_is_told_of_where_no_other_can_be_asked(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    routes: dict[str, dict[str, Any]] = {
        "once": {"deployments": ["acme/status:500"], "retries": 0},
        "seeing": {"deployments": ["acme/status:500", "acme/blind"]},
    }
    deployments = {"acme/blind": {"lacks": ["images"], "model": "ok"}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes, deployments=deployments), env=ENV)
    for _ in range(5):
        assert asked(served, "/v1/chat/completions", model="once", messages=ASK).status == 500
    answer = asked(served, "/v1/chat/completions", model="seeing", messages=LOOK)
    assert (answer.status, answer.error_code) == (503, "deployments_resting")


def test_a_probe_that_cannot_be_asked_leaves_the_next_call_to_be_one(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    routes = {"once": {"deployments": ["acme/blind"], "retries": 0}}
    deployments = {"acme/blind": {"lacks": ["images"], "model": "fail-times:5:500"}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes, deployments=deployments), env=ENV)
    for _ in range(5):
        assert asked(served, "/v1/chat/completions", model="once", messages=ASK).status == 500
    assert state_of(served, "acme/blind") == "2"
    until(
        lambda: asked(served, "/v1/chat/completions", model="once", messages=LOOK).status == 400, "the rest's end", 10
    )
    assert asked(served, "/v1/chat/completions", model="once", messages=ASK).status == 200
    assert state_of(served, "acme/blind") == "0"


STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", {"model": "claude/ok", "messages": ASK, "stream": True}),
    "openai-responses": ("/v1/responses", {"model": "acme/ok", "input": "Hi", "stream": True}),
    "anthropic": ("/v1/messages", {"model": "acme/ok", "messages": ASK, "max_tokens": 9, "stream": True}),
    "gemini": ("/v1beta/models/acme/ok:streamGenerateContent?alt=sse", {"contents": CONTENTS}),
    "gemini array": ("/v1beta/models/acme/ok:streamGenerateContent", {"contents": CONTENTS}),
}


@pytest.mark.parametrize("client", STREAMS)
def test_a_translated_stream_that_cannot_be_recorded_has_no_clean_end(
    tmp_path: Path, provider: FakeProvider, client: str
) -> None:
    providers: dict[str, Any] = {"claude": claude(provider.base_url), "acme": provider.base_url}
    path, body = STREAMS[client]
    with GatewayUnderTest(config_text(providers), tmp_path, env=ENV) as served, served.connect() as http:
        assert http.request("POST", path, **body).status == 200
        limit_files(served, 0)
        answer = http.request("POST", path, **body)
        assert answer.status == 200
        told = answer.body.decode()
        assert "could not be recorded" in told
        for end in ("[DONE]", "message_stop", "response.completed", '"finishReason"'):
            assert end not in told
        if client == "gemini array":
            assert json.loads(told)[-1]["error"]
        limit_files(served, resource.RLIM_INFINITY)
        until(lambda: served.ready_status() == 200, "the journal to be writable again", 5)
        assert http.request("GET", "/livez").status == 200, "nothing lies between the answers"


NO_USAGE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 500}, "finish_reason": "stop"}],
}


def test_usage_that_a_whole_answer_does_not_tell_stays_unknown(gateway: StartGateway) -> None:
    price = {"price": {"input_usd_per_mtok": "1.10", "output_usd_per_mtok": "4.40"}}
    with ScriptedUpstream(lambda n: whole(NO_USAGE)) as upstream:
        served = gateway(config_text({"acme": upstream.base_url}, deployments={"acme/m": price}), env=ENV)
        for path in ("/v1/chat/completions", "/v1/messages"):
            answer = asked(served, path, model="acme/m", messages=ASK, max_tokens=9)
            assert answer.status == 200
            exchange = exchange_of(served, answer)
            assert (exchange.usage, exchange.cost_usd) == (None, None)
            assert answer.header("x-steelyard-cost-usd") is None


def test_tokens_can_be_counted_by_a_deployment_that_lacks_something(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    config = config_text(
        {
            "claude": claude(provider.base_url),
            "google": google(provider.url),
        },
        deployments={"claude/ok": {"lacks": ["images"]}, "google/ok": {"lacks": ["images"]}},
    )
    served = gateway(config, env=ENV)
    answer = asked(served, "/v1/messages/count_tokens", model="claude/ok", messages=ASK)
    assert answer.status == 200, answer.body
    for body in ({"contents": CONTENTS}, {"generateContentRequest": {"model": "models/ok", "contents": CONTENTS}}):
        answer = asked(served, "/v1beta/models/google/ok:countTokens", **body)
        assert answer.status == 200, answer.body
        assert answer.json()["totalTokens"]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    seen = [{"role": "user", "content": [image]}]
    refused = asked(served, "/v1/messages/count_tokens", model="claude/ok", messages=seen)
    assert (refused.status, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "messages[0].content[0]" in refused.json()["error"]["message"]


def test_what_is_counted_is_no_call_of_unknown_cost(gateway: StartGateway, provider: FakeProvider) -> None:
    own = claude(provider.base_url)
    served = gateway(config_text({"claude": own, "acme": provider.base_url}), env=ENV)
    for model in ("claude/ok", "acme/ok"):
        assert asked(served, "/v1/messages/count_tokens", model=model, messages=ASK).status == 200
    unknown = [one for one in served.metrics().splitlines() if one.startswith("steelyard_calls_cost_unknown_total{")]
    assert [one.split()[-1] for one in unknown] == ["0"] * len(unknown)


def test_an_error_that_a_relayed_stream_begins_with_has_its_dialects_own_shape(gateway: StartGateway) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with ScriptedUpstream(lambda n: events(error, name="type")) as upstream:
        own = claude(upstream.base_url)
        routes = {"r": {"deployments": ["claude/m"], "retries": 0}}
        served = gateway(config_text({"claude": own}, routes=routes), env=ENV)
        answer = asked(served, "/v1/messages", model="r", messages=ASK, max_tokens=9, stream=True)
    assert answer.status >= 500
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "overloaded_error"


def test_strict_refuses_to_keep_nothing_of_what_was_to_be_kept(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    body = {"model": "acme/ok", "input": "Hi", "store": True}
    with served.connect() as http:
        raw = json.dumps(body).encode()
        headers = {"content-type": "application/json", "x-steelyard-strict": "1"}
        answer = http.request("POST", "/v1/responses", raw, headers)
    assert (answer.status, answer.error_code) == (400, "translation_loss")
    assert provider.requests == []


@pytest.mark.parametrize("begun", [False, True], ids=["before", "in the stream"])
def test_a_token_that_google_quotes_is_told_to_nobody(gateway: StartGateway, tmp_path: Path, begun: bool) -> None:
    error = {"error": {"code": 400, "message": "bad ya29.token-1", "status": "X-ya29.token-1"}}
    said = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "index": 0}]}
    script = (said, error) if begun else (error,)
    with GoogleTokens() as tokens, ScriptedUpstream(lambda n: events(*script)) as upstream:
        vertex = {"base_url": upstream.base_url, "dialect": "gemini", "project": "p", "location": "europe-west4"}
        vertex["credentials"] = f"file:{tokens.file(tmp_path)}"
        served = gateway(config_text({"vertex": vertex}, server={"record": "full"}), env=ENV)
        for path in ("/v1/chat/completions", "/v1/messages"):
            answer = asked(served, path, model="vertex/m", messages=ASK, max_tokens=9, stream=True)
            assert b"bad [secret]" in answer.body
            assert b"ya29" not in answer.body
        whole = asked(served, "/v1/messages", model="vertex/m", messages=ASK, max_tokens=9)
        assert whole.status == 400
        relayed = asked(served, "/v1beta/models/vertex/m:streamGenerateContent?alt=sse", contents=CONTENTS)
        assert b"bad [secret]" in relayed.body
        assert b"ya29" not in whole.body + relayed.body
        assert tokens.given == 1
    kept = b"".join(path.read_bytes() for path in (served.home / "journal").iterdir())
    assert b"[secret]" in kept
    assert b"ya29" not in kept


def test_a_key_in_the_address_reaches_neither_the_provider_nor_the_record(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    own = google(provider.url)
    served = gateway(config_text({"google": own}, server={"record": "full"}), env=ENV)
    key = served.new_key("team")
    for call in ("generateContent", "streamGenerateContent", "nothing"):
        asked(served, f"/v1beta/models/google/ok:{call}?alt=sse&key={key}", contents=CONTENTS)
    sent = b"".join(one.target.encode() + repr(one.headers).encode() for one in provider.requests)
    assert provider.requests
    assert key.encode() not in sent
    kept = b"".join(path.read_bytes() for path in (served.home / "journal").iterdir())
    assert key.encode() not in kept
    assert key not in served.stderr


PLAIN = {
    "id": "chatcmpl-1",
    "created": 1741569952,
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
}
CALLED = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
CALLING = {"message": {"role": "assistant", "content": None, "tool_calls": [CALLED]}, "finish_reason": "tool_calls"}
CHUNK = {"id": "chatcmpl-1", "model": "m-1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
LAST = {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]}
IN_ONE_READ = {
    "a text": whole(PLAIN),
    "a call of a tool": whole({**PLAIN, "choices": [CALLING]}),
    "a text without usage": whole(NO_USAGE),
    "a stream that nobody asked for": events(CHUNK, LAST),
    "an error in an answer's place": whole({"error": {"message": "no such thing", "code": "nothing"}}),
    "none of the dialect": whole({"hello": "there"}),
    "what quotes the key": whole({**PLAIN, "system_fingerprint": ENV["FAKE_KEY"]}),
}


def halves(reply: Reply) -> Reply:
    (told,) = reply.pieces
    return Reply((told[:-9], told[-9:]), pause_s=0.05)


@pytest.mark.parametrize("name", IN_ONE_READ)
def test_an_answer_that_comes_in_one_read_is_translated_as_one_in_two(gateway: StartGateway, name: str) -> None:
    reply = IN_ONE_READ[name]
    with ScriptedUpstream(lambda n: halves(reply) if n % 2 else reply) as upstream:
        told = {"base_url": upstream.base_url, "api_key": "env:FAKE_KEY"}
        routes = {"r": {"deployments": ["acme/m"], "retries": 0}}
        served = gateway(config_text({"acme": told}, routes=routes), env=ENV)
        once, twice = (asked(served, "/v1/messages", model="r", messages=ASK, max_tokens=9) for _ in range(2))
        first, second = exchange_of(served, once), exchange_of(served, twice)
    assert once.status == twice.status
    own = {"id": "", "request_id": ""}
    assert {**once.json(), **own} == {**twice.json(), **own}
    assert (first.usage, first.finish_reason, first.outcome) == (second.usage, second.finish_reason, second.outcome)
    assert ENV["FAKE_KEY"] not in once.body.decode() + repr(first)
    assert once.header("x-steelyard-loss") == twice.header("x-steelyard-loss")


def test_a_translated_request_is_translated_again_for_the_next_deployment(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    config = config_text(
        {"claude": claude(provider.base_url), "acme": provider.base_url},
        routes={"r": {"deployments": ["claude/status:503", "acme/ok"]}},
    )
    tool = {"type": "function", "name": "look", "parameters": {"type": "object"}}
    body = {"model": "r", "input": "Hi there", "instructions": "Be brief.", "tools": [tool]}
    answer = asked(gateway(config, env=ENV), "/v1/responses", **body)
    assert answer.status == 200, answer.body
    first, second = provider.requests
    assert (first.path, second.path) == ("/v1/messages", "/v1/chat/completions")
    assert first.json()["system"] == "Be brief."
    assert [one["content"] for one in second.json()["messages"]] == ["Be brief.", "Hi there"]
    assert answer.json()["instructions"] == "Be brief."
    assert [one["name"] for one in answer.json()["tools"]] == ["look"]


class Wire(asyncio.Transport):
    """A transport that notes what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False


def work(seconds: float) -> None:
    end = monotonic() + seconds
    while monotonic() < end:
        pass


def test_what_translations_give_to_write_is_gathered_and_not_held_for_long(tmp_path: Path) -> None:
    loop, journal = asyncio.new_event_loop(), JournalWriter(tmp_path, "0", 64 * 1024)
    outbox, line, wire = Outbox(loop, journal), Connection(), Wire()
    line.open, line.transport = True, wire
    began, took = 0.0, 1.0
    while took > 0.0009:  # on a busy machine even the shortest work takes long
        outbox.flush()
        work(0.002)
        wire.written.clear()
        began = monotonic()
        outbox.write(line, b"alone ")
        work(0.0002)
        outbox.keep_pace()
        took = monotonic() - began
    assert wire.written == [b"alone "]
    outbox.write(line, b"gathered ")
    work(0.0002)
    outbox.keep_pace()
    outbox.write(line, b"with it")
    if monotonic() - began < 0.002:
        assert wire.written == [b"alone "]
    work(0.0025)
    outbox.keep_pace()
    assert b"".join(wire.written) == b"alone gathered with it"
    assert len(wire.written) <= 3
    wire.written.clear()
    work(0.0015)
    outbox.keep_pace()
    outbox.write(line, b"after a pause")
    assert wire.written == [b"after a pause"]
    journal.close()
    loop.close()
