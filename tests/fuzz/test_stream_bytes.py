"""Any bytes from an upstream, as a stream or as an answer: the client gets an answer that HTTP and its dialect allow, a
broken one has no clean end, and the gateway complains of nothing."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake.anthropic_says import ANTHROPIC
from tests.fake.chat_says import CHAT
from tests.fake.gemini_says import GEMINI
from tests.fake.responses_says import RESPONSES
from tests.fake.tongue import Tongue
from tests.fuzz.rig import Fuzzed, Said, canned, fuzzed, fuzzing, mutations, pieces, told
from tests.matrix.clients import CLIENTS
from tests.matrix.outcome import Question
from tests.support import Response
from tests.support.sse import payloads

TONGUES: dict[str, Tongue] = {"chat": CHAT, "messages": ANTHROPIC, "responses": RESPONSES, "google": GEMINI}
PAIRS = [("openai", "chat"), ("anthropic", "chat"), ("openai", "messages"), ("anthropic", "messages")]
PAIRS += [("openai-responses", "responses"), ("gemini", "google"), ("openai", "google"), ("openai", "responses")]
SCENES = ("plain", "parallel-tools", "thinking", "mid-stream-error", "refusal")
TOKENS = (
    *(b"\n\n", b"\n", b"\r\n", b"\r", b"data: ", b"event: error\n", b": ping\n\n", b"data: [DONE]\n\n", b"\0", b"\xff"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b",",
        b"null",
        b"-1",
        b"1e999",
        b'"\\ud800"',
        b"[" * 3000,
        b"{}" * 10,
        b"\xef\xbb\xbf",
    ),
    *(
        b'"error":{"message":"no"},',
        b'"usage":{"prompt_tokens":-5},',
        b'"choices":[],',
        b'"index":99999999999999999999,',
    ),
    *(
        b'"usage":null,',
        b'"content":null,',
        b'"finish_reason":"stop",',
        b'"type":"message_stop"',
        b"data: " + b"x" * 70_000,
    ),
)
HTTP_TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\0",
        b"HTTP/1.1 ",
        b"HTTP/2 ",
        b" 204 ",
        b" 100 ",
        b" 999 ",
        b" 401 ",
        b"Content-Length: 5\r\n",
    ),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br\r\n",
        b"Connection: close\r\n",
    ),
    *(b"Retry-After: x\r\n", b"Content-Type: text/html\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"a" * 300_000, b": \r\n"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with fuzzed(tmp_path_factory.mktemp("stream")) as served:
        yield served


def asked(served: Fuzzed, client: str, upstream: str, stream: bool, said: Said) -> Response:
    """Ask, and return an answer that is well-formed HTTP; what never ends fails by the client's own timeout."""
    path, headers, body = CLIENTS[client].request(upstream, Question(), stream)
    with served.gateway.connect(8) as http:
        served.parrot.says = canned
        well = http.request("POST", path, None, headers, **body)
        assert well.status == 200, "and so the deployment does not rest, however much failed before"
        served.parrot.says = lambda _: said
        return http.request("POST", path, None, headers, **body)


def check(answer: Response) -> None:
    if answer.status >= 400:
        assert "error" in answer.json()
        assert answer.status < 600


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
@fuzzing
@given(st.data())
def test_whatever_a_stream_holds_the_client_is_told_how_it_ended(
    served: Fuzzed, client: str, upstream: str, data: st.DataObject
) -> None:
    _, events = told(TONGUES[upstream], data.draw(st.sampled_from(SCENES)))
    sent = data.draw(mutations(b"".join(events), TOKENS))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    said = Said((head, *data.draw(pieces(sent))) if sent else (head,))
    answer = asked(served, client, upstream, True, said)
    check(answer)
    if answer.status == 200 and client in ("openai", "anthropic"):
        last = list(payloads([answer.body.decode(errors="replace").encode()]))[-1:]
        ended = last == ["[DONE]"] if client == "openai" else bool(last) and '"message_stop"' in last[0]
        failed = bool(last) and '"error"' in last[0]
        assert ended or failed, answer.body[-300:]
        if ended and (client, upstream) in (("openai", "chat"), ("anthropic", "messages")):
            end = b"[DONE]" if client == "openai" else b"message_stop"
            assert end in sent, "no end that did not come"
    assert served.gateway.stderr.count("\n") == 1, served.gateway.stderr


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
@fuzzing
@given(st.data())
def test_whatever_an_answer_is_the_client_gets_one(
    served: Fuzzed, client: str, upstream: str, data: st.DataObject
) -> None:
    whole, _ = told(TONGUES[upstream], data.draw(st.sampled_from(SCENES[:3])))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(whole)
    sent = data.draw(mutations(head + whole, (*TOKENS, *HTTP_TOKENS)))
    said = Said(data.draw(pieces(sent)) if sent else ())
    answer = asked(served, client, upstream, False, said)
    check(answer)
    if answer.status == 200:
        assert isinstance(json.loads(answer.body.decode(errors="replace")), dict)
    assert served.gateway.stderr.count("\n") == 1, served.gateway.stderr
