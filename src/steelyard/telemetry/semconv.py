"""OpenTelemetry's names for generative AI, all in one place.

The latest are those of the semantic conventions 1.41 (docs/gen-ai, gen-ai-spans.md and gen-ai-metrics.md; status
"Development"); the old ones are those of 1.36, before `gen_ai.system` became `gen_ai.provider.name`.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

__all__ = ["LATEST", "V1_36", "Names", "names_for", "operation_of", "provider_of"]

OPERATION: Final = "gen_ai.operation.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105  # the name of an attribute
ERROR_TYPE: Final = "error.type"
HTTP_STATUS: Final = "http.response.status_code"

DURATION: Final = "gen_ai.client.operation.duration"
DURATION_BOUNDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105  # the name of a metric
TOKEN_BOUNDS: Final = tuple(4.0**power for power in range(14))


class Names(Struct, frozen=True):
    """What differs between versions. None: that version has no such name."""

    provider: str
    providers: Mapping[str, str]
    stream: str | None
    first_chunk: str | None
    cache_read: str | None
    cache_creation: str | None
    reasoning: str | None
    first_chunk_metric: str | None


_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "vertex-anthropic": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Our providers whose well-known value is not their own name."""

LATEST: Final = Names(
    provider="gen_ai.provider.name",
    providers=_PROVIDERS,
    stream="gen_ai.request.stream",
    first_chunk="gen_ai.response.time_to_first_chunk",
    cache_read="gen_ai.usage.cache_read.input_tokens",
    cache_creation="gen_ai.usage.cache_creation.input_tokens",
    reasoning="gen_ai.usage.reasoning.output_tokens",
    first_chunk_metric="gen_ai.client.operation.time_to_first_chunk",
)

V1_36: Final = Names(
    provider="gen_ai.system",
    providers={**_PROVIDERS, "xai": "xai"},
    stream=None,
    first_chunk=None,
    cache_read=None,
    cache_creation=None,
    reasoning=None,
    first_chunk_metric=None,
)

_OPERATIONS: Final = {
    "chat/completions": "chat",
    "responses": "chat",
    "messages": "chat",
    "generateContent": "generate_content",
    "streamGenerateContent": "generate_content",
    "completions": "text_completion",
    "embeddings": "embeddings",
}


def names_for(version: Literal["latest", "1.36"], opt_in: str) -> Names:
    """Return the names of a version. `opt_in` is the value of OTEL_SEMCONV_STABILITY_OPT_IN, a list with commas: with
    `gen_ai_latest_experimental` in it the latest are meant (gen-ai-spans.md, the note on transition)."""
    if "gen_ai_latest_experimental" in (word.strip() for word in opt_in.split(",")):
        return LATEST
    return V1_36 if version == "1.36" else LATEST


def operation_of(endpoint: str) -> str:
    """Return the operation that an endpoint is: a well-known value, or the endpoint's own name."""
    return _OPERATIONS.get(endpoint, endpoint)


def provider_of(deployment: str, names: Names) -> str:
    """Return the provider of a deployment: a well-known value, or the provider's own name."""
    provider = deployment.partition("/")[0]
    return names.providers.get(provider, provider)
