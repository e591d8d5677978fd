"""What tests of limits and budgets share: a gateway with limits, and how these stand."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from steelyard.core.exchange import Exchange
from steelyard.gateway.memory import Snapshot
from tests.fake import FakeProvider
from tests.gateway.http_rig import Front
from tests.support import GatewayUnderTest, config_text

__all__ = ["PRICE", "SY", "cost_of", "limited", "wait_ready", "wait_standing"]

PRICE = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}
SY = {"price": PRICE, "most_output": 200}


@contextmanager
def limited(
    directory: Path,
    rules: str,
    models: Iterable[str] = ("ok",),
    provider: FakeProvider | None = None,
    routes: dict[str, Any] | None = None,
    **facts: Any,
) -> Iterator[Front]:
    """Run a gateway with limits (as TOML) in front of a provider `acme`, whose models have a price and a longest
    answer."""
    with provider or FakeProvider() as upstream:
        deployments = {f"acme/{model}": {**SY, **facts} for model in models}
        text = config_text({"acme": upstream.base_url}, deployments=deployments, routes=routes)
        with GatewayUnderTest(f"{text}\n{rules}", directory) as gateway:
            wait_ready(gateway)
            yield Front(gateway, upstream)


def wait_ready(gateway: GatewayUnderTest) -> None:
    """Wait until it is known what was counted before."""
    end = time.monotonic() + 20
    while "steelyard_limits_restored 0" in gateway.metrics():
        assert time.monotonic() < end, gateway.stderr
        time.sleep(0.02)


def wait_standing(gateway: GatewayUnderTest, **expected: tuple[Any, Any]) -> None:
    """Wait until used and reserved of limits are as expected, as this very process writes them about once a second.
    A name is a limit's with its scope: `all_usd_total`, all but letters and digits as underscores."""
    path = gateway.home / "limits.json"
    end = time.monotonic() + 8
    found: dict[str, tuple[Any, Any]] = {}
    while not expected.items() <= found.items():
        assert time.monotonic() < end, f"expected {expected}, found {found}\n{gateway.stderr}"
        time.sleep(0.03)
        if path.exists():
            shown = msgspec.json.decode(path.read_bytes(), type=Snapshot)
            if shown.process == gateway.process.pid:
                found = {
                    re.sub(r"[^a-z0-9]+", "_", f"{one.scope} {one.limit}"): (_number(one.used), _number(one.reserved))
                    for one in shown.standings
                }


def _number(count: int | str) -> int | Decimal:
    return count if isinstance(count, int) else Decimal(count)


def cost_of(exchanges: Iterable[Exchange]) -> Decimal:
    """Return what exchanges cost together. Those that reached somebody must have a known cost: all that were attempted
    but those that the provider refused, and those whose client left while there was no connection yet."""
    total = Decimal(0)
    for one in exchanges:
        unsent = one.outcome == "client_gone" and one.usage is None
        if one.attempts and one.outcome not in ("status", "refused") and not unsent:
            assert one.cost_usd is not None, json.dumps(msgspec.to_builtins(one), default=repr)
            total += Decimal(one.cost_usd)
    return total
