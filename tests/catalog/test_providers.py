"""The table of providers, and what the environment makes of it."""

import fnmatch
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from steelyard.catalog.addresses import base_url_of, endpoint_urls
from steelyard.catalog.endpoints import DIALECTS, ENDPOINTS, GENERATES, Dialect, dialect_of
from steelyard.catalog.environment import key_of, served_without_configuration
from steelyard.catalog.pricebook import price_providers
from steelyard.catalog.prices import priced_models
from steelyard.catalog.providers import Provider, provider_table, read_providers, speaking, unlisted_provider
from steelyard.core.errors import ConfigError

# fmt: off
HOSTED = [
    "openai", "anthropic", "azure", "gemini", "vertex", "vertex-anthropic", "bedrock", "mistral", "groq", "together",
    "fireworks", "deepseek", "xai", "openrouter", "cerebras",
    "perplexity", "cohere", "nvidia", "huggingface", "sambanova", "moonshot", "qwen",
]
# fmt: on
SELF_HOSTED = ["ollama", "vllm", "llamacpp", "lmstudio", "sglang", "tgi", "localai"]


def ids(providers: tuple[Provider, ...]) -> list[str]:
    return [provider.id for provider in providers]


def test_the_table_names_every_provider_that_the_documentation_promises() -> None:
    table = provider_table()
    assert sorted(table) == sorted(HOSTED + SELF_HOSTED)
    assert [name for name, provider in table.items() if provider.self_hosted] == SELF_HOSTED


@pytest.mark.parametrize("name", HOSTED + SELF_HOSTED)
def test_a_row_is_complete(name: str) -> None:
    provider = provider_table()[name]
    assert provider.id == name
    assert provider.name.strip() == provider.name != ""
    assert provider.docs.startswith("https://")
    assert provider.key_env or provider.signing
    assert provider.base_url_env
    assert provider.endpoints
    assert provider.key_required is not provider.self_hosted
    if provider.base_url is not None:
        url = urlsplit(provider.base_url)
        assert url.scheme == ("http" if provider.self_hosted else "https")
        assert not provider.base_url.endswith("/")
        assert url.path.endswith(provider.base_url_suffix)
    assert set(GENERATES[provider.dialect]) <= provider.endpoints
    assert all(value.isupper() or "_" in value for value in provider.key_env + provider.base_url_env)


def test_no_variable_belongs_to_two_providers() -> None:
    uses = Counter(
        variable for provider in provider_table().values() for variable in provider.key_env + provider.base_url_env
    )
    assert [variable for variable, times in uses.items() if times > 1] == []


def test_price_providers_are_known_to_genai_prices() -> None:
    known = price_providers()
    for provider in provider_table().values():
        if provider.prices is not None and provider.prices.endswith("*"):
            assert any(name.startswith(provider.prices[:-1]) for name in known)
        elif provider.prices is not None:
            assert provider.prices in known


def test_no_default_address_is_our_own() -> None:
    assert [p.id for p in provider_table().values() if p.base_url and urlsplit(p.base_url).port == 8080] == []


@pytest.mark.parametrize(
    ("name", "env", "expected"),
    [
        ("openai", {}, "https://api.openai.com/v1"),
        ("openai", {"OPENAI_BASE_URL": "https://eu.api.openai.com/v1/"}, "https://eu.api.openai.com/v1"),
        ("openai", {"OPENAI_BASE_URL": "http://127.0.0.1:9/proxy"}, "http://127.0.0.1:9/proxy"),
        ("openai", {"OPENAI_BASE_URL": " ", "OPENAI_API_BASE": "https://a.example/v1"}, "https://a.example/v1"),
        ("azure", {}, None),
        (
            "azure",
            {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/"},
            "https://r.openai.azure.com/openai/v1",
        ),
        (
            "azure",
            {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/openai"},
            "https://r.openai.azure.com/openai/v1",
        ),
        ("azure", {"AZURE_OPENAI_ENDPOINT": "r.openai.azure.com"}, "https://r.openai.azure.com/openai/v1"),
        (
            "azure",
            {"AZURE_OPENAI_BASE_URL": "https://r.openai.azure.com/openai/v1/"},
            "https://r.openai.azure.com/openai/v1",
        ),
        (
            "gemini",
            {"GOOGLE_GEMINI_BASE_URL": "https://generativelanguage.googleapis.com"},
            "https://generativelanguage.googleapis.com/v1beta",
        ),
        (
            "gemini",
            {"GEMINI_BASE_URL": "https://generativelanguage.googleapis.com/v1beta/openai/"},
            "https://generativelanguage.googleapis.com/v1beta",
        ),
        ("anthropic", {}, "https://api.anthropic.com/v1"),
        ("anthropic", {"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}, "https://api.anthropic.com/v1"),
        ("bedrock", {}, None),
        ("bedrock", {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        ("vertex", {"GOOGLE_VERTEX_BASE_URL": "https://proxy.example/"}, "https://proxy.example/v1"),
        ("groq", {"GROQ_BASE_URL": "https://api.groq.com"}, "https://api.groq.com/openai/v1"),
        ("groq", {"GROQ_BASE_URL": "https://api.groq.com/openai/v1"}, "https://api.groq.com/openai/v1"),
        ("deepseek", {"DEEPSEEK_BASE_URL": "https://api.deepseek.com/v1"}, "https://api.deepseek.com/v1"),
        (
            "qwen",
            {"DASHSCOPE_BASE_URL": "https://dashscope.aliyuncs.com/compatible-mode/v1"},
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        ("ollama", {}, "http://127.0.0.1:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "0.0.0.0:11434"}, "http://127.0.0.1:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "0.0.0.0"}, "http://127.0.0.1:11434/v1"),
        ("ollama", {"OLLAMA_HOST": '"gpu-box"'}, "http://gpu-box:11434/v1"),
        ("ollama", {"OLLAMA_HOST": ":5000"}, "http://127.0.0.1:5000/v1"),
        ("ollama", {"OLLAMA_HOST": "::1"}, "http://[::1]:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "[::]:11434"}, "http://[::1]:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "[fd00::1]"}, "http://[fd00::1]:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "http://0.0.0.0"}, "http://127.0.0.1/v1"),
        ("ollama", {"OLLAMA_HOST": "http://10.0.0.0:80"}, "http://10.0.0.0:80/v1"),
        ("ollama", {"OLLAMA_HOST": "110.0.0.0:80"}, "http://110.0.0.0:80/v1"),
        ("ollama", {"OLLAMA_HOST": "https://ollama.example"}, "https://ollama.example/v1"),
        ("vllm", {"VLLM_BASE_URL": "http://gpu:8000"}, "http://gpu:8000/v1"),
        ("vllm", {"VLLM_BASE_URL": "http://gpu:8000/v1"}, "http://gpu:8000/v1"),
        ("vllm", {"VLLM_BASE_URL": "http://gpu:8000/llm/v1/"}, "http://gpu:8000/llm/v1"),
        ("llamacpp", {}, None),
        ("llamacpp", {"LLAMACPP_URL": "box"}, "http://box/v1"),
    ],
)
def test_a_variable_is_made_a_base_url(name: str, env: dict[str, str], expected: str | None) -> None:
    assert base_url_of(provider_table()[name], env) == expected


@pytest.mark.parametrize("value", ["ftp://box/v1", "https://", "https://box/v1?api-version=1", "https://box/#v1"])
def test_what_is_no_address_is_refused_by_the_variables_name(value: str) -> None:
    with pytest.raises(ConfigError, match="VLLM_BASE_URL is not an address"):
        base_url_of(provider_table()["vllm"], {"VLLM_BASE_URL": value})


def test_the_first_key_that_is_set_wins() -> None:
    gemini = provider_table()["gemini"]
    assert key_of(gemini, {}) is None
    assert key_of(gemini, {"GEMINI_API_KEY": "  "}) is None
    assert key_of(gemini, {"GOOGLE_API_KEY": "b\n"}) == ("GOOGLE_API_KEY", "b")
    assert key_of(gemini, {"GOOGLE_API_KEY": "b", "GEMINI_API_KEY": "a"}) == ("GEMINI_API_KEY", "a")


def test_azure_sends_its_key_bare_in_a_header_of_its_own() -> None:
    azure = provider_table()["azure"]
    assert (azure.auth_header, azure.auth_prefix) == ("api-key", "")
    assert (provider_table()["openai"].auth_header, provider_table()["openai"].auth_prefix) == (
        "authorization",
        "Bearer ",
    )


def test_an_empty_environment_serves_nobody() -> None:
    assert served_without_configuration({}) == ()


def test_a_key_makes_a_provider_served() -> None:
    env = {"OPENAI_API_KEY": "k", "HF_TOKEN": "t", "PATH": "/bin"}
    assert ids(served_without_configuration(env)) == ["openai", "huggingface"]


def test_azure_is_served_only_with_an_endpoint() -> None:
    assert served_without_configuration({"AZURE_OPENAI_API_KEY": "k"}) == ()
    env = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com"}
    assert ids(served_without_configuration(env)) == ["azure"]


def test_an_address_without_a_key_serves_only_what_is_self_hosted() -> None:
    assert served_without_configuration({"OPENAI_BASE_URL": "https://api.openai.com/v1"}) == ()
    assert ids(served_without_configuration({"OLLAMA_HOST": "0.0.0.0"})) == ["ollama"]
    assert ids(served_without_configuration({"VLLM_API_KEY": "k"})) == ["vllm"]


def test_a_key_alone_does_not_find_a_server_without_a_default_address() -> None:
    assert served_without_configuration({"LLAMA_API_KEY": "k"}) == ()


def test_endpoints_have_addresses_of_their_own_where_the_provider_wants_it() -> None:
    table = provider_table()
    cohere = endpoint_urls(table["cohere"], table["cohere"].base_url or "")
    assert cohere["embeddings"] == "https://api.cohere.ai/compatibility/v1/embeddings"
    assert cohere["rerank"] == "https://api.cohere.ai/v2/rerank"
    assert "images/generations" not in cohere
    plain, versioned = (
        endpoint_urls(table["deepseek"], base) for base in ("https://api.deepseek.com", "https://api.deepseek.com/v1")
    )
    assert plain["chat/completions"] == "https://api.deepseek.com/chat/completions"
    assert versioned["completions"] == "https://api.deepseek.com/beta/completions"


VERTEX = {"project": "p-1", "location": "europe-west1"}


@pytest.mark.parametrize(
    ("name", "model", "facts", "endpoint", "expected"),
    [
        ("anthropic", "claude-x", {}, "messages", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "claude-x", {}, "messages/count_tokens", "https://api.anthropic.com/v1/messages/count_tokens"),
        (
            "gemini",
            "gemini-x",
            {},
            "generateContent",
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent",
        ),
        (
            "gemini",
            "tunedModels/a b",
            {},
            "streamGenerateContent",
            "https://generativelanguage.googleapis.com/v1beta/tunedModels/a%20b:streamGenerateContent?alt=sse",
        ),
        (
            "gemini",
            "gemini-x",
            {},
            "embeddings",
            "https://generativelanguage.googleapis.com/v1beta/openai/embeddings",
        ),
        (
            "vertex",
            "gemini-x",
            VERTEX,
            "countTokens",
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west1/"
            "publishers/google/models/gemini-x:countTokens",
        ),
        (
            "vertex",
            "endpoints/42",
            VERTEX,
            "streamGenerateContent",
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west1/"
            "endpoints/42:streamGenerateContent?alt=sse",
        ),
        (
            "vertex-anthropic",
            "claude-x@20250929",
            {**VERTEX, "location": "global"},
            "messages",
            "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/"
            "publishers/anthropic/models/claude-x@20250929:rawPredict",
        ),
        (
            "vertex-anthropic",
            "claude-x@20250929",
            {**VERTEX, "location": "eu"},
            "messages:stream",
            "https://aiplatform.eu.rep.googleapis.com/v1/projects/p-1/locations/eu/"
            "publishers/anthropic/models/claude-x@20250929:streamRawPredict",
        ),
        (
            "vertex-anthropic",
            "claude-x",
            VERTEX,
            "messages/count_tokens",
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west1/"
            "publishers/anthropic/models/count-tokens:rawPredict",
        ),
        (
            "bedrock",
            "us.anthropic.claude-x-v1:0",
            {"aws_region": "us-west-2"},
            "converse",
            "https://bedrock-runtime.us-west-2.amazonaws.com/model/us.anthropic.claude-x-v1%3A0/converse",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:us-west-2:1:inference-profile/x",
            {"aws_region": "us-west-2"},
            "converse-stream",
            "https://bedrock-runtime.us-west-2.amazonaws.com/model/"
            "arn%3Aaws%3Abedrock%3Aus-west-2%3A1%3Ainference-profile%2Fx/converse-stream",
        ),
    ],
)
def test_a_model_s_name_and_a_customer_s_facts_stand_in_addresses(
    name: str, model: str, facts: dict[str, str], endpoint: str, expected: str
) -> None:
    provider = provider_table()[name]
    base_url = base_url_of(provider, {}, facts)
    assert base_url is not None
    assert endpoint_urls(provider, base_url, model, facts)[endpoint] == expected


def test_azure_s_addresses_of_before_v1_name_the_deployment_and_the_version() -> None:
    azure = provider_table()["azure"]
    base_url = base_url_of(azure, {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com"})
    assert base_url is not None
    now = endpoint_urls(azure, base_url, "my gpt")
    assert now["chat/completions"] == "https://r.openai.azure.com/openai/v1/chat/completions"
    assert now["responses"] == "https://r.openai.azure.com/openai/v1/responses"
    for base in (base_url, "https://r.openai.azure.com"):
        then = endpoint_urls(azure, base, "my gpt", {"api_version": "2024-10-21"})
        assert then["chat/completions"] == (
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        )
        assert then["responses"] == "https://r.openai.azure.com/openai/responses?api-version=2024-10-21"
        assert then.keys() == now.keys()


def test_a_location_that_is_not_told_leaves_no_address() -> None:
    assert base_url_of(provider_table()["vertex"], {}) is None
    assert base_url_of(provider_table()["bedrock"], {}, {"project": "p"}) is None


def test_a_provider_outside_the_table_needs_little() -> None:
    acme = Provider(id="acme", name="Acme", base_url="http://127.0.0.1:9001/v1", key_required=False)
    assert endpoint_urls(acme, "http://127.0.0.1:9001/v1")["rerank"] == "http://127.0.0.1:9001/v1/rerank"
    assert acme.stream_usage == "ask"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_provider_outside_the_table_is_called_as_its_dialect_says(dialect: Dialect) -> None:
    acme = unlisted_provider("acme", dialect, key_required=True)
    assert (acme.id, acme.dialect, acme.base_url, acme.prices) == ("acme", dialect, None, None)
    urls = endpoint_urls(acme, "https://a.example/x", "some/model:1", {"aws_region": "r"})
    whole, stream = (urls[name] for name in GENERATES[acme.dialect])
    expected = {
        "openai": ("chat/completions", "chat/completions"),
        "openai-responses": ("responses", "responses"),
        "anthropic": ("messages", "messages"),
        "gemini": ("some/model%3A1:generateContent", "some/model%3A1:streamGenerateContent?alt=sse"),
        "bedrock": ("model/some%2Fmodel%3A1/converse", "model/some%2Fmodel%3A1/converse-stream"),
    }[dialect]
    assert (whole, stream) == tuple(f"https://a.example/x/{path}" for path in expected)
    assert all(dialect_of(name) in (None, dialect) for name in acme.endpoints)
    header = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(dialect, "authorization")
    assert acme.auth_header == header
    assert ("anthropic-version" in acme.headers) is (dialect == "anthropic")


def test_a_provider_can_be_called_in_another_dialect_than_its_row_s() -> None:
    openai = speaking(provider_table()["openai"], "openai-responses")
    assert openai.dialect == "openai-responses"
    assert openai.endpoints == provider_table()["openai"].endpoints
    gemini = speaking(provider_table()["gemini"], "openai")
    assert (gemini.dialect, gemini.auth_header, gemini.auth_prefix) == ("openai", "authorization", "Bearer ")
    assert (gemini.prices, gemini.key_env) == ("google", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
    assert "chat/completions" in gemini.endpoints
    assert "generateContent" not in gemini.endpoints


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("o3-pro", "openai-responses"),
        ("o3-pro-2025-06-10", "openai-responses"),
        ("gpt-5-codex", "openai-responses"),
        ("gpt-5", None),
        ("gpt-4.1", None),
        ("o3-proper", None),
    ],
)
def test_models_that_only_speak_responses_are_known(model: str, dialect: str | None) -> None:
    assert provider_table()["openai"].dialect_for(model) == dialect


def test_endpoints_know_their_dialect() -> None:
    assert {dialect_of(name) for name in ENDPOINTS} == {*DIALECTS, None}
    assert dialect_of("embeddings") is None
    assert dialect_of("messages/count_tokens") == "anthropic"
    for dialect, pair in GENERATES.items():
        assert {dialect_of(name) for name in pair} == {dialect}


def test_foreign_names_exist_in_the_price_list_that_they_are_kept_out_of() -> None:
    for provider in provider_table().values():
        for pattern in provider.foreign:
            assert provider.prices is not None
            assert fnmatch.filter(priced_models(provider.prices), pattern), (provider.id, pattern)


def test_clouds_are_served_by_their_variables_alone(tmp_path: Path) -> None:
    google = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"}
    assert served_without_configuration(google) == ()
    keyed = {**google, "GOOGLE_APPLICATION_CREDENTIALS": "/run/key.json"}
    assert ids(served_without_configuration(keyed)) == ["vertex", "vertex-anthropic"]
    aws = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert served_without_configuration(aws) == ()
    assert ids(served_without_configuration({**aws, "AWS_DEFAULT_REGION": "eu-central-1"})) == ["bedrock"]
    token = {"AWS_BEARER_TOKEN_BEDROCK": "t", "AWS_REGION": "eu-central-1"}
    assert ids(served_without_configuration(token)) == ["bedrock"]
    at_home = {"HOME": str(tmp_path), "AWS_REGION": "eu-central-1"}
    assert served_without_configuration(at_home) == ()
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\n")
    assert ids(served_without_configuration(at_home)) == ["bedrock"]


def test_every_mistake_in_a_table_is_reported_at_once() -> None:
    text = """
    [a]
    name = "A"
    base_url = "http://a.example/v1/"
    docs = "no"
    endpoints = ["chat", "rerank"]
    paths = { "embeddings" = "/e" }
    speaks = { "anthropic" = ["x"] }
    region = "{location}"
    signing = "aws"
    [b]
    name = 3
    [c]
    name = "C"
    colour = "red"
    """
    with pytest.raises(ConfigError) as caught:
        read_providers(text, "providers.toml")
    said = "\n".join(caught.value.findings)
    for part in (
        "[a]: base_url",
        "ends with a slash",
        "docs is missing",
        '"chat"',
        '"embeddings"',
        '"{location}"',
        "signing_for",
    ):
        assert part in said
    assert "[b]: Expected `str`, got `int`" in said
    assert "[c]: Object contains unknown field `colour`" in said


def test_a_table_that_is_not_toml_says_where() -> None:
    with pytest.raises(ConfigError, match=r"providers\.toml: .*line 2"):
        read_providers("[a]\nb = \n", "providers.toml")
    with pytest.raises(ConfigError, match=r"\[a\]: expected a table"):
        read_providers("a = 1", "providers.toml")
