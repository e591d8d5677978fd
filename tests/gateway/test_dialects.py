"""Clients of four dialects in front of deployments of others: what the gateway itself adds to the translation."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fake import TEXT, FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, Response, config_text, journalled

SAYING = " ".join(TEXT)
ASK = [{"role": "user", "content": "Hi there"}]
CONTENTS = [{"role": "user", "parts": [{"text": "Hi there"}]}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider
        assert provider.malformed == []
        assert provider.failures == []


@pytest.fixture(scope="module")
def served(upstream: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    config = config_text(
        {
            "acme": upstream.base_url,
            "streams": {"base_url": upstream.base_url, "streaming": "always"},
            "whole": {"base_url": upstream.base_url, "streaming": "never"},
        },
        routes={
            "careful": {"deployments": ["acme/ok"], "strict": True},
            "blind-first": {"deployments": ["acme/blind", "acme/ok"]},
            "kept": {"deployments": ["acme/ok"], "record": "full"},
        },
        deployments={"acme/blind": {"lacks": ["images", "tools"], "model": "ok"}},
    )
    with GatewayUnderTest(config, tmp_path_factory.mktemp("dialects")) as gateway:
        yield gateway


def post(served: GatewayUnderTest, path: str, fields: Any, **headers: str) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with served.connect() as http:
        return http.request("POST", path, json.dumps(fields).encode(), {"content-type": "application/json", **given})


def messages(served: GatewayUnderTest, model: str = "acme/ok", **fields: Any) -> Response:
    return post(served, "/v1/messages", {"model": model, "max_tokens": 100, "messages": ASK, **fields})


def responses(served: GatewayUnderTest, model: str = "acme/ok", **fields: Any) -> Response:
    return post(served, "/v1/responses", {"model": model, "input": "Hi there", **fields})


def gemini(served: GatewayUnderTest, call: str = "acme/ok:generateContent", **fields: Any) -> Response:
    return post(served, f"/v1beta/models/{call}", {"contents": CONTENTS, **fields})


def lost(answer: Response) -> list[str]:
    return (answer.header("x-steelyard-loss") or "").split("; ")


def last_exchange(served: GatewayUnderTest) -> Any:
    return journalled(served.home)[-1]


def test_each_dialect_is_answered_in_its_own_shape(served: GatewayUnderTest) -> None:
    assert messages(served).json()["content"][0]["text"] == SAYING
    assert gemini(served).json()["candidates"][0]["content"]["parts"][0]["text"] == SAYING
    output = responses(served).json()["output"]
    assert output[0]["content"][0]["text"] == SAYING


def test_a_translated_answer_has_every_header_of_a_relayed_one(served: GatewayUnderTest) -> None:
    answer = messages(served)
    assert answer.header("x-steelyard-deployment") == "acme/ok"
    assert str(answer.header("x-request-id")).startswith("req_")
    assert "answer.system_fingerprint dropped" in lost(answer)


def test_the_exchange_says_which_dialects_were_spoken(served: GatewayUnderTest) -> None:
    assert messages(served, top_k=3).status == 200
    exchange = last_exchange(served)
    assert (exchange.dialect, exchange.spoken) == ("anthropic", "openai")
    assert (exchange.losses[0].path, exchange.losses[0].how) == ("top_k", "dropped")
    assert exchange.losses[0].reason
    assert exchange.usage is not None
    assert exchange.usage.output


def test_a_loss_is_told_in_a_header(served: GatewayUnderTest) -> None:
    assert lost(messages(served, top_k=3))[0] == "top_k dropped"


def test_a_loss_is_told_before_a_stream_begins(served: GatewayUnderTest) -> None:
    assert lost(messages(served, top_k=3, stream=True))[0] == "top_k dropped"


@pytest.mark.parametrize("how", ["header", "route"])
def test_strict_refuses_before_anything_is_sent(served: GatewayUnderTest, upstream: FakeProvider, how: str) -> None:
    before = len(upstream.requests)
    body = {"model": "careful" if how == "route" else "acme/ok", "max_tokens": 9, "messages": ASK, "top_k": 3}
    strict = {"x_steelyard_strict": "1"} if how == "header" else {}
    answer = post(served, "/v1/messages", body, **strict)
    assert answer.status == 400
    assert answer.json()["type"] == "error"
    assert "top_k" in answer.json()["error"]["message"]
    assert len(upstream.requests) == before


@pytest.mark.parametrize("said", ["on", "2", "1, 0"])
def test_a_word_for_strict_that_is_not_known_is_refused(
    served: GatewayUnderTest, upstream: FakeProvider, said: str
) -> None:
    before = len(upstream.requests)
    body = {"model": "acme/ok", "max_tokens": 100, "messages": ASK, "top_k": 5}
    answer = post(served, "/v1/messages", body, x_steelyard_strict=said)
    assert (answer.status, answer.json()["error"]["details"]["error_code"]) == (400, "invalid_value")
    assert len(upstream.requests) == before


def test_strict_lets_pass_what_loses_nothing(served: GatewayUnderTest) -> None:
    assert messages(served, "careful").status == 200


def test_what_a_model_lacks_is_refused_with_its_path(served: GatewayUnderTest, upstream: FakeProvider) -> None:
    before = len(upstream.requests)
    seen = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *IMAGE]}]
    answer = messages(served, "acme/blind", messages=seen)
    assert answer.status == 400
    assert "messages[0].content[1]" in answer.json()["error"]["message"]
    chat = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]}
    ]
    answer = post(served, "/v1/chat/completions", {"model": "acme/blind", "messages": chat})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "messages[0].content[0]")
    assert len(upstream.requests) == before


def test_a_deployment_that_cannot_take_it_is_passed_over(served: GatewayUnderTest) -> None:
    answer = messages(served, "blind-first", messages=[{"role": "user", "content": IMAGE}])
    assert (answer.status, answer.header("x-steelyard-deployment")) == (200, "acme/ok")
    assert messages(served, "blind-first").header("x-steelyard-deployment") == "acme/blind"


@pytest.mark.parametrize("provider", ["streams", "whole"])
@pytest.mark.parametrize("stream", [False, True])
def test_streams_and_whole_answers_stand_for_each_other(
    served: GatewayUnderTest, upstream: FakeProvider, provider: str, stream: bool
) -> None:
    answer = post(served, "/v1/chat/completions", {"model": f"{provider}/ok", "messages": ASK, "stream": stream})
    assert answer.status == 200
    if stream:
        events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: {")]
        text = "".join(c["delta"].get("content") or "" for event in events for c in event["choices"])
        assert answer.body.endswith(b"data: [DONE]\n\n")
    else:
        text = answer.json()["choices"][0]["message"]["content"]
    assert text == SAYING
    assert bool(upstream.requests[-1].json().get("stream")) is (provider == "streams")


def test_gemini_streams_an_array_unless_events_are_asked_for(served: GatewayUnderTest) -> None:
    array = gemini(served, "acme/ok:streamGenerateContent")
    assert str(array.header("content-type")).startswith("application/json")
    parts = [part for one in array.json() for part in one["candidates"][0].get("content", {}).get("parts", [])]
    assert "".join(part.get("text", "") for part in parts) == SAYING
    events = gemini(served, "acme/ok:streamGenerateContent?alt=sse")
    assert str(events.header("content-type")).startswith("text/event-stream")
    assert events.body.startswith(b"data: {")


def test_a_model_with_an_escaped_slash_is_found(served: GatewayUnderTest) -> None:
    assert gemini(served, "acme%2Fok:generateContent").status == 200


@pytest.mark.parametrize(
    ("path", "body", "shape"),
    [
        ("/v1/messages", {"model": "nowhere", "max_tokens": 1, "messages": ASK}, "anthropic"),
        ("/v1/responses", {"model": "nowhere", "input": "Hi"}, "openai"),
        ("/v1beta/models/nowhere:generateContent", {"contents": CONTENTS}, "gemini"),
        ("/v1beta/models/nowhere:unknownMethod", {}, "gemini"),
        ("/v1/messages/unknown", {}, "openai"),
    ],
)
def test_an_error_has_the_shape_of_the_clients_dialect(
    served: GatewayUnderTest, path: str, body: Any, shape: str
) -> None:
    answer = post(served, path, body)
    assert answer.status in (404, 405)
    told = answer.json()
    if shape == "anthropic":
        assert told["type"] == "error"
        assert told["error"]["type"] == "not_found_error"
        assert answer.header("request-id") == answer.header("x-request-id")
    elif shape == "gemini":
        assert told["error"]["code"] == answer.status
        assert isinstance(told["error"]["status"], str)
    else:
        assert isinstance(told["error"]["code"], str)


@pytest.mark.parametrize(
    ("path", "raw", "named"),
    [
        ("/v1/messages", {"model": "acme/ok", "max_tokens": 5, "messages": []}, "messages"),
        (
            "/v1/messages",
            {"model": "acme/ok", "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
            "messages[0].content[0]",
        ),
        ("/v1/responses", {"model": "acme/ok", "input": [{"type": "hologram"}]}, "input[0]"),
        (
            "/v1beta/models/acme/ok:generateContent",
            {"contents": [{"role": "user", "parts": [{"hologram": 1}]}]},
            "contents[0].parts[0]",
        ),
    ],
)
def test_a_mistake_is_named_by_its_path_and_nothing_is_sent(
    served: GatewayUnderTest, upstream: FakeProvider, path: str, raw: Any, named: str
) -> None:
    before = len(upstream.requests)
    answer = post(served, path, raw)
    assert answer.status == 400
    assert named in answer.json()["error"]["message"]
    assert len(upstream.requests) == before


def test_tokens_that_nobody_counts_are_estimated_and_said_to_be(served: GatewayUnderTest) -> None:
    answer = post(served, "/v1/messages/count_tokens", {"model": "acme/ok", "messages": ASK})
    assert answer.status == 200
    assert 3 <= answer.json()["input_tokens"] <= 20
    assert answer.header("x-steelyard-loss") == "input_tokens approximated"
    assert gemini(served, "acme/ok:countTokens").json()["totalTokens"] == answer.json()["input_tokens"]
    refused = post(served, "/v1/messages/count_tokens", {"model": "acme/ok", "messages": ASK}, x_steelyard_strict="1")
    assert refused.status == 400


def test_models_are_listed_in_each_dialect(served: GatewayUnderTest) -> None:
    def listed(path: str, **headers: str) -> Any:
        with served.connect() as http:
            return http.request("GET", path, b"", headers).json()

    assert "careful" in [one["id"] for one in listed("/v1/models")["data"]]
    told = listed("/v1/models", **{"anthropic-version": "2023-06-01"})
    assert {"type", "id", "display_name", "created_at"} == set(told["data"][0])
    assert told["has_more"] is False
    assert "models/careful" in [one["name"] for one in listed("/v1beta/models")["models"]]
    assert listed("/v1beta/models/careful")["name"] == "models/careful"


def test_a_kept_response_is_found_continued_and_deleted(gateway: Any, upstream: FakeProvider) -> None:
    config = config_text({"acme": upstream.base_url}, server={"record": "full"})
    served: GatewayUnderTest = gateway(config)
    with served.beside("clerk"), served.connect() as asking:
        until(lambda: asking.request("GET", "/v1/responses/resp_no").status == 404, "the ledger to be there", 20)
        first = responses(served, instructions="Be brief.").json()
        with served.connect() as http:
            found = http.request("GET", f"/v1/responses/{first['id']}").json()
            assert found == first
            items = http.request("GET", f"/v1/responses/{first['id']}/input_items").json()
            assert items["object"] == "list"
            second = responses(served, input="And now?", previous_response_id=first["id"])
            assert second.status == 200, second.body
            assert second.json()["previous_response_id"] == first["id"]
            sent = upstream.requests[-1].json()["messages"]
            assert [one["role"] for one in sent] == ["user", "assistant", "user"]
            third = responses(served, input="Go on", previous_response_id=second.json()["id"], stream=True)
            assert third.status == 200
            assert len(upstream.requests[-1].json()["messages"]) == 5
            deleted = http.request("DELETE", f"/v1/responses/{first['id']}")
            assert deleted.json() == {"id": first["id"], "object": "response", "deleted": True}
            assert http.request("GET", f"/v1/responses/{first['id']}").status == 404
        lost = responses(served, input="Hm", previous_response_id=first["id"])
        assert (lost.status, lost.json()["error"]["code"]) == (400, "previous_response_not_found")
        unkept = responses(served, store=False).json()
        with served.connect() as http:
            assert http.request("GET", f"/v1/responses/{unkept['id']}").status == 404


def test_nothing_is_kept_where_recording_does_not_allow_it(served: GatewayUnderTest) -> None:
    answer = responses(served, store=True)
    assert "store dropped" in lost(answer)


def test_keys_are_taken_from_where_each_dialect_has_them(gateway: Any, upstream: FakeProvider) -> None:
    served: GatewayUnderTest = gateway(config_text({"acme": upstream.base_url}))
    key = served.new_key("team")
    assert messages(served).status == 401
    assert messages(served).json()["error"]["type"] == "authentication_error"
    assert gemini(served).json()["error"]["status"] == "UNAUTHENTICATED"
    body = {"model": "acme/ok", "max_tokens": 9, "messages": ASK}
    assert post(served, "/v1/messages", body, x_api_key=key).status == 200
    assert post(served, "/v1/messages", body, authorization=f"Bearer {key}").status == 200
    assert (
        post(served, "/v1beta/models/acme/ok:generateContent", {"contents": CONTENTS}, x_goog_api_key=key).status == 200
    )
    assert gemini(served, f"acme/ok:generateContent?key={key}").status == 200
