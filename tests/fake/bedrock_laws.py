"""What Converse refuses of a conversation. Texts of errors are those that the service sends, as users quote them."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.fake.scenes import Result

__all__ = ["history", "settings"]


def settings(payload: dict[str, Any]) -> None:
    """Raise ValueError for settings out of their bounds."""
    if payload.get("inferenceConfig", {}).get("maxTokens", 1) < 1:
        raise ValueError("Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must be >= 1")
    for tool in payload.get("toolConfig", {}).get("tools", ()):
        name = tool.get("toolSpec", {}).get("name", "tool")
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            raise ValueError(f"Value '{name}' failed to satisfy constraint: Member must satisfy regular expression")


def history(
    messages: list[dict[str, Any]], has_tools: bool, seal: Callable[[str], str]
) -> tuple[dict[str, str], tuple[Result, ...]]:
    """Return the tools' names by the ids of their calls, and the results in the last turn; raise ValueError for an
    illegal conversation."""
    _turns(messages)
    names: dict[str, str] = {}
    waiting: list[str] = []
    results: tuple[Result, ...] = ()
    for index, message in enumerate(messages):
        given = [block["toolResult"] for block in message["content"] if "toolResult" in block]
        _answers(index, [one["toolUseId"] for one in given], waiting)
        results = tuple(Result(names[one["toolUseId"]], _text(one), one.get("status") == "error") for one in given)
        calls = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        if (calls or given) and not has_tools:
            raise ValueError("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        waiting = [call["toolUseId"] for call in calls]
        names |= {call["toolUseId"]: call["name"] for call in calls}
        _blocks(index, message["content"], seal)
    if waiting:
        raise ValueError(_missing(len(messages), waiting))
    return names, results


def _turns(messages: list[dict[str, Any]]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise ValueError(
            "A conversation must start with a user message. Try again with a conversation that starts with a "
            "user message."
        )
    if any(first["role"] == second["role"] for first, second in pairwise(messages)):
        raise ValueError(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
            "between user and assistant roles and try again."
        )


def _missing(index: int, ids: list[str]) -> str:
    return f"Expected toolResult blocks at messages.{index}.content for the following Ids: {', '.join(ids)}"


def _answers(index: int, given: list[str], waiting: list[str]) -> None:
    if len(given) > len(waiting):
        raise ValueError(
            f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of "
            "previous turn."
        )
    if missing := [one for one in waiting if one not in given]:
        raise ValueError(_missing(index, missing))


def _blocks(index: int, blocks: list[dict[str, Any]], seal: Callable[[str], str]) -> None:
    if not blocks:
        raise ValueError(f"The content field in the Message object at messages.{index} is empty.")
    for place, block in enumerate(blocks):
        where = f"messages.{index}.content.{place}"
        if len(block) != 1:
            raise ValueError(f"Only one member of the union at {where} may be set.")
        if "text" in block and not block["text"].strip():
            raise ValueError(f"The text field in the ContentBlock object at {where} is blank.")
        call = block.get("toolUse", block.get("toolResult"))
        if call and not re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", call["toolUseId"]):
            raise ValueError(f"Value at '{where}.toolUseId' failed to satisfy constraint: regular expression pattern")
        thought = block.get("reasoningContent", {}).get("reasoningText")
        if thought and thought.get("signature") != seal(thought["text"]):
            raise ValueError(
                f"The model returned the following errors: {where}: Invalid `signature` in `thinking` block"
            )


def _text(result: dict[str, Any]) -> str:
    return "".join(one["text"] if "text" in one else json.dumps(one.get("json")) for one in result["content"])
