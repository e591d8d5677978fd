"""Two gateways and one server: what they count together, over the wire."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.rig import beside, calls_at_once, told
from tests.support.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def test_two_gateways_admit_no_more_calls_than_one_would(tmp_path: Path, server: Valkey) -> None:
    rules = '[[limits]]\nscope = "all"\nrequests_per_hour = 41\n'
    with beside(tmp_path, server, rules, prefix="calls") as gateways:
        assert told(gateways[0]) == 200
        statuses = calls_at_once(gateways, each=10)
        print(statuses)
        assert statuses == {200: 40, 429: 20}
        for g in gateways:
            print(g.stderr)
