"""Names of the Responses API: its items, and the ids that are made up for those that have none."""

from collections.abc import Mapping

from steelyard.core.parts import Role

__all__ = ["CONTENT_OF_ITS_OWN", "HOSTED", "NAME", "genuine", "made_id", "response_id"]

NAME = "openai-responses"

_MARK = "sy"

# What only this API has: calls of tools that OpenAI runs, what they gave, and references to what OpenAI stores. Each
# with the side that says it. (API reference, "Create a model response", `input`.)
HOSTED: Mapping[str, Role] = {
    "additional_tools": "developer",
    "apply_patch_call": "assistant",
    "apply_patch_call_output": "tool",
    "code_interpreter_call": "assistant",
    "compaction": "assistant",
    "compaction_trigger": "user",
    "computer_call": "assistant",
    "computer_call_output": "tool",
    "configuration_update": "developer",
    "file_search_call": "assistant",
    "image_generation_call": "assistant",
    "item_reference": "assistant",
    "local_shell_call": "assistant",
    "local_shell_call_output": "tool",
    "mcp_approval_request": "assistant",
    "mcp_approval_response": "user",
    "mcp_call": "assistant",
    "mcp_list_tools": "assistant",
    "program": "assistant",
    "program_output": "tool",
    "shell_call": "assistant",
    "shell_call_output": "tool",
    "tool_search_call": "assistant",
    "tool_search_output": "tool",
    "web_search_call": "assistant",
}

# Parts of a message's content that only this API has (API reference, "Conversations", the message object).
CONTENT_OF_ITS_OWN = frozenset({"computer_screenshot", "input_video", "encrypted_content"})


def response_id(exchange: str) -> str:
    """Return the id of the response that an exchange gives: `resp_` and what follows the exchange's own prefix."""
    return f"resp_{exchange.rpartition('_')[2]}"


def made_id(kind: str, exchange: str, number: int) -> str:
    """Return an id for an item that has none: `msg_sy_…_0`. The prefix is the one that OpenAI demands of an item of its
    kind ("Expected an ID that begins with 'msg'")."""
    return f"{kind}_{_MARK}_{exchange.rpartition('_')[2]}_{number}"


def genuine(item_id: str | None) -> str | None:
    """Return an item's id; None for one that was made up here: no provider knows it."""
    if item_id is None or item_id.partition("_")[2].startswith(f"{_MARK}_"):
        return None
    return item_id
