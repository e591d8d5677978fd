"""Our names are those that OpenTelemetry's own package has."""

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as published
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes

from steelyard.catalog.endpoints import ENDPOINTS
from steelyard.catalog.providers import provider_table
from steelyard.telemetry import semconv
from steelyard.telemetry.semconv import LATEST, V1_36, names_for, operation_of, provider_of

ATTRIBUTES = {value for name, value in vars(published).items() if name.startswith("GEN_AI_") and isinstance(value, str)}
METRICS = {value for name, value in vars(gen_ai_metrics).items() if name.isupper()}


def test_attributes_are_published_ones() -> None:
    parts = (LATEST.stream, LATEST.first_chunk, LATEST.cache_read, LATEST.cache_creation, LATEST.reasoning)
    ours = {
        semconv.OPERATION,
        semconv.REQUEST_MODEL,
        semconv.RESPONSE_MODEL,
        semconv.FINISH_REASONS,
        semconv.INPUT_TOKENS,
        semconv.OUTPUT_TOKENS,
        semconv.TOKEN_TYPE,
        LATEST.provider,
        V1_36.provider,
        *parts,
    }
    assert ours <= ATTRIBUTES
    assert semconv.ERROR_TYPE == error_attributes.ERROR_TYPE
    assert semconv.HTTP_STATUS == http_attributes.HTTP_RESPONSE_STATUS_CODE


def test_metrics_are_published_ones() -> None:
    assert {semconv.DURATION, semconv.TOKEN_USAGE, LATEST.first_chunk_metric} <= METRICS


def test_providers_have_their_well_known_values() -> None:
    known = {one.value for one in published.GenAiProviderNameValues}
    old = {one.value for one in published.GenAiSystemValues}
    assert set(LATEST.providers.values()) <= known
    assert set(V1_36.providers.values()) <= old
    assert set(LATEST.providers) <= set(provider_table())
    for provider in ("openai", "anthropic", "cohere", "deepseek", "groq", "perplexity"):
        assert provider_of(f"{provider}/m", LATEST) in known
    assert provider_of("xai/grok", LATEST) == "x_ai"
    assert provider_of("xai/grok", V1_36) == "xai"
    assert provider_of("acme/m", LATEST) == "acme"


def test_operations_have_their_well_known_values() -> None:
    known = {one.value for one in published.GenAiOperationNameValues}
    others = {one for one in ENDPOINTS if operation_of(one) not in known}
    assert others == {
        "rerank",
        "images/generations",
        "audio/transcriptions",
        "messages/count_tokens",
        "countTokens",
        "converse",  # Bedrock's, of which no client speaks
        "converse-stream",
    }


@pytest.mark.parametrize(
    ("version", "opt_in", "names"),
    [
        ("latest", "", LATEST),
        ("1.36", "", V1_36),
        ("1.36", "http/dup, gen_ai_latest_experimental", LATEST),
        ("1.36", "http", V1_36),
        ("latest", "gen_ai_latest_experimental", LATEST),
    ],
)
def test_the_version_is_chosen_by_file_and_variable(version: str, opt_in: str, names: object) -> None:
    assert names_for("1.36" if version == "1.36" else "latest", opt_in) is names
