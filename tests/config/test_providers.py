"""Table, configuration and environment joined: who can be called, and what is missing from who cannot."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from steelyard.catalog.providers import provider_table
from steelyard.config.loader import load_config
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.secrets import Secret
from steelyard.config.signing import SigningFacts

ACME = '[providers.acme]\ndialect = "openai"\nbase_url = "https://api.acme.example/v1/"\n'


def resolved(tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> dict[str, ResolvedProvider]:
    file = tmp_path / "steelyard.toml"
    file.write_text(text)
    return resolve_providers(load_config(file, {}, {}), env or {})


def test_every_provider_of_the_table_is_there_and_says_what_it_lacks(tmp_path: Path) -> None:
    providers = resolved(tmp_path, "")
    assert set(providers) == set(provider_table())
    for provider in providers.values():
        assert provider.configured == (provider.problem is None)
        assert not (provider.key_required and provider.configured)
    assert providers["groq"].problem == (
        'No key for provider "groq". Set GROQ_API_KEY, or add [providers.groq] api_key in steelyard.toml.'
    )
    assert providers["azure"].problem == (
        'No address for provider "azure". Set AZURE_OPENAI_ENDPOINT or AZURE_OPENAI_BASE_URL, or add [providers.azure] '
        "base_url in steelyard.toml."
    )


def test_a_key_in_the_environment_is_enough(tmp_path: Path) -> None:
    openai = resolved(tmp_path, "", {"OPENAI_API_KEY": "hunter2"})["openai"]
    assert openai.configured
    assert openai.key == Secret("hunter2")
    assert (openai.auth_header, openai.auth_prefix) == ("authorization", "Bearer ")
    assert openai.url_of("chat/completions") == "https://api.openai.com/v1/chat/completions"
    assert openai.url_of("rerank") is None
    assert "hunter2" not in repr(openai)


def test_a_key_that_cannot_go_into_a_header_is_refused_without_showing_it(tmp_path: Path) -> None:
    openai = resolved(tmp_path, "", {"OPENAI_API_KEY": "hunter2\nX: y"})["openai"]
    assert not openai.configured
    assert openai.key is None
    assert openai.problem == (
        "The variable OPENAI_API_KEY holds a line break or another control character; it must hold the secret alone, "
        "on one line."
    )


def test_a_provider_that_is_not_in_the_table_takes_a_few_lines(tmp_path: Path) -> None:
    acme = resolved(tmp_path, ACME)["acme"]
    assert acme.configured
    assert acme.key is None
    assert not acme.key_required
    assert {"chat/completions", "embeddings", "rerank"} <= acme.endpoints
    assert not {"responses", "messages", "generateContent", "converse"} & acme.endpoints
    assert acme.url_of("chat/completions") == "https://api.acme.example/v1/chat/completions"


def test_facts_of_the_configuration_replace_those_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2\n")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "ca.pem").write_text("")
    text = """\
[providers.groq]
base_url = "https://proxy.example/groq"
api_key = "file:key"
auth_header = "X-Key"
auth_prefix = ""
headers = { X-Team = "env:TEAM" }
region = "eu-fr"
retention_days = 0
prices = "openai"
ca_file = "ca.pem"
stream_usage = "never"
streaming = "always"
"""
    env = {"GROQ_API_KEY": "other", "GROQ_BASE_URL": "https://other.example", "TEAM": "blue"}
    groq = resolved(tmp_path, text, env)["groq"]
    assert groq.problem is None
    assert groq.warnings == ()
    assert groq.name == provider_table()["groq"].name
    assert (groq.base_url, groq.key) == ("https://proxy.example/groq", Secret("hunter2"))
    assert (groq.auth_header, groq.auth_prefix, groq.headers) == ("x-key", "", {"x-team": Secret("blue")})
    assert (groq.region, groq.retention_days, groq.prices) == ("eu-fr", 0, "openai")
    assert (groq.ca_file, groq.stream_usage, groq.streaming) == (f"{tmp_path}/ca.pem", "never", "always")


@pytest.mark.parametrize(
    ("lines", "env", "problem"),
    [
        ('api_key = "env:ACME"', {}, "[providers.acme] api_key: The variable ACME is not set."),
        (
            'api_key = "file:/no"',
            {},
            "[providers.acme] api_key: The file /no cannot be read: No such file or directory.",
        ),
        ('headers = { a = "env:A" }', {"A": "x\ny"}, "[providers.acme] headers.a: The variable A holds a line break"),
        ('ca_file = "/no"', {}, "[providers.acme] ca_file: /no cannot be read."),
    ],
)
def test_what_cannot_be_had_is_a_problem_and_no_exception(
    lines: str, env: Mapping[str, str], problem: str, tmp_path: Path
) -> None:
    acme = resolved(tmp_path, ACME + lines, env)["acme"]
    assert not acme.configured
    assert acme.problem is not None
    assert acme.problem.startswith(problem)


def cloud(tmp_path: Path, name: str, text: str = "", **env: str) -> ResolvedProvider:
    return resolved(tmp_path, text, env)[name]


def test_a_provider_of_another_dialect_takes_a_few_lines_too(tmp_path: Path) -> None:
    text = '[providers.acme]\ndialect = "anthropic"\nbase_url = "https://acme.example/v1"\napi_key = "env:K"\n'
    acme = resolved(tmp_path, text, {"K": "hunter2"})["acme"]
    assert acme.problem is None
    assert (acme.dialect, acme.auth_header, acme.auth_prefix) == ("anthropic", "x-api-key", "")
    assert acme.headers == {"anthropic-version": Secret("2023-06-01")}
    assert acme.url_of("messages") == "https://acme.example/v1/messages"
    assert acme.url_of("chat/completions") is None


def test_what_a_provider_serves_can_be_said(tmp_path: Path) -> None:
    text = '[providers.openai]\nendpoints = ["chat/completions"]\n'
    openai = resolved(tmp_path, text, {"OPENAI_API_KEY": "k"})["openai"]
    assert set(openai.urls()) == {"chat/completions", "models"}
    more = resolved(tmp_path, ACME + 'endpoints = ["chat/completions", "responses"]\n')["acme"]
    assert more.url_of("responses") == "https://api.acme.example/v1/responses"
    text = '[providers.gemini]\nendpoints = ["generateContent", "streamGenerateContent"]\n'
    gemini = resolved(tmp_path, text, {"GEMINI_API_KEY": "k"})["gemini"]
    assert set(gemini.urls("m")) == {"generateContent", "streamGenerateContent", "models"}


def test_keys_of_anthropic_and_google_are_enough(tmp_path: Path) -> None:
    anthropic = cloud(tmp_path, "anthropic", ANTHROPIC_API_KEY="k")
    assert (anthropic.problem, anthropic.dialect) == (None, "anthropic")
    gemini = cloud(tmp_path, "gemini", GEMINI_API_KEY="k")
    assert (gemini.problem, gemini.dialect, gemini.auth_header, gemini.auth_prefix) == (
        None,
        "gemini",
        "x-goog-api-key",
        "",
    )


def test_an_address_for_gemini_s_other_api_is_understood(tmp_path: Path) -> None:
    text = '[providers.gemini]\nbase_url = "https://proxy.example/v1beta/openai/"\n'
    gemini = cloud(tmp_path, "gemini", text, GEMINI_API_KEY="k")
    assert gemini.url_of("generateContent", "m") == "https://proxy.example/v1beta/models/m:generateContent"
    other = cloud(tmp_path, "gemini", text + 'dialect = "openai"\n', GEMINI_API_KEY="k")
    assert other.url_of("chat/completions") == "https://proxy.example/v1beta/openai/chat/completions"
    assert (other.auth_header, other.auth_prefix) == ("authorization", "Bearer ")


GOOGLE = {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": "europe-west1"}


def test_vertex_takes_project_location_and_credentials_from_the_environment(tmp_path: Path) -> None:
    key = tmp_path / "sa.json"
    key.write_text("{}")
    key.chmod(0o600)
    vertex = cloud(tmp_path, "vertex", **GOOGLE, GOOGLE_APPLICATION_CREDENTIALS=str(key))
    assert vertex.problem is None
    assert vertex.base_url == "https://europe-west1-aiplatform.googleapis.com/v1"
    assert vertex.region == "europe-west1"
    assert vertex.key is None
    scope = "https://www.googleapis.com/auth/cloud-platform"
    assert vertex.signing == SigningFacts(scope, None, str(key))


def test_vertex_takes_them_from_the_configuration_first(tmp_path: Path) -> None:
    key = tmp_path / "sa.json"
    key.write_text("{}")
    key.chmod(0o644)
    text = (
        '[providers.vertex-anthropic]\nproject = "p-2"\nlocation = "global"\ncredentials = "file:sa.json"\n'
        'region = "us"\n'
    )
    vertex = cloud(tmp_path, "vertex-anthropic", text, **GOOGLE, GOOGLE_APPLICATION_CREDENTIALS="/no")
    assert vertex.problem is None
    assert vertex.signing is not None
    assert vertex.signing.credentials == str(key)
    assert vertex.region == "us"
    assert vertex.url_of("messages", "m") == (
        "https://aiplatform.googleapis.com/v1/projects/p-2/locations/global/publishers/anthropic/models/m:rawPredict"
    )
    assert [warning[:9] for warning in vertex.warnings] == ["The file "]


def test_bedrock_is_called_with_a_key_or_with_signatures(tmp_path: Path) -> None:
    keyed = cloud(tmp_path, "bedrock", AWS_BEARER_TOKEN_BEDROCK="t", AWS_REGION="eu-central-1")
    assert (keyed.problem, keyed.key, keyed.signing) == (None, Secret("t"), None)
    signed = cloud(tmp_path, "bedrock", AWS_ACCESS_KEY_ID="a", AWS_DEFAULT_REGION="eu-central-1")
    assert (signed.problem, signed.key, signed.region) == (None, None, "eu-central-1")
    assert signed.signing == SigningFacts("bedrock", "eu-central-1")
    text = '[providers.bedrock]\naws_region = "us-west-2"\n'
    assert cloud(tmp_path, "bedrock", text).signing == SigningFacts("bedrock", "us-west-2"), "the machine's identity"


def test_a_cloud_s_address_may_be_another(tmp_path: Path) -> None:
    text = '[providers.bedrock]\nbase_url = "http://127.0.0.1:9"\napi_key = "env:K"\n'
    bedrock = cloud(tmp_path, "bedrock", text, K="t")
    assert bedrock.problem is None, "with a key, and an address of its own, no region is needed"
    assert bedrock.url_of("converse", "a:b") == "http://127.0.0.1:9/model/a%3Ab/converse"


@pytest.mark.parametrize(
    ("name", "env", "problem"),
    [
        (
            "vertex",
            {},
            'No project for provider "vertex". Set GOOGLE_CLOUD_PROJECT, or add [providers.vertex] project in '
            "steelyard.toml.",
        ),
        (
            "vertex",
            {"GOOGLE_CLOUD_PROJECT": "p"},
            'No location for provider "vertex". Set GOOGLE_CLOUD_LOCATION, or add [providers.vertex] location in '
            "steelyard.toml.",
        ),
        (
            "vertex",
            {**GOOGLE, "GOOGLE_CLOUD_LOCATION": "evil.example/"},
            "The variable GOOGLE_CLOUD_LOCATION is wrong: expected a location, like",
        ),
        (
            "vertex",
            GOOGLE,
            'No credentials for provider "vertex". Set GOOGLE_APPLICATION_CREDENTIALS, or add [providers.vertex] to '
            "steelyard.toml where this machine's own identity may call.",
        ),
        (
            "vertex",
            {**GOOGLE, "GOOGLE_APPLICATION_CREDENTIALS": "/no"},
            'The file with the credentials for provider "vertex", /no, cannot be read.',
        ),
        (
            "bedrock",
            {"AWS_ACCESS_KEY_ID": "a"},
            'No AWS region for provider "bedrock". Set AWS_REGION or AWS_DEFAULT_REGION, or add [providers.bedrock] '
            "aws_region in steelyard.toml.",
        ),
        (
            "bedrock",
            {"AWS_REGION": "eu-central-1"},
            'No credentials for provider "bedrock". Set AWS_BEARER_TOKEN_BEDROCK or AWS_ACCESS_KEY_ID or AWS_PROFILE, '
            "or add [providers.bedrock]",
        ),
    ],
)
def test_what_a_cloud_lacks_is_named(name: str, env: Mapping[str, str], problem: str, tmp_path: Path) -> None:
    found = resolved(tmp_path, "", env)[name]
    assert not found.configured
    assert found.signing is None
    assert found.problem is not None
    assert found.problem.startswith(problem)


def test_azure_can_be_called_as_before_v1(tmp_path: Path) -> None:
    text = '[providers.azure]\nbase_url = "https://r.openai.azure.com"\napi_version = "2024-10-21"\n'
    azure = cloud(tmp_path, "azure", text, AZURE_OPENAI_API_KEY="k", OPENAI_API_VERSION="2023-05-15")
    assert azure.problem is None
    assert azure.url_of("chat/completions", "gpt") == (
        "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    )


def test_a_variable_with_a_wrong_address_is_a_problem_of_its_provider_alone(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://ada:hunter2@x.example/v1", "GROQ_API_KEY": "k"}
    providers = resolved(tmp_path, "", env)
    assert providers["groq"].configured
    assert providers["openai"].problem == (
        'The address of provider "openai" is wrong (OPENAI_BASE_URL or OPENAI_API_BASE): a URL must not hold a name or '
        "a password; put the key into api_key, as a reference."
    )
    assert providers["openai"].base_url is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3"])
def test_a_gateway_does_not_take_itself_for_a_provider(host: str, tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": f"http://{host}:8123/v1"}
    text = '[server]\nport = 8123\nhost = "10.1.2.3"\n'
    problem = resolved(tmp_path, text, env)["openai"].problem
    assert problem is not None
    assert problem.startswith(f'The address of provider "openai" (http://{host}:8123/v1) is this gateway\'s own.')
    assert resolved(tmp_path, text.replace("8123", "8124"), env)["openai"].configured


def test_a_key_in_the_clear_and_a_file_for_everybody_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o644)
    text = '[providers.acme]\ndialect = "openai"\nbase_url = "http://gpu.example:1/v1"\napi_key = "file:key"\n'
    acme = resolved(tmp_path, text)["acme"]
    assert acme.configured
    assert len(acme.warnings) == 2
    assert acme.warnings[0].startswith(f"The file {tmp_path}/key can be read by everybody")
    assert acme.warnings[1] == (
        'The key of provider "acme" is sent unencrypted, to http://gpu.example:1/v1. Use https.'
    )
    on_loopback = resolved(tmp_path, text.replace("gpu.example", "127.0.0.1"))["acme"]
    assert len(on_loopback.warnings) == 1
