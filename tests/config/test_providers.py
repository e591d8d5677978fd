"""Table, configuration and environment joined: who can be called, and what is missing from who cannot."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from steelyard.catalog.providers import ENDPOINTS, provider_table
from steelyard.config.loader import load_config
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.secrets import Secret

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
    assert acme.endpoints == ENDPOINTS
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
"""
    env = {"GROQ_API_KEY": "other", "GROQ_BASE_URL": "https://other.example", "TEAM": "blue"}
    groq = resolved(tmp_path, text, env)["groq"]
    assert groq.problem is None
    assert groq.warnings == ()
    assert groq.name == provider_table()["groq"].name
    assert (groq.base_url, groq.key) == ("https://proxy.example/groq", Secret("hunter2"))
    assert (groq.auth_header, groq.auth_prefix, groq.headers) == ("x-key", "", {"x-team": Secret("blue")})
    assert (groq.region, groq.retention_days, groq.prices) == ("eu-fr", 0, "openai")
    assert (groq.ca_file, groq.stream_usage) == (f"{tmp_path}/ca.pem", "never")


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


def test_a_dialect_that_is_not_served_yet_is_a_problem(tmp_path: Path) -> None:
    acme = resolved(tmp_path, ACME.replace('"openai"', '"bedrock"'))["acme"]
    assert acme.problem == 'The dialect "bedrock" of provider "acme" is not served yet.'


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
