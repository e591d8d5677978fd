"""Clients of every dialect in front of the clouds that serve models in ways of their own: Azure, Vertex AI, Bedrock."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake import FakeProvider
from tests.fake.sigv4 import signed
from tests.gateway.signing.clouds import GoogleTokens
from tests.matrix.clients import CLIENTS
from tests.matrix.scenarios import SCENARIOS, Talk
from tests.support import GatewayUnderTest, config_text, journalled

SECRET = "aws-secret-0123456789abcdef"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider
        assert provider.malformed == []
        assert provider.failures == []


@pytest.fixture(scope="module")
def tokens() -> Iterator[GoogleTokens]:
    with GoogleTokens() as google:
        yield google


@pytest.fixture(scope="module")
def served(
    upstream: FakeProvider, tokens: GoogleTokens, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayUnderTest]:
    directory: Path = tmp_path_factory.mktemp("clouds")
    google: dict[str, Any] = {
        "base_url": f"{upstream.url}/v1",
        "project": "acme",
        "location": "europe-west4",
        "credentials": f"file:{tokens.file(directory)}",
    }
    azure = {"api_key": "env:AZURE_KEY"}
    providers = {
        "bedrock": {"base_url": upstream.url, "dialect": "bedrock", "aws_region": "eu-central-1"},
        "bearer": {"base_url": upstream.url, "dialect": "bedrock", "api_key": "env:BEARER"},
        "vertex": {**google, "dialect": "gemini"},
        "vertex-anthropic": {**google, "dialect": "anthropic"},
        "azure": {**azure, "base_url": f"{upstream.url}/openai/v1"},
    }
    env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "BEARER": "bedrock-api-key-1"}
    env |= {"AZURE_KEY": "azure-key", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(directory)}
    with GatewayUnderTest(config_text(providers), directory, env=env) as gateway:
        yield gateway


CLOUDS = {"bedrock": "bedrock", "vertex": "gemini", "vertex-anthropic": "anthropic"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scenario", ["plain", "tools", "multi-turn-tools", "mid-stream-error", "cut-stream"])
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_any_client_is_answered_by_any_cloud(
    served: GatewayUnderTest, client: str, cloud: str, scenario: str, stream: bool
) -> None:
    SCENARIOS[scenario](Talk(served.connect, f"{cloud}/", client, CLOUDS[cloud], stream))


def ask(served: GatewayUnderTest, model: str, **fields: Any) -> Any:
    with served.connect() as http:
        return http.chat(model, messages=[{"role": "user", "content": "Hi"}], **fields)


def test_every_call_to_bedrock_is_signed(served: GatewayUnderTest, upstream: FakeProvider) -> None:
    for stream in (False, True):
        assert ask(served, "bedrock/scene:plain:anthropic.claude-3:0", stream=stream).status == 200
        assert signed(upstream.requests[-1], SECRET)
        assert "%3A" in upstream.requests[-1].target


def test_a_bedrock_key_is_sent_as_it_is(served: GatewayUnderTest, upstream: FakeProvider) -> None:
    assert ask(served, "bearer/scene:plain").status == 200
    assert upstream.requests[-1].header("authorization") == "Bearer bedrock-api-key-1"


def test_one_token_of_google_serves_many_calls(
    served: GatewayUnderTest, upstream: FakeProvider, tokens: GoogleTokens
) -> None:
    assert ask(served, "vertex/scene:plain").status == 200
    first = upstream.requests[-1].header("authorization")
    assert str(first).startswith("Bearer ")
    assert ask(served, "vertex-anthropic/scene:plain").status == 200
    assert upstream.requests[-1].header("authorization") == first
    sent = upstream.requests[-1].json()
    assert sent["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in sent


def test_azure_has_its_key_in_a_header_of_its_own(served: GatewayUnderTest, upstream: FakeProvider) -> None:
    assert ask(served, "azure/scene:plain").status == 200
    assert upstream.requests[-1].header("api-key") == "azure-key"


def test_no_credential_of_a_cloud_goes_on_record(served: GatewayUnderTest, tokens: GoogleTokens) -> None:
    told = repr(journalled(served.home)) + served.stderr + served.metrics()
    for secret in (SECRET, "bedrock-api-key-1", "azure-key", "ya29"):
        assert secret not in told
