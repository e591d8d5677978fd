"""What an upstream's error is about, where another deployment might do better: the length of the context, or a filter.

Each provider says it in its own way, and most of them in words alone.
"""

import re
from typing import Final, Literal

from steelyard.dialects.dialect import Told

__all__ = ["Subject", "is_withheld", "subject_of"]

Subject = Literal["context_length", "content_filter"]

_TOO_LONG_CODES: Final = frozenset(
    (
        "context_length_exceeded",  # OpenAI ("Error codes"), Azure, and many that follow them
        "exceed_context_size_error",  # llama.cpp, tools/server: `type` of ERROR_TYPE_EXCEED_CONTEXT_SIZE
        "model_max_prompt_tokens_exceeded",  # GitHub Models
        "string_above_max_length",  # OpenAI, of one string
        "context_window_exceeded",
    )
)
_TOO_LONG_WORDS: Final = re.compile(
    "|".join(
        (
            r"maximum context length is",  # OpenAI; vLLM ("This model's maximum context length is N tokens. However")
            r"exceeds the context window",  # OpenAI, Responses
            r"longer than the maximum model length",  # vLLM
            r"longer than the model's context length",  # SGLang, Together
            r"exceeds the model's maximum context length",  # SGLang, of input and output together
            r"too many tokens: total number of tokens",  # Cohere
            r"too many input tokens\. Max input tokens",  # Bedrock, Titan
            r"prompt is too long",  # Anthropic ("prompt is too long: N tokens > M maximum"), also on Bedrock, Vertex
            r"exceed(?:s|ed)? (?:the )?context limit",  # Anthropic ("input length and `max_tokens` exceed …")
            r"input token count.{0,40}exceeds the maximum number of tokens",  # Gemini, Vertex
            r"input is too long for requested model",  # Bedrock (ValidationException)
            r"exceeds the available context size",  # llama.cpp
            r"maximum prompt length is \d",  # xAI
            r"too large for model with \d+ maximum context length",  # Mistral
            r"reduce the length of the messages",  # OpenAI, Groq
            r"must be <= \d+\. Given: \d+",  # Text Generation Inference (`inputs` tokens + `max_new_tokens`)
            r"exceeded model token limit",  # Moonshot
        )
    ),
    re.IGNORECASE,
)
_TOO_LONG_STATUSES: Final = frozenset((400, 413, 422, 500))
"""500: vLLM and llama.cpp have said so, in earlier versions."""

_FILTER_CODES: Final = frozenset(
    (
        "content_filter",  # Azure OpenAI, "Content filtering": status 400
        "content_policy_violation",  # OpenAI, images
        "moderation_blocked",  # OpenAI, images
        "ResponsibleAIPolicyViolation",  # Azure, `innererror`
        "data_inspection_failed",  # Alibaba Model Studio, "Error codes"
    )
)
_FILTER_WORDS: Final = re.compile(
    "|".join(
        (
            r"output blocked by content filtering policy",  # Anthropic: 400, invalid_request_error
            r"content management policy",  # Azure OpenAI
            r"requires moderation on",  # OpenRouter: 403, "Errors", moderation
        )
    ),
    re.IGNORECASE,
)
_FILTER_STATUSES: Final = frozenset((400, 403, 422))

_WITHHELD: Final = frozenset(
    (
        "content_filter",  # OpenAI, `finish_reason`
        "refusal",  # Anthropic, `stop_reason`: classifiers have intervened
        *("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "MODEL_ARMOR"),  # Gemini, `finishReason`
        *("content_filtered", "guardrail_intervened"),  # Bedrock, `stopReason`
    )
)


def subject_of(status: int, told: Told) -> Subject | None:
    """Return what an error of that status is about; None: something else."""
    names = (told.code, told.kind)
    if status in _TOO_LONG_STATUSES and (
        any(name in _TOO_LONG_CODES for name in names) or _TOO_LONG_WORDS.search(told.message)
    ):
        return "context_length"
    if status in _FILTER_STATUSES and (
        any(name in _FILTER_CODES for name in names) or _FILTER_WORDS.search(told.message)
    ):
        return "content_filter"
    return None


def is_withheld(finish_reason: str | None) -> bool:
    """Say whether a finish reason, as the provider names it, means that a filter has withheld an answer."""
    return finish_reason in _WITHHELD
