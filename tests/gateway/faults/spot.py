"""A gateway whose routes are made for one kind of further attempt: what was asked, called, recorded and charged."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from steelyard.core.exchange import Exchange
from tests.fake import FakeProvider
from tests.fake.seen import ReceivedRequest
from tests.gateway.faults.rig import PRICE, USD, Record
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, Response, config_text

__all__ = ["FILTERED", "Seen", "Spot", "budget", "route", "spotted"]

QUESTION = [{"role": "user", "content": "Hi there"}]
KEY = "env:CLAUDE_KEY"
FILTERED: dict[str, Any] = {"fallback_on": ["content_filter"]}
"""Of a route: what a filter has withheld is had elsewhere."""


class Seen(Struct, frozen=True):
    """A call: what its client got, what is on record, and the attempts there: model and outcome."""

    answer: Response
    exchange: Exchange

    @property
    def tried(self) -> list[tuple[str, str]]:
        return [(one.deployment.partition("/")[2], one.outcome) for one in self.exchange.attempts]

    @property
    def cost(self) -> Decimal | None:
        return Decimal(self.exchange.cost_usd) if self.exchange.cost_usd is not None else None

    @property
    def answer_cost(self) -> Decimal:
        """What the answer cost by what it says of itself."""
        usage = self.answer.json()["usage"]
        cost: Decimal = usage["prompt_tokens"] * USD["input"] + usage["completion_tokens"] * USD["output"]
        return cost


class Spot:
    """Asks, and looks at everything that came of it."""

    def __init__(self, gateway: GatewayUnderTest, provider: FakeProvider) -> None:
        self.gateway = gateway
        self.provider = provider
        self._record = Record(gateway.home)

    def ask(self, route: str, path: str = "/v1/chat/completions", **fields: Any) -> Seen:
        with self.gateway.connect(20) as http:
            answer = http.request("POST", path, None, None, model=route, messages=QUESTION, **fields)
        number = answer.header("x-request-id")
        assert number is not None, answer
        return Seen(answer, self._record.of(number))

    def of(self, number: str) -> Exchange:
        """Return the exchange of that id."""
        return self._record.of(number)

    def on(self, route: str) -> list[Exchange]:
        """Return what is on record of a route."""
        self._record.read()
        return [one for one in self._record.exchanges.values() if one.route == route]

    def requests(self, model: str) -> list[ReceivedRequest]:
        """Return what the provider was asked of a model."""
        name = json.dumps(model).encode()
        return [one for one in self.provider.requests if one.complete and name in one.body]

    def calls(self, model: str) -> int:
        return len(self.requests(model))

    def wait_closed(self, model: str) -> None:
        """Wait until the last connection on which a model was asked is closed, by the gateway."""
        request = until(lambda: self.requests(model), f"a request for {model}")[-1]
        until(lambda: request.closed_at is not None, f"the end of {model}'s connection")
        assert request.connection.closed_by == "peer"

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value; 0 where there is none."""
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        for line in self.gateway.metrics().splitlines():
            if line.startswith(f"{name}{{{text}}} "):
                return float(line.rpartition(" ")[2])
        return 0.0


def route(*models: str, **more: Any) -> dict[str, Any]:
    return {"deployments": [f"acme/{model}" for model in models], **more}


def budget(name: str, usd: str) -> str:
    """Return the budget of a route, for ever, as TOML."""
    return f'[[budgets]]\nscope = "route:{name}"\nusd = "{usd}"\nper = "total"\n'


@contextmanager
def spotted(
    directory: Path,
    routes: Mapping[str, Mapping[str, Any]],
    rules: str = "",
    *,
    down: str = "http://127.0.0.1:9/v1",
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[Spot]:
    """Run a gateway with routes whose deployments are of the provider `acme` (of `claude`: in Anthropic's dialect; of
    `down`: at an address where nobody listens), and have a price. `facts` are more of them (None: there is
    none); `rules` is TOML."""
    with FakeProvider() as provider:
        names = dict.fromkeys(name for one in routes.values() for name in one["deployments"])
        given = {name: {**PRICE, "most_output": 200, **(facts or {}).get(name, {})} for name in names}
        deployments = {
            name: {key: fact for key, fact in one.items() if fact is not None} for name, one in given.items()
        }
        claude = {"dialect": "anthropic", "base_url": provider.base_url, "api_key": KEY}
        providers: dict[str, Any] = {"acme": provider.base_url, "claude": claude, "down": down}
        text = config_text(providers, routes=routes, deployments=deployments)
        with GatewayUnderTest(f"{text}\n{rules}", directory, env={"CLAUDE_KEY": "sk-key-of-claude"}) as gateway:
            yield Spot(gateway, provider)
        assert provider.malformed == []
        assert provider.failures == []
