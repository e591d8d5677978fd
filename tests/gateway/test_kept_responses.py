"""Kept responses: whose they are, how long a conversation may grow, and what waits for the ledger."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from steelyard.gateway.shelf import name_of
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.test_detours import ENV, asked, whole
from tests.gateway.test_drain import wait_end
from tests.gateway.upstream_rig import ScriptedUpstream, until
from tests.support import GatewayUnderTest, config_text

RESPONSES = "/v1/responses"


def said(name: str, **fields: Any) -> dict[str, Any]:
    """Return a response as a provider gives it."""
    text = {"type": "output_text", "text": "Evil", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    return {"id": name, "object": "response", "status": "completed", "model": "m", "output": [item], **fields}


@contextmanager
def kept(served: GatewayUnderTest) -> Iterator[Callable[[str], Any]]:
    """Run the clerk; give what finds a response by its id."""
    with served.beside("clerk"), served.connect() as http:

        def find(name: str) -> Any:
            return http.request("GET", f"{RESPONSES}/{name}")

        until(lambda: find("resp_none").status == 404, "the ledger to be there", 20)
        yield find


def test_an_upstream_that_gives_the_id_of_another_response_does_not_hide_that(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    names: list[str] = []
    with ScriptedUpstream(lambda n: whole(said(names[0]))) as upstream:
        evil = {"dialect": "openai-responses", "base_url": upstream.base_url, "api_key": "env:FAKE_KEY"}
        config = config_text({"acme": provider.base_url, "evil": evil}, server={"record": "full"})
        served = gateway(config, env=ENV)
        with kept(served) as find:
            first = asked(served, RESPONSES, model="acme/ok", input="Hi").json()
            names.append(first["id"])
            assert asked(served, RESPONSES, model="evil/m", input="Hi").json()["id"] == first["id"]
            later = asked(served, RESPONSES, model="acme/ok", input="Hi").json()
            assert find(later["id"]).json() == later
            assert find(first["id"]).json() == first


def test_a_conversation_goes_on_elsewhere_as_soon_as_a_relayed_response_has_come(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    with ScriptedUpstream(lambda n: whole(said(f"resp_of_openai_{n}"))) as upstream:
        openai = {"dialect": "openai-responses", "base_url": upstream.base_url, "api_key": "env:FAKE_KEY"}
        config = config_text({"acme": provider.base_url, "openai-like": openai}, server={"record": "full"})
        served = gateway(config, env=ENV)
        with kept(served):
            for _ in range(10):
                name = asked(served, RESPONSES, model="openai-like/m", input="Hi").json()["id"]
                answer = asked(served, RESPONSES, model="acme/ok", input="And?", previous_response_id=name)
                assert answer.status == 200, answer
    assert [one["content"] for one in provider.requests[-1].json()["messages"]] == ["Hi", "Evil", "And?"]


def test_a_response_is_of_the_key_that_asked_for_it_alone(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"record": "full"}))
    mine, other = (served.new_key(name) for name in ("mine", "other"))
    with served.beside("clerk"), served.connect() as http:

        def call(method: str, path: str, key: str, **fields: Any) -> Any:
            return http.request(method, path, None, {"authorization": f"Bearer {key}"}, **fields)

        name = call("POST", RESPONSES, mine, model="acme/ok", input="Hi").json()["id"]
        until(lambda: call("GET", f"{RESPONSES}/{name}", mine).status == 200, "the response to be kept", 20)
        assert call("GET", f"{RESPONSES}/{name}", other).status == 404
        assert call("GET", f"{RESPONSES}/{name}/input_items", other).status == 404
        assert call("DELETE", f"{RESPONSES}/{name}", other).status == 404
        refused = call("POST", RESPONSES, other, model="acme/ok", input="And?", previous_response_id=name)
        assert (refused.status, refused.error_code) == (400, "previous_response_not_found")
        gone_on = call("POST", RESPONSES, mine, model="acme/ok", input="And?", previous_response_id=name)
        assert gone_on.status == 200


def test_what_was_not_to_be_stored_is_not_found_though_the_upstream_does_not_say_so(gateway: StartGateway) -> None:
    with ScriptedUpstream(lambda n: whole(said(f"resp_of_{n}"))) as upstream:
        own = {"dialect": "openai-responses", "base_url": upstream.base_url, "api_key": "env:FAKE_KEY"}
        served = gateway(config_text({"own": own}, server={"record": "full"}), env=ENV)
        with kept(served) as find:
            assert asked(served, RESPONSES, model="own/m", input="Hi", store=False).json()["id"] == "resp_of_0"
            assert asked(served, RESPONSES, model="own/m", input="Hi").json()["id"] == "resp_of_1"
            until(lambda: find("resp_of_1").status == 200, "the second one to be found")
            assert find("resp_of_0").status == 404


def test_a_conversation_grows_no_larger_than_a_body_may_be(gateway: StartGateway, provider: FakeProvider) -> None:
    server = {"record": "full", "max_body_bytes": 20_000}
    served = gateway(config_text({"acme": provider.base_url}, server=server))
    with kept(served):
        previous: dict[str, Any] = {}
        statuses = []
        for _ in range(3):
            answer = asked(served, RESPONSES, model="acme/ok", input="x" * 7_000, **previous)
            statuses.append(answer.status)
            previous = {"previous_response_id": answer.json().get("id")}
        assert statuses == [200, 200, 413]
        assert len(provider.requests) == 2


def test_who_waits_for_the_ledger_is_answered_while_the_gateway_drains(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"record": "full"}))
    with served.connect() as http:
        first = asked(served, RESPONSES, model="acme/ok", input="Hi").json()["id"]
        http.begin("POST", RESPONSES, model="acme/ok", input="And?", previous_response_id=first)
        time.sleep(0.3)
        served.signal(signal.SIGTERM)
        answer = http.response()
    assert (answer.status, answer.header("connection")) == (503, "close")
    wait_end(served, 10)


def test_a_client_that_leaves_at_once_leaves_no_errand_behind(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"record": "full"}))
    for _ in range(20):
        with served.connect() as http:
            http.begin("GET", f"{RESPONSES}/resp_none")
            http.reset()
    with served.connect() as http:
        assert http.request("GET", "/livez").status == 200
    served.stop()
    assert "never awaited" not in served.stderr


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"id":' + b"[" * 100_000, b"\xff", b"{}", b'{"id":1}'])
def test_what_is_no_response_is_not_kept(body: bytes) -> None:
    request = json.dumps({"model": "m", "input": "Hi"}).encode()
    for stream in (False, True):
        assert name_of(request, b"data: " + body + b"\n\n" if stream else body, stream=stream) is None
