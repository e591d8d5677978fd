"""Who may come in: by key, and without one only from this machine, and never from a web page's foreign origin."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forked import run_forked
from tests.gateway.http_rig import CHAT, Front, ask, body_of, front, head, read_answer
from tests.support import GatewayUnderTest, RawHTTP, Response, config_text, free_port
from tests.support.journal import journalled

ROUTES = {"assistant": {"deployments": ["acme/ok"]}, "other": {"deployments": ["acme/words:2"]}}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A gateway that has a key."""
    with front(tmp_path_factory.mktemp("access"), routes=ROUTES) as served:
        key(served, "first")
        until(lambda: chat(served).status == 401)
        yield served


def keys(served: Front, command: str, *arguments: str) -> dict[str, str]:
    found: dict[str, str] = served.gateway.steelyard(
        "keys", command, *arguments, "--config", str(served.gateway.config_path)
    )
    return found


def key(served: Front, name: str, *options: str) -> str:
    """Make a key; return it once the gateway knows it, and lets nobody in without one."""
    secret = keys(served, "create", name, *options)["key"]
    until(lambda: refusal(chat(served)) == (401, "missing_api_key"))
    until(lambda: refusal(chat(served, secret)) != (401, "invalid_api_key"))
    return secret


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> float:
    """Wait until the condition holds; return how long that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < timeout_s
        time.sleep(0.01)
    return time.monotonic() - begun


def lines_of(secret: str | None) -> tuple[str, ...]:
    return () if secret is None else (f"Authorization: Bearer {secret}",)


def chat(served: Front, secret: str | None = None, model: str = "assistant") -> Response:
    with served.connect() as http:
        http.send(ask(body_of(model), *lines_of(secret)))
        return read_answer(http)


def again(http: RawHTTP, secret: str, model: str = "assistant") -> Response:
    http.send(ask(body_of(model), *lines_of(secret)))
    return read_answer(http)


def refusal(answer: Response) -> tuple[int, str | None]:
    return answer.status, answer.error_code if answer.status >= 400 else None


def test_a_missing_or_unknown_key_is_refused(keyed: Front) -> None:
    secret = key(keyed, "known")
    before = len(keyed.provider.requests)
    for lines, code in (
        ((), "missing_api_key"),
        (("Authorization: Bearer ",), "missing_api_key"),
        (("Authorization: Bearer sy-unknown",), "invalid_api_key"),
        ((f"Authorization: Bearer {secret[:-1]}",), "invalid_api_key"),
        ((f"Authorization: Bearer {secret}x",), "invalid_api_key"),
        ((f"Authorization: Bearer {secret.upper()}",), "invalid_api_key"),
        ((f"Authorization: Basic {secret}",), "invalid_api_key"),
        (("Authorization: Bearer \xff\xfe",), "invalid_api_key"),
        (("X-Api-Key: sy-unknown",), "invalid_api_key"),
        ((f"X-Key: {secret}",), "missing_api_key"),
    ):
        for request in (ask(None, *lines), head("GET", "/v1/models", *lines), head("GET", "/metrics", *lines)):
            with keyed.connect() as http:
                http.send(request)
                answer = read_answer(http)
                assert refusal(answer) == (401, code), lines
                assert answer.header("www-authenticate") == "Bearer"
                assert secret not in answer.body.decode()
    assert len(keyed.provider.requests) == before


def test_a_key_is_taken_in_each_provider_s_header(keyed: Front) -> None:
    secret = key(keyed, "headers")
    for line in (
        f"Authorization: Bearer {secret}",
        f"authorization: bearer   {secret} ",
        f"X-Api-Key: {secret}",
        f"api-key: {secret}",
    ):
        with keyed.connect() as http:
            http.send(ask(None, line))
            assert read_answer(http).status == 200
            http.send(head("GET", "/v1/models", line))
            assert read_answer(http).status == 200
    request = keyed.provider.requests[-1]
    assert secret not in request.raw_head.decode("latin-1")


def test_health_needs_no_key(keyed: Front) -> None:
    for path in ("/livez", "/readyz", "/health/liveness", "/health/readiness"):
        with keyed.connect() as http:
            http.send(head("GET", path, host="anything.example"))
            assert read_answer(http).status == 200


def test_a_key_is_refused_before_its_body_comes(keyed: Front) -> None:
    for lines in (
        ("Content-Length: 10000000",),
        ("Content-Length: 10", "Expect: 100-continue"),
        ("Transfer-Encoding: chunked",),
    ):
        with keyed.connect() as http:
            http.send(head("POST", CHAT, "Authorization: Bearer sy-no", *lines))
            assert refusal(read_answer(http)) == (401, "invalid_api_key")
            assert http.closed()


def test_a_revoked_key_is_refused_within_a_second_on_old_and_new_connections(keyed: Front) -> None:
    secret, other = key(keyed, "leaver"), key(keyed, "stayer")
    with keyed.connect() as old, keyed.connect() as stays:
        for _ in range(3):
            assert again(old, secret).status == 200
            assert again(stays, other).status == 200
        keys(keyed, "revoke", "leaver")
        took = until(lambda: chat(keyed, secret).status == 401)
        # Making a process of the command took its time too; the second counts from its end.
        assert took < 1.0
        for _ in range(5):
            assert refusal(again(old, secret)) == (401, "key_revoked")
            assert again(stays, other).status == 200
    assert refusal(chat(keyed, secret)) == (401, "key_revoked")


def test_a_running_stream_outlives_its_key(keyed: Front) -> None:
    secret = key(keyed, "streamer")
    with keyed.connect() as http:
        http.send(ask(body_of("acme/slow-chunks:0.1:30", stream=True), *lines_of(secret)))
        answer = http.head()
        keys(keyed, "revoke", "streamer")
        until(lambda: chat(keyed, secret).status == 401)
        assert list(http.payloads(answer))[-1] == "[DONE]"


def test_a_key_expires_on_old_and_new_connections(keyed: Front) -> None:
    secret = key(keyed, "brief", "--expires", "2s")
    begun = time.monotonic()
    with keyed.connect() as http:
        assert again(http, secret).status == 200
        until(lambda: again(http, secret).status == 401, 4)
        assert time.monotonic() - begun < 3
        for _ in range(3):
            assert refusal(again(http, secret)) == (401, "key_expired")
    assert refusal(chat(keyed, secret)) == (401, "key_expired")


def test_a_key_of_some_routes_opens_these_alone(keyed: Front) -> None:
    secret = key(keyed, "narrow", "--route", "assistant", "--route", "acme/words:3")
    with keyed.connect() as http:
        for _ in range(2):
            for model, expected in {
                "assistant": (200, None),
                "acme/words:3": (200, None),
                "other": (403, "route_not_allowed"),
                "acme/ok": (403, "route_not_allowed"),
                "acme/words:2": (403, "route_not_allowed"),
            }.items():
                answer = again(http, secret, model)
                assert refusal(answer) == expected, model
                assert answer.status == 200 or "assistant, acme/words:3" in answer.json()["error"]["message"]
        http.send(ask(b'{"model":"assistant","model":"other"}', *lines_of(secret)))
        assert refusal(read_answer(http)) == (403, "route_not_allowed")
        http.send(head("GET", "/v1/models", *lines_of(secret)))
        assert {row["id"] for row in read_answer(http).json()["data"]} <= {"assistant", "acme/words:3"}
        http.send(head("GET", "/v1/models/other", *lines_of(secret)))
        assert read_answer(http).status == 403
        http.send(head("GET", "/v1/models/assistant", *lines_of(secret)))
        assert read_answer(http).status == 200


def test_the_record_names_the_key_and_never_holds_it(keyed: Front) -> None:
    secret = key(keyed, "recorded")
    answer = chat(keyed, secret)
    (exchange,) = [one for one in journalled(keyed.gateway.home) if one.id == answer.header("x-request-id")]
    assert exchange.key
    for path in keyed.gateway.home.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    with keyed.connect() as http:
        http.send(head("GET", "/metrics", *lines_of(secret)))
        assert secret.encode() not in read_answer(http).body
    assert secret not in keyed.gateway.stderr


def test_a_key_has_so_many_calls_open_at_once(tmp_path: Path) -> None:
    with front(tmp_path, {"calls_per_key": 2}, routes=ROUTES) as served:
        one, other = key(served, "one"), key(served, "other")
        with served.connect() as a, served.connect() as b, served.connect() as c:
            for http in (a, b):
                http.send(ask(body_of("acme/slow-first-byte:2"), *lines_of(one)))
            served.provider.wait(lambda: len([r for r in served.provider.requests if b"slow-first" in r.body]) == 2)
            for _ in range(3):
                answer = again(c, one)
                assert refusal(answer) == (429, "too_many_calls")
                assert answer.header("retry-after")
            assert chat(served, other).status == 200
            assert [read_answer(http).status for http in (a, b)] == [200, 200]
            assert again(c, one).status == 200


OPEN_HOSTS = (
    "localhost",
    "localhost:8080",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.8.9.10",
    "[::1]",
    "[::1]:80",
    "a.localhost",
)
FOREIGN_HOSTS = (
    *("evil.example", "evil.example:8080", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example"),
    *(
        "xlocalhost",
        "192.168.0.1",
        "[::2]",
        "0.0.0.0",
        "127.1",
        "",
    ),
)
NO_HOSTS = ("localhost@evil.example", "127.0.0.1:x@evil.example", "localhost/x", "127.0.0.1 evil.example")


@pytest.fixture(scope="module")
def open_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A gateway without keys."""
    with front(tmp_path_factory.mktemp("open"), routes=ROUTES) as served:
        yield served


def test_without_keys_this_machine_may_come_in(open_gateway: Front) -> None:
    for host in OPEN_HOSTS:
        with open_gateway.connect() as http:
            http.send(head("GET", "/v1/models", host=host))
            assert read_answer(http).status == 200, host
    for origin in ("http://localhost:3000", "http://127.0.0.1", "https://[::1]:5173", "http://app.localhost"):
        with open_gateway.connect() as http:
            http.send(ask(None, f"Origin: {origin}", "Authorization: Bearer whatever"))
            assert read_answer(http).status == 200, origin


def test_without_keys_a_rebound_name_is_refused(open_gateway: Front) -> None:
    before = len(open_gateway.provider.requests)
    expected = dict.fromkeys(FOREIGN_HOSTS, (403, "host_not_allowed"))
    expected |= dict.fromkeys(NO_HOSTS, (400, "invalid_request"))
    for host, told in expected.items():
        for request in (
            head("GET", "/v1/models", host=host),
            head("GET", "/metrics", host=host),
            head("POST", CHAT, "Content-Length: 2", host=host) + b"{}",
        ):
            with open_gateway.connect() as http:
                http.send(request)
                assert refusal(read_answer(http)) == told, host
    assert len(open_gateway.provider.requests) == before


def test_without_keys_a_foreign_page_is_refused(open_gateway: Front) -> None:
    before = len(open_gateway.provider.requests)
    for origin in (
        "https://evil.example",
        "null",
        "http://127.evil.example",
        "http://localhost.evil.example",
        "file://",
        "x",
        "http://[",
        "",
    ):
        with open_gateway.connect() as http:
            http.send(ask(None, f"Origin: {origin}", "Content-Type: text/plain"))
            answer = read_answer(http)
            assert refusal(answer) == (403, "origin_not_allowed"), origin
            assert answer.header("access-control-allow-origin") is None
    assert len(open_gateway.provider.requests) == before


def test_a_known_head_is_refused_once_there_is_a_key(tmp_path: Path) -> None:
    with front(tmp_path, routes=ROUTES) as served, served.connect() as http:
        for _ in range(3):
            assert again(http, "none").status == 200
        secret = key(served, "first")
        until(lambda: again(http, "none").status == 401)
        for _ in range(3):
            assert refusal(again(http, "none")) == (401, "invalid_api_key")
        assert again(http, secret).status == 200


def test_the_last_revocation_does_not_open_the_door(tmp_path: Path) -> None:
    with front(tmp_path, routes=ROUTES) as served:
        secret = key(served, "only")
        keys(served, "revoke", "only")
        until(lambda: chat(served, secret).status == 401)
        assert refusal(chat(served)) == (401, "missing_api_key")
        (served.gateway.home / "keys.json").unlink()
        until(lambda: "keys" in served.gateway.stderr)
        assert refusal(chat(served)) == (401, "missing_api_key")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.evil.example"])
def test_another_address_without_keys_is_refused_at_the_start(tmp_path: Path, host: str) -> None:
    home = tmp_path / "home"
    env = {**os.environ, "STEELYARD_HOME": str(home)}
    done = run_forked(["gateway", "--host", host, "--port", str(free_port())], env, tmp_path)
    assert done.returncode == 2
    assert "steelyard keys create" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_address_with_a_key_is_served(tmp_path: Path) -> None:
    config = config_text({"acme": "http://127.0.0.1:9/v1"})
    with GatewayUnderTest(config, tmp_path) as gateway:
        gateway.steelyard("keys", "create", "a", "--config", str(gateway.config_path))
    with GatewayUnderTest(config, tmp_path, arguments=("--host", "0.0.0.0")) as gateway, gateway.connect() as http:
        http.send(head("GET", "/v1/models", host="gateway.example"))
        assert read_answer(http).status == 401
