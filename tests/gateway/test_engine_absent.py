"""Local models whose engine is not there."""

import time

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text


def with_model(gateway: GatewayUnderTest, name: str) -> None:
    """Put a model into the store that no engine will ever run."""
    folder = gateway.home / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"GGUF")


def test_a_local_model_without_an_engine_is_an_error_at_once_that_says_how_to_start_it(gateway: StartGateway) -> None:
    served = gateway()
    with_model(served, "tiny")
    begun = time.monotonic()
    with served.connect() as http:
        answer = http.chat("local/tiny")
    assert time.monotonic() - begun < 5.0, "it was not waited for until the call's time was over"
    assert answer.status == 502
    error = answer.json()["error"]
    assert error["code"] == "engine_unavailable"
    assert "steelyard engine tiny" in error["message"]


def test_a_local_model_without_an_engine_is_passed_over(gateway: StartGateway, provider: FakeProvider) -> None:
    routes = {"assistant": {"deployments": ["acme/ok", "acme/echo"], "retries": 1}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    with_model(served, "tiny")
    text = served.config_path.read_text(encoding="utf-8")
    served.config_path.write_text(text.replace('"acme/ok", ', '"local/tiny", '), encoding="utf-8")
    deadline = time.monotonic() + 10.0
    while "took the new configuration" not in served.stderr and time.monotonic() < deadline:
        time.sleep(0.05)
    with served.connect() as http:
        answer = http.chat("assistant")
    assert answer.status == 200
    assert answer.header("x-steelyard-deployment") == "acme/echo"
