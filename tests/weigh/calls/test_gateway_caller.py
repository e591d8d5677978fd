"""Calls through a real gateway in front of a provider that misbehaves on demand."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar, Self, TypeVar

import pytest

from steelyard.core.errors import ConfigError, EngineError
from steelyard.weigh.calls.caller import Reply, Request
from steelyard.weigh.calls.gateway_caller import GatewayCaller, Patience
from tests.cli.program import until
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text, free_port

T = TypeVar("T")

QUICK = Patience(tries=3, longest_wait_s=1.0)
PRICE = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}


def within(
    address: str, work: Callable[[GatewayCaller], Awaitable[T]], key: str | None = None, patience: Patience = QUICK
) -> T:
    """Do something with a caller."""

    async def done() -> T:
        async with GatewayCaller(address, key, patience=patience) as caller:
            return await work(caller)

    return asyncio.run(done())


def asked(address: str, deployment: str, **fields: object) -> Reply:
    request = Request(deployment, ({"role": "user", "content": "What is 2 + 2?"},), fields)
    return within(address, lambda caller: caller.call(request))


def test_a_reply_says_what_was_answered_by_whom_at_what_cost(gateway: StartGateway, provider: FakeProvider) -> None:
    priced = {"acme/words:5": {"price": PRICE}}
    served = gateway(config_text({"acme": provider.base_url}, deployments=priced))
    reply = asked(served.url, "acme/words:5")
    assert reply.text
    assert len(reply.text.split()) == 5
    assert (reply.status, reply.error, reply.finish_reason, reply.attempts) == (200, None, "stop", 1)
    assert reply.deployment == "acme/words:5"
    assert reply.exchange
    assert reply.exchange.startswith("req_")
    assert reply.input_tokens
    assert reply.output_tokens
    assert reply.cost_usd is not None
    assert float(reply.cost_usd) == pytest.approx((2 * reply.input_tokens + 8 * reply.output_tokens) / 1e6)
    assert 0 < reply.took_s < 30


def test_a_cost_that_nobody_knows_is_none(gateway: StartGateway) -> None:
    reply = asked(gateway().url, "acme/ok")
    assert reply.text
    assert reply.cost_usd is None


def test_fields_go_along_and_never_take_the_place_of_the_model(gateway: StartGateway) -> None:
    reply = asked(gateway().url, "acme/echo", temperature=0, max_tokens=7, model="acme/ok", stream=True)
    assert reply.text
    assert '"temperature":0' in reply.text
    assert '"max_tokens":7' in reply.text
    assert '"model":"echo"' in reply.text


def test_tool_calls_are_an_answer(gateway: StartGateway) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    reply = asked(gateway().url, "acme/tool-call", tools=[tool])
    assert reply.text == ""
    assert reply.tool_calls[0]["function"]["name"] == "weather"


def test_a_refusal_is_what_the_model_said(gateway: StartGateway) -> None:
    assert asked(gateway().url, "acme/refusal").text == "I cannot help with that."


def test_a_provider_that_fails_is_a_reply_with_its_status(gateway: StartGateway) -> None:
    reply = asked(gateway().url, "acme/status:400")
    assert reply.text is None
    assert reply.status == 400
    assert reply.error
    assert reply.error.startswith("HTTP 400")


def test_an_unknown_model_is_told_with_its_code(gateway: StartGateway) -> None:
    reply = asked(gateway().url, "nobody/knows")
    assert (reply.status, reply.code) == (404, "model_not_found")


def with_key(served: GatewayUnderTest) -> str:
    """Return a key that the gateway knows already."""
    key: str = served.steelyard("keys", "create", "someone")["key"]
    until(lambda: _needs_a_key(served.url), "the gateway asks for a key")
    return key


def _needs_a_key(address: str) -> bool:
    try:
        within(address, lambda caller: caller.models())
    except ConfigError:
        return True
    return False


def test_a_limit_that_passes_is_waited_for(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"calls_per_key": 1}))
    key = with_key(served)
    request = Request("acme/slow-first-byte:0.2", ({"role": "user", "content": "Hi"},))

    async def both(caller: GatewayCaller) -> list[Reply]:
        return list(await asyncio.gather(caller.call(request), caller.call(request)))

    replies = within(served.url, both, key)
    assert [reply.status for reply in replies] == [200, 200]
    attempts = sorted(reply.attempts for reply in replies)
    assert attempts[0] == 1
    assert attempts[1] > 1


def test_a_longer_wait_than_we_have_patience_for_is_told_at_once(gateway: StartGateway) -> None:
    reply = asked(gateway().url, "acme/scene:rate-limited")
    assert (reply.status, reply.attempts) == (429, 1)


def test_without_a_gateway_it_says_how_to_start_one() -> None:
    with pytest.raises(EngineError, match="steelyard up"):
        asked(f"http://127.0.0.1:{free_port()}", "acme/ok")


def test_a_gateway_that_starts_again_is_waited_for(gateway: StartGateway) -> None:
    served = gateway()
    request = Request("acme/ok", ({"role": "user", "content": "Hi"},))

    async def through_a_restart(caller: GatewayCaller) -> tuple[Reply, Reply]:
        first = await caller.call(request)
        served.kill()
        await asyncio.sleep(0.05)  # the connection from before is seen to be closed
        calling = asyncio.create_task(caller.call(request))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(served.start)
        return first, await calling

    async def done() -> tuple[Reply, Reply]:
        async with GatewayCaller(served.url, patience=Patience(tries=8)) as caller:
            return await through_a_restart(caller)

    first, second = asyncio.run(done())
    assert (first.status, second.status) == (200, 200)
    assert second.attempts > first.attempts


def test_what_is_no_gateway_is_told() -> None:
    with WebSite() as site, pytest.raises(EngineError, match="is no gateway"):
        within(site.url, lambda caller: caller.models())


def test_models_are_listed(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, routes={"assistant": {"deployments": ["acme/ok"]}}))
    assert within(served.url, lambda caller: caller.models()) == ("assistant", "acme/ok")


def test_a_model_that_would_not_answer_is_known_at_no_cost(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, routes={"assistant": {"deployments": ["acme/ok"]}}))
    found = {
        name: within(served.url, lambda caller, name=name: caller.refused(name))  # type: ignore[misc]
        for name in ("assistant", "acme/ok", "acme/unlisted", "asistant")
    }
    unknown = found.pop("asistant")
    assert set(found.values()) == {None}
    assert unknown is not None
    assert unknown.code == "model_not_found"
    assert "assistant" in unknown.message
    assert provider.requests == []


def test_a_key_that_is_wrong_is_told_before_any_call(gateway: StartGateway) -> None:
    served = gateway()
    key = with_key(served)
    within(served.url, lambda caller: caller.models(fresh_key=True), key)
    with pytest.raises(ConfigError, match="--key or STEELYARD_KEY"):
        within(served.url, lambda caller: caller.models(), "sy-wrong")


async def one_after_the_other(caller: GatewayCaller, models: Sequence[str]) -> list[Reply]:
    message = {"role": "user", "content": "Hello"}
    return [await caller.call(Request(model, (message,))) for model in models]


def test_a_model_that_has_answered_nothing_yet_is_not_waited_for_when_it_rests(gateway: StartGateway) -> None:
    served = gateway()
    eager = Patience(at_first_s=0.0)
    replies = within(served.url, lambda caller: one_after_the_other(caller, ["acme/status:500"] * 8), patience=eager)
    # Some calls are tried twice by the gateway, so that five failures may be those of three.
    failed, resting = replies[0], replies[5:]
    assert (failed.status, failed.attempts) == (500, 1)
    assert {(reply.status, reply.code, reply.attempts) for reply in resting} == {(503, "deployments_resting", 1)}
    # The gateway's word alone would not tell what is to be mended.
    assert all("Before that: HTTP 500: The server had an error" in (reply.error or "") for reply in resting)


def test_a_model_that_has_answered_is_waited_for_when_it_rests() -> None:
    eager = Patience(at_first_s=0.0)
    asked = ["rests", "fails", "fails"]
    with WebSite(_Resting) as site:
        first, failed, other = within(site.url, lambda caller: one_after_the_other(caller, asked), patience=eager)
        # It rested after others' failures, and is waited for as well.
        assert (first.text, first.attempts) == ("Hello", 2)
        assert (failed.status, failed.attempts) == (500, 1)
        assert (other.text, other.code, other.attempts) == (None, "deployments_resting", 1)
        asked = ["answers", "answers"]
        known, again = within(site.url, lambda caller: one_after_the_other(caller, asked), patience=eager)
        assert (known.text, known.attempts) == ("Hello", 1)
        assert (again.text, again.attempts) == ("Hello", 3)


class WebSite(ThreadingHTTPServer):
    """A server that is no gateway."""

    def __init__(self, page: type[BaseHTTPRequestHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), page or _Page)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>Hello</h1>")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class _Resting(BaseHTTPRequestHandler):
    """Answer each model's calls in turn: with a text, with 500, or with a rest that is over at once, or a long one."""

    turns: ClassVar = {"answers": [200, 503, 503, 200], "rests": [503, 200], "fails": [500, 503]}

    def do_POST(self) -> None:
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        status = self.turns[model].pop(0)
        code = "deployments_resting" if status == 503 else None
        message = {"role": "assistant", "content": "Hello"}
        answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        error = {"error": {"message": "No answer.", "type": "server_error", "code": code}}
        content = json.dumps(answer if status == 200 else error).encode()
        self.send_response(status)
        self.send_header("retry-after", "30" if model == "fails" else "0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""
