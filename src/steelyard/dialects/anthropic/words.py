"""The words of Anthropic's Messages API, and what they mean here.

Sources: Anthropic API reference, "Create a Message"; "Handling stop reasons"; "Errors" (platform.claude.com/docs); the
types of the official Python SDK.
"""

from typing import Any

from steelyard.core.answer import FinishReason

__all__ = ["IMAGE_TYPES", "MOST_IMAGE", "NAME", "REASONS", "STATUSES", "STOPS", "error_type", "is_own_block", "named"]

NAME = "anthropic"

MOST_IMAGE = 10 * 1024 * 1024
"""The most characters of base64 that an image may have: the API answers "image exceeds 10 MB maximum: … bytes >
10485760 bytes" and counts them encoded."""

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}

STOPS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    # "when streaming classifiers intervene to handle potential policy violations": a filter's stop is a refusal here.
    "content_filter": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_TYPES = {status: kind for kind, status in STATUSES.items()}

# Blocks that only this API has, beside those whose names end as `_OWN_ENDS` do: each server tool brings its own.
_OWN = frozenset(
    {
        "browser_state",
        "compaction",
        "container_upload",
        "fallback",
        "mcp_tool_listing",
        "mid_conv_system",
        "tool_addition",
        "tool_reference",
        "tool_removal",
    }
)
_OWN_ENDS = ("_tool_use", "_tool_result")


def is_own_block(kind: str) -> bool:
    """Say whether a type of block is one that only this API has."""
    return kind in _OWN or kind.endswith(_OWN_ENDS)


def error_type(status: int) -> str:
    """Return the type of error that stands for an HTTP status."""
    return _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def named(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields without those that are null: the API means the same by both."""
    return {name: value for name, value in fields.items() if value is not None} if fields else fields
