"""OpenAI's Responses API (platform.openai.com/docs/api-reference/responses), toward clients and upstreams."""

from steelyard.dialects.responses.dialect import RESPONSES, Responses
from steelyard.dialects.responses.kept import input_items_page, kept_input, with_previous
from steelyard.dialects.responses.names import response_id
from steelyard.dialects.responses.request_in import stored_elsewhere

__all__ = [
    "RESPONSES",
    "Responses",
    "input_items_page",
    "kept_input",
    "response_id",
    "stored_elsewhere",
    "with_previous",
]
