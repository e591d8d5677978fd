"""One kept answer in two forms, in each dialect: relayed and translated, whole and streaming, with ids of its own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fake import FakeProvider
from tests.gateway.cache_rig import Cached, cache_text
from tests.support import GatewayUnderTest, Response, config_text, journalled

SPEAKERS = {"chat": "openai", "responses": "openai-responses", "messages": "anthropic", "generate": "gemini"}
ROUTES = {f"by-{name}": {"deployments": [f"{name}/scene:plain"], "record": "full"} for name in SPEAKERS}
SAID = "Hello from the loopback provider."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    with FakeProvider() as upstream:
        gemini = f"{upstream.url}/v1beta"
        providers = {
            name: {
                "dialect": dialect,
                "base_url": gemini if name == "generate" else upstream.base_url,
                "api_key": "env:ANY_KEY",
            }
            for name, dialect in SPEAKERS.items()
        }
        text = config_text(providers, routes=ROUTES) + cache_text(routes=sorted(ROUTES))
        with GatewayUnderTest(text, tmp_path_factory.mktemp("dialects"), env={"ANY_KEY": "k" * 12}) as gateway:
            yield Cached(gateway, upstream)
        assert upstream.malformed == []
        assert upstream.failures == []


def ask(served: Cached, dialect: str, route: str, prompt: str, *, stream: bool) -> Response:
    turn = [{"role": "user", "content": prompt}]
    if dialect == "chat":
        usage: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
        return served.post("/v1/chat/completions", model=route, messages=turn, stream=stream, **usage)
    if dialect == "responses":
        return served.post("/v1/responses", model=route, input=prompt, stream=stream, store=False)
    if dialect == "messages":
        return served.post("/v1/messages", model=route, max_tokens=99, messages=turn, stream=stream)
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    contents = [{"role": "user", "parts": [{"text": prompt}]}]
    return served.post(f"/v1beta/models/{route}:{verb}", contents=contents)


def told(dialect: str, answer: Response, *, stream: bool) -> tuple[str, Any]:
    """Return the text of an answer, and its counts of tokens in and out."""
    assert answer.status == 200, answer
    if not stream:
        body = answer.json()
        if dialect == "chat":
            usage = body["usage"]
            return body["choices"][0]["message"]["content"], (usage["prompt_tokens"], usage["completion_tokens"])
        if dialect == "responses":
            return _response(body)
        if dialect == "messages":
            return body["content"][0]["text"], (body["usage"]["input_tokens"], body["usage"]["output_tokens"])
        parts = body["candidates"][0]["content"]["parts"]
        return "".join(one["text"] for one in parts), _gemini_usage(body)
    events = [json.loads(one) for one in answer.payloads() if one != "[DONE]"]
    if dialect == "chat":
        assert answer.payloads()[-1] == "[DONE]"
        text = "".join(one["choices"][0]["delta"].get("content") or "" for one in events if one["choices"])
        return text, (events[-1]["usage"]["prompt_tokens"], events[-1]["usage"]["completion_tokens"])
    if dialect == "responses":
        return _response(events[-1]["response"])
    if dialect == "messages":
        assert events[-1]["type"] == "message_stop"
        text = "".join(one["delta"]["text"] for one in events if one["type"] == "content_block_delta")
        start = events[0]["message"]["usage"]
        last = next(one["usage"] for one in events if one["type"] == "message_delta")
        return text, (last.get("input_tokens", start["input_tokens"]), last["output_tokens"])
    parts = [part for one in events for part in one["candidates"][0].get("content", {}).get("parts", ())]
    return "".join(one.get("text", "") for one in parts), _gemini_usage(events[-1])


def _response(body: dict[str, Any]) -> tuple[str, Any]:
    text = "".join(part["text"] for item in body["output"] for part in item.get("content", ()))
    return text, (body["usage"]["input_tokens"], body["usage"]["output_tokens"])


def _gemini_usage(body: dict[str, Any]) -> tuple[int, int]:
    usage = body["usageMetadata"]
    return usage["promptTokenCount"], usage["candidatesTokenCount"]


@pytest.mark.parametrize("first", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("speaker", sorted(SPEAKERS))
@pytest.mark.parametrize("dialect", sorted(SPEAKERS))
def test_an_answer_is_given_again_in_both_forms(served: Cached, dialect: str, speaker: str, first: bool) -> None:
    prompt, route, before = f"{dialect} {speaker} {first}", f"by-{speaker}", served.asked
    made = ask(served, dialect, route, prompt, stream=first)
    same = ask(served, dialect, route, prompt, stream=first)
    other = ask(served, dialect, route, prompt, stream=not first)
    assert served.asked == before + 1
    assert [one.header("x-steelyard-cache") for one in (made, same, other)] == ["miss", "hit", "hit"]
    expected = told(dialect, made, stream=first)
    assert expected[0] == SAID
    assert told(dialect, same, stream=first) == expected
    assert told(dialect, other, stream=not first) == expected
    # A stream's header is sent before all is known that gets lost in it.
    lost = [set((one.header("x-steelyard-loss") or "").split("; ")) - {""} for one in (made, same, other)]
    assert lost[0] <= lost[1] == lost[2]
    own = [str(one.header("x-request-id")).rpartition("_")[2].encode() for one in (made, same, other)]
    assert len(set(own)) == 3
    for answer, mine in zip((made, same, other), own, strict=True):
        assert not any(one in answer.body for one in own if one != mine), "another's id"
    if own[0] in made.body:
        assert own[1] in same.body
        assert made.body.replace(own[0], own[1]) == same.body
    elif dialect != "generate":
        assert made.body == same.body


def test_usage_is_told_only_to_who_wants_it_in_a_stream(served: Cached) -> None:
    turn = [{"role": "user", "content": "usage in streams"}]
    bodies = []
    for wants in (False, True, False):
        options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wants else {}
        answer = served.post("/v1/chat/completions", model="by-chat", messages=turn, stream=True, **options)
        bodies.append(answer.body)
    assert [b'"usage":{' in body or b'"usage": {' in body for body in bodies] == [False, True, False]
    assert bodies[0] == bodies[2]


def test_each_caller_may_find_its_own_response_again(served: Cached) -> None:
    answers = [served.post("/v1/responses", model="by-chat", input="kept") for _ in range(2)]
    assert [one.header("x-steelyard-cache") for one in answers] == ["miss", "hit"]
    ids = [one.json()["id"] for one in answers]
    assert len(set(ids)) == 2
    assert [one.kept_as for one in journalled(served.gateway.home)[-2:]] == ids


def test_a_response_that_its_provider_keeps_passes_by_the_cache(served: Cached) -> None:
    said = [served.post("/v1/responses", model="by-responses", input="theirs") for _ in range(2)]
    assert [one.header("x-steelyard-cache") for one in said] == ["bypass", "bypass"]


def test_what_goes_on_from_a_response_passes_by_the_cache(served: Cached) -> None:
    answer = served.post(
        "/v1/responses", model="by-responses", input="on", store=False, previous_response_id="resp_of_theirs_123456"
    )
    assert answer.header("x-steelyard-cache") == "bypass"


@pytest.mark.parametrize("speaker", ["generate", "chat"])
def test_a_stream_as_an_array_is_the_same_answer(served: Cached, speaker: str) -> None:
    contents = [{"role": "user", "parts": [{"text": f"as an array of {speaker}"}]}]
    path = f"/v1beta/models/by-{speaker}:streamGenerateContent"
    answers = [served.post(one, contents=contents) for one in (path, path, f"{path}?alt=sse")]
    answers.append(served.post(path.replace("streamG", "g"), contents=contents))
    assert [one.header("x-steelyard-cache") for one in answers] == ["miss", "hit", "hit", "hit"]
    kinds = [str(one.header("content-type")).partition(";")[0] for one in answers]
    assert kinds == ["application/json", "application/json", "text/event-stream", "application/json"]
    streams = [answers[0].json(), answers[1].json(), [json.loads(one) for one in answers[2].payloads()]]
    for stream in streams:
        parts = [part["text"] for one in stream for part in one["candidates"][0].get("content", {}).get("parts", ())]
        assert "".join(parts) == SAID
    assert told("generate", answers[3], stream=False)[0] == SAID
