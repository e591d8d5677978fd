"""One gateway for all faults."""

from collections.abc import Iterator

import pytest

from tests.fake import FakeProvider
from tests.gateway.faults.rig import KEY, Rig, configuration
from tests.gateway.faults.table import FAULTS, SILENCES
from tests.support import GatewayUnderTest

_UPSTREAMS = ("chat", "messages", "crossed")


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    faults = [(fault, False) for fault in (*FAULTS, "cut-at", "cut-at:rst")] + [(fault, True) for fault in SILENCES]
    directory = tmp_path_factory.mktemp("faults")
    with FakeProvider(lenient=True) as provider, FakeProvider() as backup:
        config = configuration(provider, backup, faults, _UPSTREAMS)
        with GatewayUnderTest(config, directory, env={"ACME_KEY": KEY}) as gateway:
            yield Rig(gateway, provider, backup)
            assert KEY not in gateway.stderr
            assert gateway.stderr.count("\n") == 1, gateway.stderr  # its address, and no complaint
        assert provider.malformed + backup.malformed == []
        assert provider.failures + backup.failures == []
