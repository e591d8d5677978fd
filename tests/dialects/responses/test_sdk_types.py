"""What is written, checked against the types of OpenAI's own SDK, and taken in by its own accumulation of streams."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from steelyard.core.events import Event
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.dialects.responses import RESPONSES, input_items_page
from tests.dialects.responses.bodies import Json, asked, decoded, events_of
from tests.dialects.responses.core_events import streams
from tests.dialects.responses.legal import check
from tests.dialects.responses.upstream import responses, sse, stream_of

openai = pytest.importorskip("openai", reason="OpenAI's SDK is not installed")
pydantic = pytest.importorskip("pydantic", reason="OpenAI's SDK is not installed")

from openai.lib.streaming.responses._responses import ResponseStreamState  # noqa: E402
from openai.types.responses import Response, ResponseItemList, ResponseStreamEvent  # noqa: E402

_EVENT: Any = pydantic.TypeAdapter(ResponseStreamEvent)

_CALL = asked(
    stream=True,
    instructions="Be brief.",
    tools=[
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
        {"type": "web_search"},
        {"type": "custom", "name": "sql"},
    ],
    text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    reasoning={"effort": "low", "summary": "auto"},
    tool_choice={"type": "function", "name": "f"},
)


def unknown(found: Any) -> set[str]:
    """Return the fields that a type does not know. `store` it does not, though the API's own answers have it."""
    return set(found.model_extra or {}) - {"store"}


def streamed(events: list[Event]) -> list[Json]:
    writer = RESPONSES.writer(_CALL, Losses())
    return events_of(b"".join(writer.write(event) for event in events))


@given(streams())
@settings(max_examples=30, deadline=None)
def test_every_event_is_one_of_the_sdk_s(events: list[Event]) -> None:
    for event in streamed(events):
        found = _EVENT.validate_python(event)
        assert found.type == event["type"]
        assert not unknown(found)


@given(streams())
@settings(max_examples=30, deadline=None)
def test_the_sdk_accumulates_every_stream(events: list[Event]) -> None:
    told = streamed(events)
    state: Any = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
    for event in told:
        state.handle_event(_EVENT.validate_python(event))

    last = check(told)
    if last["status"] == "completed":
        final = state._completed_response
        assert [one.id for one in final.output] == [one["id"] for one in last["output"]]
        texts = [
            part["text"] for one in last["output"] for part in one.get("content") or () if part["type"] == "output_text"
        ]
        assert final.output_text == "".join(texts)


def _constructed(event: Json) -> Any:
    from openai._models import construct_type

    return construct_type(type_=ResponseStreamEvent, value=event)


@given(streams())
@settings(max_examples=20, deadline=None)
def test_a_whole_answer_is_a_response_of_the_sdk_s(events: list[Event]) -> None:
    fold = Fold("x")
    fold.take_all(events)
    body = RESPONSES.encode_answer(fold.answer(), _CALL, Losses())

    found = Response.model_validate(json.loads(body))

    assert found.model == "model-x"
    assert not unknown(found)
    assert found.usage is not None
    assert found.usage.total_tokens == 12


@given(responses())
@settings(max_examples=20, deadline=None)
def test_our_samples_of_upstream_streams_are_accumulated_too(response: Json) -> None:
    """The reader's tests rest on these samples: the SDK must understand them as well."""
    state: Any = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
    for event in events_of(sse(stream_of(response))):
        state.handle_event(_constructed(event))
    if response["status"] == "completed":
        assert [one.id for one in state._completed_response.output] == [one["id"] for one in response["output"]]


def test_pages_of_items_are_the_sdk_s() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    custom = {"type": "custom_tool_call", "call_id": "d", "name": "sql", "input": "x"}
    page = input_items_page([message, call, output, custom], "req_abc", {"order": "asc"})

    found = ResponseItemList.model_validate(page)

    assert [one.type for one in found.data] == ["message", "function_call", "function_call_output", "custom_tool_call"]


def test_a_failure_is_a_response_of_the_sdk_s() -> None:
    from steelyard.core.errors import Unavailable

    writer = RESPONSES.writer(_CALL, Losses())
    for event in events_of(writer.fail(Unavailable("Draining."))):
        assert not unknown(_EVENT.validate_python(event))


def test_requests_that_the_sdk_s_types_allow_are_read() -> None:
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    body: Json = {
        "model": "m",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}],
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
        "text": {"format": {"type": "json_object"}},
    }
    pydantic.TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(body)
    assert decoded(**body).tools[0].strict is True
