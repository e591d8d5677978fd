"""`steelyard check`."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.fake.certificate import self_signed
from tests.fake.proxy import FakeProxy
from tests.support import config_text, free_port
from tests.support.valkey import Valkey

SECRET = "sk-that-nobody-may-see"


def _check(call: Call, text: str, directory: Path, **env: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Return the exit code and the findings by subject."""
    (directory / "steelyard.toml").write_text(text)
    result = call("check", "--json", env=env)
    assert SECRET not in result.output
    found = json.loads(result.stdout)
    assert found["ok"] is (result.exit_code == 0)
    by_subject: dict[str, list[dict[str, Any]]] = {}
    for finding in found["findings"]:
        by_subject.setdefault(finding["subject"], []).append(finding)
    return result.exit_code, by_subject


def _text(base_url: str, **server: Any) -> str:
    acme = {"base_url": base_url, "api_key": "env:ACME_API_KEY"}
    return config_text({"acme": acme}, server={"port": free_port(), **server})


def test_a_provider_that_answers_with_this_key_is_fine(call: Call, tmp_path: Path) -> None:
    with FakeProvider(api_key=SECRET) as provider:
        code, found = _check(call, _text(provider.base_url), tmp_path, ACME_API_KEY=SECRET)
    assert code == 0
    assert found["provider acme"][0]["level"] == "ok"


def test_a_refused_key_is_wrong(call: Call, tmp_path: Path) -> None:
    with FakeProvider(api_key="another") as provider:
        code, found = _check(call, _text(provider.base_url), tmp_path, ACME_API_KEY=SECRET)
    assert code == 1
    assert "HTTP 401" in found["provider acme"][0]["text"]


def test_a_missing_key_is_wrong(call: Call, tmp_path: Path) -> None:
    code, found = _check(call, _text("http://127.0.0.1:9/v1"), tmp_path)
    assert code == 1
    assert "ACME_API_KEY is not set" in found["provider acme"][0]["text"]


def test_nobody_at_the_address_is_wrong(call: Call, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    code, found = _check(call, _text(address), tmp_path, ACME_API_KEY=SECRET)
    assert code == 1
    assert "Connection refused" in found["provider acme"][0]["text"]


def test_a_certificate_that_nobody_vouches_for_is_wrong(call: Call, tmp_path: Path) -> None:
    with FakeProvider(api_key=SECRET, certificate=self_signed(tmp_path)) as provider:
        code, found = _check(call, _text(provider.base_url), tmp_path, ACME_API_KEY=SECRET)
    assert code == 1
    assert "certificate" in found["provider acme"][0]["text"]


def test_offline_calls_nobody(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text(_text(f"http://127.0.0.1:{free_port()}/v1"))
    assert call("check", "--offline", env={"ACME_API_KEY": SECRET}).exit_code == 0


def test_each_mistake_of_the_configuration_is_a_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text('[server]\nport = "many"\nhots = "x"\n')
    result = call("check")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert [line.startswith("WRONG configuration: ") for line in lines] == [True, True]


def test_a_port_that_somebody_uses_is_wrong(call: Call, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, found = _check(call, f"[server]\nport = {port}\n", tmp_path)
    assert code == 1
    assert found[f"port {port}"][0]["level"] == "wrong"


def test_a_port_that_our_gateway_uses_is_fine(call: Call, tmp_path: Path, gateway: StartGateway) -> None:
    running = gateway()
    code, found = _check(call, f"[server]\nport = {running.port}\n", tmp_path)
    assert code == 0
    assert "a gateway already serves" in found[f"port {running.port}"][0]["text"]


def test_an_open_address_without_keys_is_wrong(call: Call, tmp_path: Path) -> None:
    text = f'[server]\nhost = "0.0.0.0"\nport = {free_port()}\n'
    code, found = _check(call, text, tmp_path)
    assert code == 1
    assert "steelyard keys create" in found["keys"][0]["text"]


def test_a_data_directory_that_is_none_is_wrong(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    config = f"[server]\nport = {free_port()}\n"
    code, found = _check(call, config, tmp_path, STEELYARD_HOME=str(tmp_path / "file"))
    assert code == 1
    assert found["data_dir"][0]["level"] == "wrong"


def test_a_deployment_that_a_route_must_leave_out_is_wrong(call: Call, tmp_path: Path) -> None:
    text = config_text({}, server={"port": free_port()}, routes={"r": {"deployments": ["openai/gpt-4.1"]}})
    code, found = _check(call, text, tmp_path)
    assert code == 1
    assert "openai/gpt-4.1 is left out" in found["route r"][0]["text"]


def test_an_unknown_price_is_a_note(call: Call, tmp_path: Path) -> None:
    with FakeProvider() as provider:
        text = config_text(
            {"acme": provider.base_url}, server={"port": free_port()}, routes={"r": {"deployments": ["acme/ok"]}}
        )
        code, found = _check(call, text, tmp_path)
    assert code == 0
    assert found["deployment acme/ok"][0]["level"] == "note"


def test_a_provider_of_this_machine_is_asked_directly(call: Call, tmp_path: Path) -> None:
    with FakeProxy() as proxy, FakeProvider(api_key=SECRET) as provider:
        text = _text(provider.base_url)
        code, found = _check(call, text, tmp_path, ACME_API_KEY=SECRET, http_proxy=proxy.url, HTTP_PROXY=proxy.url)
        assert proxy.requests == []
    assert code == 0
    assert found["provider acme"][0]["level"] == "ok"


@pytest.mark.parametrize(
    ("dialect", "below"), [("anthropic", "/v1"), ("gemini", "/v1beta"), ("openai-responses", "/v1")]
)
def test_a_provider_of_any_dialect_is_asked_with_its_key(dialect: str, below: str, call: Call, tmp_path: Path) -> None:
    with FakeProvider(api_key=SECRET) as provider:
        acme = {"dialect": dialect, "base_url": f"{provider.url}{below}", "api_key": "env:ACME_API_KEY"}
        text = config_text({"acme": acme}, server={"port": free_port()})
        right, found = _check(call, text, tmp_path, ACME_API_KEY=SECRET)
        wrong, other = _check(call, text, tmp_path, ACME_API_KEY="sk-another-one")
    assert (right, found["provider acme"][0]["level"]) == (0, "ok")
    assert wrong == 1
    assert "HTTP 401" in other["provider acme"][0]["text"]


def test_a_cloud_is_looked_for_where_its_credentials_cannot_be_tried(call: Call, tmp_path: Path) -> None:
    with FakeProvider() as provider:
        env = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": provider.url}
        code, found = _check(call, f"[server]\nport = {free_port()}\n", tmp_path, **env)
        (request,) = provider.requests
    assert code == 0
    assert (request.method, request.path, request.header("authorization")) == ("GET", "/", None)
    (finding,) = found["provider bedrock"]
    assert finding["level"] == "note"
    assert "cannot be asked whether its credentials are right" in finding["text"]


def test_what_a_cloud_lacks_is_told_where_a_route_wants_it(call: Call, tmp_path: Path) -> None:
    text = config_text({}, server={"port": free_port()}, routes={"r": {"deployments": ["vertex/gemini-2.5-flash"]}})
    code, found = _check(call, text, tmp_path, GOOGLE_CLOUD_PROJECT="p")
    assert code == 1
    assert "Set GOOGLE_CLOUD_LOCATION" in found["provider vertex"][0]["text"]


def test_a_proxy_that_is_in_the_way_is_named(call: Call, tmp_path: Path) -> None:
    with FakeProxy(refuse=403) as proxy:
        text = _text("https://acme.invalid/v1")
        code, found = _check(call, text, tmp_path, ACME_API_KEY=SECRET, https_proxy=proxy.url)
    assert code == 1
    said = found["provider acme"][0]["text"]
    assert f"through the proxy {proxy.url}: Tunnel connection failed: 403" in said
    assert "NO_PROXY" in said


def test_a_plain_proxy_gets_its_own_credentials(call: Call, tmp_path: Path) -> None:
    with FakeProxy(credentials="me:word", refuse=502) as proxy:
        _, found = _check(call, _text("http://acme.invalid/v1"), tmp_path, ACME_API_KEY=SECRET, http_proxy=proxy.url)
        (request,) = proxy.requests
    assert request.target == "http://acme.invalid/v1/models"
    assert (request.header("proxy-authorization") or "").startswith("Basic ")
    said = found["provider acme"][-1]["text"]
    assert f"through the proxy http://127.0.0.1:{proxy.port}" in said
    assert "word" not in said


@pytest.mark.parametrize(
    ("database", "arguments", "told"),
    [
        ("0", (), "the server answers"),
        ("99", (), "does not serve this machine: ResponseError: DB index is out of range"),
        ("99", ("--offline",), None),
        ("one", ("--offline",), "stands for is wrong: its database is no number"),
    ],
)
def test_the_server_that_gateways_share_is_asked(
    call: Call, tmp_path: Path, database: str, arguments: tuple[str, ...], told: str | None
) -> None:
    text = config_text({}, server={"port": free_port()}) + '[shared]\nurl = "env:VALKEY_URL"\n'
    (tmp_path / "steelyard.toml").write_text(text)
    with Valkey(tmp_path) as server:
        url = f"{server.url.removesuffix('0')}{database}"
        result = call("check", "--json", *arguments, env={"VALKEY_URL": url})
    texts = [one["text"] for one in json.loads(result.stdout)["findings"] if one["subject"] == "shared"]
    assert len(texts) == (told is not None)
    assert all(told in one for one in texts if told is not None)
    assert result.exit_code == (told not in (None, "the server answers"))


def test_a_server_that_cannot_be_reached_or_known_is_wrong(call: Call, tmp_path: Path) -> None:
    text = f'[server]\nport = {free_port()}\n[shared]\nurl = "rediss://127.0.0.1:{free_port()}/0"\n'
    for more, told in (("", "does not serve this machine: ConnectionError"), ('ca_file = "none.pem"\n', "ca_file: ")):
        (tmp_path / "steelyard.toml").write_text(text + more)
        result = call("check", "--json")
        (finding,) = [one for one in json.loads(result.stdout)["findings"] if one["subject"] == "shared"]
        assert told in finding["text"]
        assert result.exit_code == 1
