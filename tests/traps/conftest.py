"""One gateway for all traps."""

from collections.abc import Iterator

import pytest

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text
from tests.traps.rig import UPSTREAMS, Rig

PRICE = {"price": {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}}


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with FakeProvider() as provider:
        providers = {
            f"up-{dialect}": {"dialect": dialect, "base_url": provider.url + path, "api_key": "env:FAKE_KEY"}
            for dialect, path in UPSTREAMS.items()
        }
        leaving = ("up-openai/never-answers", "up-openai/endless:0.005")
        config = config_text(providers, deployments=dict.fromkeys(leaving, PRICE))
        with GatewayUnderTest(config, tmp_path_factory.mktemp("traps"), env={"FAKE_KEY": "sk-fake"}) as gateway:
            yield Rig(gateway, provider)
        assert provider.malformed == []
        assert provider.failures == []
