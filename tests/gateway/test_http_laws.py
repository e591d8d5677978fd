"""Laws of a connection: how bytes were cut does not matter, nor what was asked before; nothing breaks the gateway."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.http_rig import CHAT, Front, ask, body_of, chunked, essence, front, head, read_answer
from tests.support import RawHTTP, Response, TornError

laws = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    routes = {"assistant": {"deployments": ["acme/ok"], "retries": 0}}
    with front(tmp_path_factory.mktemp("laws"), {"max_body_bytes": 20_000}, routes=routes) as served:
        yield served


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Front, str, str]]:
    """A gateway with a key for everything and one for the route `assistant` alone."""
    routes = {"assistant": {"deployments": ["acme/ok"]}}
    with front(tmp_path_factory.mktemp("keyed"), {"max_body_bytes": 20_000}, routes=routes) as served:
        gateway = served.gateway
        config = ("--config", str(gateway.config_path))
        every = gateway.steelyard("keys", "create", "every", *config)["key"]
        one = gateway.steelyard("keys", "create", "one", "--route", "assistant", *config)["key"]
        gateway.stop()
        gateway.start()
        yield served, every, one


FORM = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nacme/ok\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--B--\r\n'
)
REQUESTS = {
    "a call": ask(),
    "a call in chunks": head("POST", CHAT, "Transfer-Encoding: chunked")
    + chunked(body_of()[:20], body_of()[20:], extension=b";x=1", trailers=b"X-T: 1\r\n"),
    "a stream": ask(body_of(stream=True, max_tokens=2)),
    "a page": head("GET", "/v1/models/acme/ok"),
    "a refusal": ask(b'{"model":'),
    "two at once": ask(body_of("nonesuch")) + head("GET", "/livez"),
    "an upgrade": ask(None, "Connection: Upgrade", "Upgrade: h2c"),
    "malformed": head("GET", "/livez", "A : b"),
    "a form": ask(FORM, "Content-Type: multipart/form-data; boundary=B", path="/v1/audio/transcriptions"),
}


def everything(http: RawHTTP) -> list[Response]:
    """Read all that comes until the gateway closes, or answers the request that is sent last."""
    found = []
    try:
        http.send(head("GET", "/v1/models/nonesuch", "Connection: close"))
        while True:
            found.append(read_answer(http))
    except (TornError, BrokenPipeError, ConnectionResetError):
        return found


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_cut_anywhere_is_answered_alike(served: Front, name: str) -> None:
    request = REQUESTS[name]
    with served.connect() as http:
        http.send(request)
        expected = [essence(one) for one in everything(http)]
    assert expected[0][0] == {"a refusal": 400, "two at once": 404, "malformed": 400}.get(name, 200)
    for at in range(1, len(request)):
        with served.connect() as http:
            http.send(request[:at])
            # A readiness check in between makes sure that the first piece has been read by itself.
            with served.connect() as other:
                other.send(head("GET", "/livez"))
                other.head()
            http.send(request[at:])
            assert [essence(one) for one in everything(http)] == expected, request[:at]


def test_a_request_that_comes_byte_by_byte_is_answered_alike(served: Front) -> None:
    for request in REQUESTS.values():
        with served.connect() as http:
            http.send(request)
            expected = [essence(one) for one in everything(http)]
        with served.connect() as http:
            for at in range(len(request)):
                http.send(request[at : at + 1])
            assert [essence(one) for one in everything(http)] == expected


grammar = st.lists(
    st.sampled_from(
        [
            *(b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"/livez", b"/v1/models", CHAT.encode(), b"/metrics"),
            *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\xff\xfe"),
            *(b"Host: localhost\r\n", b"Content-Length: 5\r\n", b"Content-Length: 70\r\n", b"Content-Type: x\r\n"),
            *(
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: close\r\n",
                b"Expect: 100-continue\r\n",
                b"Upgrade: h2c\r\n",
            ),
            *(
                b"Connection: Upgrade\r\n",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
                b'{"model":"acme/ok"}',
                b'{"model":"acme/ok","stream":true}',
            ),
            *(
                b"--B\r\n",
                b"Content-Type: multipart/form-data; boundary=B\r\n",
                b"/v1/audio/transcriptions",
                b"x" * 3000,
            ),
        ]
    )
    | st.binary(max_size=8),
    max_size=24,
).map(b"".join)


@laws
@given(st.lists(grammar, min_size=1, max_size=3))
def test_garbage_is_never_answered_with_5xx_and_never_ends_the_gateway(served: Front, pieces: list[bytes]) -> None:
    with served.connect(0.03) as http:
        try:
            for piece in pieces:
                http.send(piece)
            while True:
                assert http.response().status < 500
        except (TornError, BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    assert served.gateway.ready_status() == 200
    assert "Traceback" not in served.gateway.stderr
    assert "Exception" not in served.gateway.stderr


JSON = body_of()
LINES = ["Content-Type: application/json", "Accept: */*", "X-Test: 12345"]


def known(body: bytes, key: str, length: str | None = None, lines: list[str] = LINES) -> bytes:
    """Write a request whose head is the same but for its length."""
    every = [f"Authorization: Bearer {key}", *lines, f"Content-Length: {len(body) if length is None else length}"]
    return head("POST", CHAT, *every) + body


bodies = (
    st.sampled_from([JSON, body_of("assistant"), body_of("nonesuch"), b"", b"{}", b"[1]", b"\r\n\r\n", b"x" * 25_000])
    | st.binary(max_size=30)
    | st.sampled_from(
        [
            b'{"model":"assistant"}\r\n\r\nContent-Length: 5\r\n\r\n',
            b"\r\nContent-Length: 3\r\n\r\nabc",
            known(JSON, "sy-other"),
            body_of("assistant", stream=True, max_tokens=1),
        ]
    )
)
lengths = st.sampled_from(
    ["{}", "0{}", "000{}", "+{}", "-{}", " {}", "{} ", "\t{}", "{},{}", "{}.0", "0x{}", "{}\r", "", "{} {}"]
)
changes = st.none() | st.tuples(st.integers(0), st.integers(0, 255))


@st.composite
def seconds(draw: st.DrawFn, every: str, one: str) -> bytes:
    """Draw a second request: like the first one, or unlike it in some way that a reader of bytes may overlook."""
    body = draw(bodies)
    length = draw(lengths | st.just("{}")).format(len(body), len(body)) if draw(st.booleans()) else str(len(body))
    if draw(st.integers(0, 9)) == 0:
        length = str(max(0, len(body) + draw(st.integers(-3, -1))))
    key = draw(st.sampled_from([every, every, one, every[:-1], "sy-unknown"]))
    lines = draw(
        st.sampled_from(
            [LINES, LINES[::-1], LINES[:2], [*LINES, "Expect: 100-continue"], [*LINES, "Connection: close"]]
        )
    )
    request = known(body, key, length, lines)
    change = draw(changes)
    if change is not None:
        at = change[0] % request.find(b"\r\n\r\n")
        request = request[:at] + bytes([change[1]]) + request[at + 1 :]
    return request


@laws
@given(st.data())
def test_what_was_asked_before_on_a_connection_changes_nothing(
    keyed: tuple[Front, str, str], data: st.DataObject
) -> None:
    served, every, one = keyed
    request = data.draw(seconds(every, one))
    with served.connect() as http:
        http.send(request)
        expected = [essence(answer) for answer in everything(http)]
    first = data.draw(
        st.sampled_from([known(JSON, every), known(body_of("assistant"), every, "0" + str(len(body_of("assistant"))))])
    )
    with served.connect() as http:
        for _ in range(data.draw(st.integers(1, 3))):
            http.send(first)
            assert read_answer(http).status == 200
        http.send(request)
        assert [essence(answer) for answer in everything(http)] == expected


def test_what_belongs_to_the_end_of_a_head_is_no_request_by_itself(keyed: tuple[Front, str, str]) -> None:
    served, every, _ = keyed
    request = known(JSON, every)
    for at in range(10, request.find(b"\r\n\r\n")):
        with served.connect() as http:
            http.send(request[:at])
            assert served.gateway.ready_status() == 200
            http.send(request[at:])
            assert read_answer(http).status == 200
            http.send(request[at:])
            answer = read_answer(http)
            assert 400 <= answer.status < 500, request[at:]
