"""Four client dialects, four upstream dialects, every scenario, streaming and not: 512 talks through one gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake import FakeProvider
from tests.matrix.clients import CLIENTS
from tests.matrix.scenarios import SCENARIOS, Talk
from tests.support import GatewayUnderTest, config_text

_PATHS = {"openai": "/v1", "openai-responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    """One gateway in front of one provider that speaks four dialects, which must have received only clean HTTP."""
    directory: Path = tmp_path_factory.mktemp("matrix")
    with FakeProvider() as provider:
        providers = {
            f"up-{dialect}": {"dialect": dialect, "base_url": provider.url + path, "api_key": "env:FAKE_KEY"}
            for dialect, path in _PATHS.items()
        }
        with GatewayUnderTest(config_text(providers), directory, env={"FAKE_KEY": "sk-fake"}) as started:
            yield started
        assert provider.malformed == []
        assert provider.failures == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("upstream", _PATHS)
@pytest.mark.parametrize("client", CLIENTS)
def test_any_client_is_answered_by_any_upstream(
    gateway: GatewayUnderTest, client: str, upstream: str, scenario: str, stream: bool
) -> None:
    SCENARIOS[scenario](Talk(gateway.connect, f"up-{upstream}/", client, upstream, stream))
