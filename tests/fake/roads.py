"""Which dialect a path belongs to, as each provider's reference has them."""

import re
from urllib.parse import unquote

from tests.fake.anthropic_says import ANTHROPIC
from tests.fake.bedrock import BEDROCK
from tests.fake.chat_says import AZURE, CHAT
from tests.fake.gemini_says import GEMINI
from tests.fake.responses_says import RESPONSES
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place, Tongue

__all__ = ["chat", "road", "unknown_model"]

_GEMINI = re.compile(r"/v1(?:beta)?/models/(.+):(generateContent|streamGenerateContent|countTokens)")
_VERTEX = re.compile(
    r"/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/publishers/(google|anthropic)/models/(.+):"
    r"(generateContent|streamGenerateContent|countTokens|rawPredict|streamRawPredict)"
)
_BEDROCK = re.compile(r"/model/(.+)/(converse|converse-stream)")
_DEPLOYMENT = re.compile(r"/openai/deployments/(.+)/chat/completions")
_STREAMS = frozenset({"streamGenerateContent", "streamRawPredict", "converse-stream"})

_FIXED: dict[str, tuple[Tongue, Place]] = {
    "/v1/messages": (ANTHROPIC, Place()),
    "/v1/messages/count_tokens": (ANTHROPIC, Place(counts=True)),
    "/v1/responses": (RESPONSES, Place()),
    "/v1/responses/input_tokens": (RESPONSES, Place(counts=True)),
    "/openai/v1/responses": (RESPONSES, Place(house="azure")),
    "/openai/v1/chat/completions": (AZURE, Place(house="azure")),
}


def road(request: ReceivedRequest) -> tuple[Tongue, Place] | None:
    """Return the dialect of a request's path, and what the path says; None for OpenAI's other endpoints."""
    path = unquote(request.path)
    if found := _FIXED.get(path):
        return found
    if match := _GEMINI.fullmatch(path):
        return GEMINI, _place(match[1], match[2], request)
    if match := _VERTEX.fullmatch(path):
        tongue: Tongue = GEMINI if match[1] == "google" else ANTHROPIC
        return tongue, _place(match[2], match[3], request, "vertex")
    if match := _BEDROCK.fullmatch(path):
        return BEDROCK, _place(match[1], match[2], request)
    if match := _DEPLOYMENT.fullmatch(path):
        return AZURE, Place(match[1], None, "azure")
    return None


def chat(model: str) -> tuple[Tongue, Place] | None:
    """Return the dialect of Chat Completions for scenes; None for the behaviours that answer in its shapes."""
    return (CHAT, Place()) if model.startswith("scene:") else None


def _place(model: str, method: str, request: ReceivedRequest, house: str = "") -> Place:
    streams = method in _STREAMS
    # Without alt=sse Google streams one JSON array (ai.google.dev/api/generate-content).
    array = method == "streamGenerateContent" and "alt=sse" not in request.query
    return Place(model, streams, house, method == "countTokens", array)


def unknown_model(tongue: Tongue, name: str) -> str:
    """Return how a provider says that there is no such model."""
    if tongue is ANTHROPIC:
        return f"model: {name}"
    if tongue is GEMINI:
        return f"models/{name} is not found for API version v1beta, or is not supported for generateContent."
    if tongue is BEDROCK:
        return "The provided model identifier is invalid."
    return f"The model `{name}` does not exist or you do not have access to it."
