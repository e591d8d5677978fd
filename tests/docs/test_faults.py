"""The table of faults in the guide says what a client sees."""

import json
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.docs.pages import cells, read
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text, free_port

PAGE: Final = "docs/guides/streaming-and-faults.md"
LIMITS: Final = {"connect": 2, "first_byte": 0.3, "idle": 0.3, "total": 2}

WHOLE: Final = {
    "refuses connections, cannot be resolved, TLS fails": "dead/any",
    "silent": "acme/never-answers",
    "stalls": "acme/stalls:2",
    "closes too early": "acme/cut:after-headers",
    "401, 403": "acme/status:401",
    "another error status, HTML or empty; a redirect": "acme/html-502",
    "200 with HTML, broken JSON, no body": "acme/html-200",
    "what is not HTTP: head, lengths, chunks, a status over 599, a switch of protocols": "acme/status:999",
    "fewer bytes than `Content-Length` says": "acme/length-off:9",
    "gzip that is none, or too much": "acme/coding-broken",
}
STREAMED: Final = {
    "stalls": "acme/stalls:2",
    "closes too early": "acme/cut:mid-stream:2",
    "ends a stream without its last event": "acme/finish-no-done",
    "what is not HTTP: head, lengths, chunks, a status over 599, a switch of protocols": ("acme/chunk-broken:3"),
}


def codes(column: int) -> dict[str, str]:
    """Return the code that the table names in a column, by the fault in the first."""
    rows = {row[0]: re.findall(r"`(upstream_[a-z_]+)`", row[column]) for row in cells(read(PAGE)) if len(row) > column}
    return {fault: found[0] for fault, found in rows.items() if len(found) == 1}


@pytest.fixture(scope="module")
def served() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(served: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    """A gateway with a route for each fault, named after its deployment, that tries once only."""
    providers = {"acme": served.base_url, "dead": f"http://127.0.0.1:{free_port()}/v1"}
    asked = sorted({*WHOLE.values(), *STREAMED.values(), "acme/json-for-stream", "acme/redirect", "acme/status:503"})
    routes = {name.replace("/", "-"): {"deployments": [name], "retries": 0, "timeout_s": LIMITS} for name in asked}
    with GatewayUnderTest(config_text(providers, routes=routes), tmp_path_factory.mktemp("faults")) as gateway:
        yield gateway


def route(deployment: str) -> str:
    return deployment.replace("/", "-")


@pytest.mark.parametrize("fault", WHOLE)
def test_a_fault_before_the_first_byte_is_seen_as_the_guide_says(fault: str, gateway: GatewayUnderTest) -> None:
    with gateway.connect() as http:
        answer = http.chat(route(WHOLE[fault]))
    assert answer.error_code == codes(1)[fault]
    row = next(row for row in cells(read(PAGE)) if row[0] == fault)
    assert str(answer.status) in row[1]


@pytest.mark.parametrize("fault", STREAMED)
def test_a_fault_in_mid_stream_ends_as_the_guide_says(fault: str, gateway: GatewayUnderTest) -> None:
    with gateway.connect() as http:
        answer = http.chat(route(STREAMED[fault]), stream=True)
    assert answer.status == 200
    *_, last = answer.payloads()
    assert json.loads(last)["error"]["code"] == codes(2)[fault]


def test_json_in_place_of_a_stream_is_seen_as_the_guide_says(gateway: GatewayUnderTest) -> None:
    with gateway.connect() as http:
        answer = http.chat("acme-json-for-stream", stream=True)
    assert (answer.status, answer.error_code) == (502, codes(1)["JSON where a stream was asked for, and is relayed"])


def test_a_redirect_is_not_followed(gateway: GatewayUnderTest) -> None:
    with gateway.connect() as http:
        answer = http.chat("acme-redirect")
    assert (answer.status, answer.error_code) == (502, "upstream_status")


def test_an_error_of_the_dialect_is_passed_on(gateway: GatewayUnderTest) -> None:
    with gateway.connect() as http:
        answer = http.chat("acme-status:503")
    assert (answer.status, answer.error_code) == (503, "overloaded")
