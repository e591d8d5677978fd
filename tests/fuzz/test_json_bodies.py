"""Any JSON, and what is none, as the body of a call in each dialect: it is answered, or refused as the client's fault,
and never as one of the gateway's own; what goes on to a provider is JSON."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.strategies import json_values
from tests.fake.seen import ReceivedRequest
from tests.fuzz.bodies import ODD, PATHS, RICH, places, put
from tests.fuzz.rig import Fuzzed, Said, canned, fuzzed, fuzzing, mutations

PAIRS = [(client, upstream) for client in RICH for upstream in ("chat", "messages")]
PAIRS += [("openai", "google"), ("anthropic", "responses"), ("gemini", "google"), ("openai-responses", "responses")]
NAMES = ("x", "type", "role", "stream", "n", "tools", "id", "cache_control", "name", "content", "signature", "thought")
TOKENS = (b"\0", b"\xff", b"{", b"}", b"[" * 2000, b'"', b",", b":", b"NaN", b"1e999", b'"\\ud800"', b"\\u0000", b"//")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with fuzzed(tmp_path_factory.mktemp("json")) as served:
        yield served


def rich(client: str, upstream: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a request with something of everything."""
    body = copy.deepcopy(RICH[client])
    if "model" in body:
        body["model"] = upstream
    return PATHS[client].format(model=upstream), body


@st.composite
def changed(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body in which up to three values are others, are gone, or have a sibling that nobody knows."""
    for _ in range(draw(st.integers(1, 3))):
        found = [path for path in places(body) if path != ("model",)]
        if not found:
            break
        path = draw(st.sampled_from(found))
        holder: Any = body
        for key in path[:-1]:
            holder = holder[key]
        how = draw(st.sampled_from(["other", "gone", "sibling"]))
        if how == "gone":
            del holder[path[-1]]
        elif how == "sibling" and isinstance(holder, dict):
            put(holder, (draw(st.sampled_from(NAMES)),), draw(st.sampled_from(ODD)))
        else:
            put(body, path, draw(st.sampled_from(ODD) | json_values))
    return body


def check(served: Fuzzed, path: str, sent: bytes) -> None:
    received: list[bytes] = []

    def says(request: ReceivedRequest) -> Said:
        received.append(request.body)
        return canned(request)

    served.parrot.says = says
    with served.gateway.connect(8) as http:
        answer = http.request("POST", path, sent, {"Content-Type": "application/json"})
    assert answer.status < 500, (answer, sent[:2000])
    if answer.status >= 400:
        error = answer.json()["error"]
        assert error["message"]
        assert not received, "what is refused was not sent"
    for body in received:
        json.loads(body.decode(errors="replace"))  # what a string holds is relayed as it came
    assert served.gateway.stderr.count("\n") == 1, served.gateway.stderr


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
@fuzzing
@given(st.data())
def test_a_body_with_other_values_is_answered_or_refused(
    served: Fuzzed, client: str, upstream: str, data: st.DataObject
) -> None:
    path, body = rich(client, upstream)
    check(served, path, json.dumps(data.draw(changed(body))).encode())


@pytest.mark.parametrize("client", RICH)
@fuzzing
@given(st.data())
def test_a_body_with_other_bytes_is_answered_or_refused(served: Fuzzed, client: str, data: st.DataObject) -> None:
    path, body = rich(client, "chat")
    check(served, path, data.draw(mutations(json.dumps(body).encode(), TOKENS)))
