"""What no provider takes is refused with its path; what a model lacks is named where it is asked for."""

from typing import Any

import pytest
from msgspec import structs

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Media, Opaque, Text, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool
from steelyard.dialects.check import check, demand

ASKED = Message("user", (Text("Hi", at="messages[0].content"),), at="messages[0]")


def call(call_id: str = "c1", arguments: str = "{}", **more: Any) -> Message:
    part = ToolCall(call_id, "find", arguments, at="messages[1].tool_calls[0]", **more)
    return Message("assistant", (part,), at="messages[1]")


def result(call_id: str = "c1", at: str = "messages[2]") -> Message:
    return Message("tool", (ToolResult(call_id, (Text("found"),), at=at),), at=at)


def request(*messages: Message, **more: Any) -> Request:
    return Request(dialect="openai", model="m", messages=messages, **more)


def refused(asked: Request) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        check(asked)
    assert caught.value.param is not None
    assert caught.value.param in str(caught.value)
    return caught.value.code, caught.value.param


def test_a_conversation_with_calls_and_their_results_passes() -> None:
    check(request(ASKED, call(), result()))


def test_a_request_without_messages_is_refused() -> None:
    assert refused(request()) == ("empty_messages", "messages")


def test_instructions_alone_are_no_conversation() -> None:
    system = Message("system", (Text("Be kind."),), at="system")
    assert refused(request(system)) == ("empty_messages", "messages")


def test_the_path_is_in_the_words_of_the_client() -> None:
    assert refused(request(at={"messages": "input"})) == ("empty_messages", "input")


def test_a_message_without_content_is_refused() -> None:
    empty = Message("user", (), at="messages[1]")
    assert refused(request(ASKED, empty)) == ("empty_content", "messages[1]")


@pytest.mark.parametrize("arguments", ["[1]", "nonsense", '{"a":', "null", '"text"'])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    assert refused(request(ASKED, call(arguments=arguments))) == ("invalid_arguments", "messages[1].tool_calls[0]")


@pytest.mark.parametrize("arguments", ["", "{}", ' {"a": 1} '])
def test_arguments_that_are_an_object_or_none_pass(arguments: str) -> None:
    check(request(ASKED, call(arguments=arguments)))


def test_a_custom_tools_input_is_any_text() -> None:
    check(request(ASKED, call(arguments="not JSON", custom=True)))


def test_a_result_without_its_call_is_refused() -> None:
    assert refused(request(ASKED, result())) == ("unknown_tool_call", "messages[2]")


def test_a_result_before_its_call_is_refused() -> None:
    assert refused(request(ASKED, result(at="messages[1]"), call())) == ("unknown_tool_call", "messages[1]")


def test_two_results_for_one_call_are_refused() -> None:
    asked = request(ASKED, call(), result(), result(at="messages[3]"))
    assert refused(asked) == ("repeated_tool_result", "messages[3]")


def test_an_id_may_be_used_again_by_a_later_call() -> None:
    check(request(ASKED, call(), result(), call(), result(at="messages[4]")))


def test_a_result_may_belong_to_an_answer_that_is_continued() -> None:
    check(request(result(), previous_id="resp_1"))


def test_a_result_may_belong_to_an_item_that_only_its_dialect_reads() -> None:
    reference = Opaque("openai-responses", "item_reference", {"type": "item_reference", "id": "fc_1"})
    check(request(ASKED, Message("assistant", (reference,)), result()))


def missing(asked: Request, *lacks: str) -> str | None:
    with pytest.raises(BadRequest) as caught:
        demand(asked, frozenset(lacks))
    assert caught.value.code == "capability_missing"
    assert str(caught.value.param) in str(caught.value)
    return caught.value.param


IMAGE = Media("image", "image/png", "AAAA", at="messages[0].content[1]")


@pytest.mark.parametrize(
    ("kind", "word"), [("image", "images"), ("document", "documents"), ("audio", "audio"), ("video", "video")]
)
def test_media_that_a_model_lacks_are_named_by_their_path(kind: Any, word: str) -> None:
    asked = request(Message("user", (Text("Look"), structs.replace(IMAGE, kind=kind)), at="messages[0]"))
    assert missing(asked, word) == "messages[0].content[1]"
    demand(asked, frozenset(("images", "documents", "audio", "video")) - {word})


def test_an_image_in_a_result_is_found() -> None:
    shot = structs.replace(IMAGE, at="messages[2].content[0]")
    asked = request(ASKED, call(), Message("tool", (ToolResult("c1", (shot,)),), at="messages[2]"))
    assert missing(asked, "images") == "messages[2].content[0]"


def test_tools_schemas_and_thinking_are_named_by_the_clients_words() -> None:
    tool = Tool("find", at="tools[0]")
    assert missing(request(ASKED, tools=(tool,)), "tools") == "tools[0]"
    schema = request(ASKED, output=OutputFormat("schema", schema={}), at={"output": "response_format"})
    assert missing(schema, "json_schema") == "response_format"
    thinking = request(ASKED, reasoning=Reasoning("low"), at={"reasoning": "reasoning_effort"})
    assert missing(thinking, "thinking") == "reasoning_effort"


@pytest.mark.parametrize("reasoning", [Reasoning("none"), Reasoning(budget=0), Reasoning(shown=True)])
def test_who_asks_for_no_thoughts_demands_none(reasoning: Reasoning) -> None:
    demand(request(ASKED, reasoning=reasoning), frozenset(("thinking",)))


def test_any_json_is_no_schema() -> None:
    demand(request(ASKED, output=OutputFormat("json")), frozenset(("json_schema",)))


def test_the_first_thing_that_is_lacking_is_named() -> None:
    asked = request(Message("user", (IMAGE,), at="messages[0]"), tools=(Tool("find", at="tools[0]"),))
    assert missing(asked, "tools", "images") == "messages[0].content[1]"
