"""What gets lost is told by the client's own names."""

from typing import Any

import msgspec
import pytest

from steelyard.core.losses import Losses
from steelyard.dialects.dialect import Facts
from steelyard.dialects.table import DIALECTS

_GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
_SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
_TOOLS = [{"type": "function", "function": {"name": name, "strict": name == "f", "parameters": {}}} for name in "fg"]


@pytest.mark.parametrize(
    ("client", "body", "upstream", "path"),
    [
        (
            "openai-responses",
            {"input": "Hi", "reasoning": {"effort": "low", "summary": "auto"}},
            "openai",
            "reasoning.summary",
        ),
        (
            "gemini",
            {**_GEMINI, "generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
            "openai",
            "generationConfig.thinkingConfig.includeThoughts",
        ),
        (
            "gemini",
            {**_GEMINI, "generationConfig": {"responseMimeType": "application/json", "responseSchema": _SCHEMA}},
            "anthropic",
            "generationConfig.responseSchema",
        ),
        (
            "gemini",
            {**_GEMINI, "generationConfig": {"response_mime_type": "application/json"}},
            "anthropic",
            "generationConfig.responseMimeType",
        ),
        (
            "openai",
            {"messages": [{"role": "user", "content": "Hi"}], "tools": _TOOLS},
            "gemini",
            "tools[0].function.strict",
        ),
    ],
)
def test_a_loss_is_told_by_the_name_that_the_client_gave(
    client: str, body: dict[str, Any], upstream: str, path: str
) -> None:
    losses = Losses()
    request = DIALECTS[client].decode_request(msgspec.json.encode({"model": "m", **body}), model="m")
    DIALECTS[upstream].encode_request(request, Facts("m"), losses)
    assert path in [loss.path for loss in losses.all()]
