"""What errors are about, in the words of each provider: as each dialect's reader has them, and no other."""

import json
from typing import Any

import pytest

from steelyard.dialects.table import UPSTREAM_DIALECTS
from steelyard.gateway.subject import is_withheld, subject_of


def openai(message: str, kind: str | None = "invalid_request_error", code: Any = None) -> tuple[str, Any]:
    return "openai", {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(message: str) -> tuple[str, Any]:
    return "anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def gemini(message: str) -> tuple[str, Any]:
    return "gemini", {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


TOO_LONG = {
    "openai": (400, *openai("This model's maximum context length is 128000 tokens.", code="context_length_exceeded")),
    "openai-responses": (400, *openai("Your input exceeds the context window of this model.")),
    "vllm": (
        400,
        *openai("This model's maximum context length is 4096 tokens. However, you requested 5000.", "BadRequestError"),
    ),
    "vllm-prompt": (
        400,
        *openai("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", "BadRequestError"),
    ),
    "sglang": (
        400,
        *openai("The input (5000 tokens) is longer than the model's context length (4096 tokens).", "BadRequestError"),
    ),
    "sglang-both": (
        400,
        *openai("Requested token count exceeds the model's maximum context length of 4096 tokens.", "BadRequestError"),
    ),
    "sglang-bare": (
        400,
        "openai",
        {
            "object": "error",
            "message": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    "cohere": (
        400,
        *openai("too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.", None),
    ),
    "llama.cpp": (
        400,
        *openai("the request exceeds the available context size, try increasing it", "exceed_context_size_error", 400),
    ),
    "groq": (413, *openai("Please reduce the length of the messages or completion.")),
    "xai": (400, *openai("This model's maximum prompt length is 131072 but the request contains 537812 tokens.")),
    "mistral": (400, *openai("Prompt contains 65673 tokens, too large for model with 32768 maximum context length")),
    "tgi": (422, *openai("`inputs` tokens + `max_new_tokens` must be <= 8192. Given: 6391 `inputs` tokens", None)),
    "anthropic": (400, *anthropic("prompt is too long: 210000 tokens > 200000 maximum")),
    "anthropic-both": (
        400,
        *anthropic(
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length"
        ),
    ),
    "gemini": (400, *gemini("The input token count (1300000) exceeds the maximum number of tokens allowed (1048575).")),
    "gemini-bare": (400, *gemini("The input token count exceeds the maximum number of tokens allowed 1048576.")),
    "bedrock": (400, "bedrock", {"message": "Input is too long for requested model."}),
    "bedrock-titan": (
        400,
        "bedrock",
        {"message": "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9279"},
    ),
}
FILTERED = {
    "azure": (
        400,
        *openai(
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            None,
            "content_filter",
        ),
    ),
    "openai-images": (400, *openai("Your request was rejected by the safety system.", None, "moderation_blocked")),
    "anthropic": (400, *anthropic("Output blocked by content filtering policy")),
    "openrouter": (403, *openai("openai/gpt-4 requires moderation on OpenAI. Your input was flagged.", None, 403)),
}
NEITHER = {
    "type": (400, *openai("Invalid type for 'temperature': expected a decimal.")),
    "limit": (429, *openai("Rate limit reached for tokens. Please reduce the length of the messages.", "tokens")),
    "most": (400, *openai("max_tokens is too large: 100000. This model supports at most 16384 completion tokens.")),
    "anthropic": (400, *anthropic("messages: at least one message is required")),
    "gemini": (400, *gemini("Please ensure that function call turn comes immediately after a user turn.")),
    "broken": (500, *openai("The server had an error while processing your request.", "server_error")),
}


def about(status: int, dialect: str, body: Any) -> str | None:
    told = UPSTREAM_DIALECTS[dialect].decode_error(json.dumps(body).encode(), [])
    assert told is not None
    return subject_of(status, told)


@pytest.mark.parametrize("name", TOO_LONG)
def test_that_the_context_is_too_short_is_known_by_each_provider_s_words(name: str) -> None:
    assert about(*TOO_LONG[name]) == "context_length"


@pytest.mark.parametrize("name", FILTERED)
def test_that_a_filter_has_refused_is_known_by_each_provider_s_words(name: str) -> None:
    assert about(*FILTERED[name]) == "content_filter"


@pytest.mark.parametrize("name", NEITHER)
def test_what_is_about_something_else_is_neither(name: str) -> None:
    assert about(*NEITHER[name]) is None


@pytest.mark.parametrize(
    "reason", ["content_filter", "SAFETY", "PROHIBITED_CONTENT", "refusal", "guardrail_intervened"]
)
def test_reasons_by_which_an_answer_is_withheld(reason: str) -> None:
    assert is_withheld(reason)


@pytest.mark.parametrize("reason", ["stop", "length", "STOP", "end_turn", "tool_use", None, ""])
def test_other_reasons(reason: str | None) -> None:
    assert not is_withheld(reason)
