"""The table of providers, and what the environment makes of it."""

from collections import Counter
from urllib.parse import urlsplit

import pytest

from steelyard.catalog.pricebook import price_providers
from steelyard.catalog.providers import (
    Provider,
    base_url_of,
    endpoint_url,
    key_of,
    provider_table,
    read_providers,
    served_without_configuration,
)
from steelyard.core.errors import ConfigError

# fmt: off
HOSTED = [
    "openai", "azure", "gemini", "mistral", "groq", "together", "fireworks", "deepseek", "xai", "openrouter",
    "cerebras", "perplexity", "cohere", "nvidia", "huggingface", "sambanova", "moonshot", "qwen",
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
    assert provider.key_env
    assert provider.base_url_env
    assert provider.endpoints
    assert provider.key_required is not provider.self_hosted
    if provider.base_url is not None:
        url = urlsplit(provider.base_url)
        assert url.scheme == ("http" if provider.self_hosted else "https")
        assert not provider.base_url.endswith("/")
        assert url.path.endswith(provider.base_url_suffix)
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
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
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
    cohere = table["cohere"]
    base = cohere.base_url or ""
    assert endpoint_url(cohere, base, "embeddings") == "https://api.cohere.ai/compatibility/v1/embeddings"
    assert endpoint_url(cohere, base, "rerank") == "https://api.cohere.ai/v2/rerank"
    assert endpoint_url(cohere, base, "images/generations") is None
    deepseek = table["deepseek"]
    assert endpoint_url(deepseek, "https://api.deepseek.com", "chat/completions") == (
        "https://api.deepseek.com/chat/completions"
    )
    assert endpoint_url(deepseek, "https://api.deepseek.com/v1", "completions") == (
        "https://api.deepseek.com/beta/completions"
    )


def test_a_provider_outside_the_table_needs_little() -> None:
    acme = Provider(id="acme", name="Acme", base_url="http://127.0.0.1:9001/v1", key_required=False)
    assert endpoint_url(acme, "http://127.0.0.1:9001/v1", "rerank") == "http://127.0.0.1:9001/v1/rerank"
    assert acme.stream_usage == "ask"


def test_every_mistake_in_a_table_is_reported_at_once() -> None:
    text = """
    [a]
    name = "A"
    base_url = "http://a.example/v1/"
    docs = "no"
    endpoints = ["chat", "rerank"]
    paths = { "embeddings" = "/e" }
    [b]
    name = 3
    [c]
    name = "C"
    colour = "red"
    """
    with pytest.raises(ConfigError) as caught:
        read_providers(text, "providers.toml")
    said = "\n".join(caught.value.findings)
    for part in ("[a]: base_url", "ends with a slash", "key_required", "docs is missing", '"chat"', '"embeddings"'):
        assert part in said
    assert "[b]: Expected `str`, got `int`" in said
    assert "[c]: Object contains unknown field `colour`" in said


def test_a_table_that_is_not_toml_says_where() -> None:
    with pytest.raises(ConfigError, match=r"providers\.toml: .*line 2"):
        read_providers("[a]\nb = \n", "providers.toml")
    with pytest.raises(ConfigError, match=r"\[a\]: expected a table"):
        read_providers("a = 1", "providers.toml")
