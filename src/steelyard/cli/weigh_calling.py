"""Where calls of a weighing go, with which key, and what they may cost by this configuration."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import click
from msgspec import Struct

from steelyard.catalog.charge import usd_text
from steelyard.catalog.prices import LOCAL, Tariff
from steelyard.cli.passkey import passkey
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.settings import Config, DeploymentFacts
from steelyard.core.errors import ConfigError
from steelyard.policy.targets import LOCAL_PROVIDER, given_tariff, tariff_of
from steelyard.weigh.calls.address import address_of
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.runs.prices import Cost, Offer, Offers
from steelyard.weigh.runs.unread import UNREAD_IN_A_ROW

__all__ = [
    "Calling",
    "calling",
    "calling_options",
    "check_models",
    "check_prices",
    "dollars_given",
    "offers_of",
    "unread_option",
]

_Command = TypeVar("_Command", bound=Callable[..., object])

_LIFE_S: Final = 24 * 3600.0
"""A key for a moment is revoked when the weighing ends; one whose weighing was killed expires so long after it."""


class Calling(Struct, frozen=True):
    """A gateway's address, and the key to call it with; None: it needs none. `fresh`: the key was made just now."""

    address: str
    key: str | None
    fresh: bool = False


def calling_options(command: _Command) -> _Command:
    """Add `--gateway URL` and `--key KEY`."""
    command = click.option(
        "--key", metavar="KEY", envvar="STEELYARD_KEY", help="A key of the gateway. Better in STEELYARD_KEY."
    )(command)
    return click.option(
        "--gateway", metavar="URL", help="The gateway to call. Without it: where [server] of the configuration listens."
    )(command)


def unread_option(command: _Command) -> _Command:
    """Add `--unread-limit N`."""
    return click.option(
        "--unread-limit",
        type=click.IntRange(0),
        default=UNREAD_IN_A_ROW,
        show_default=True,
        metavar="N",
        help="Stop when nothing could be read from N replies of a model in a row; 0: go on to the end.",
    )(command)


def dollars_given(text: str | None) -> Decimal | None:
    """Return what `--max-usd` says; None where it was not given. Raises ConfigError for what is no amount.

    0 is one: then only calls are made of which it is known that they cost nothing."""
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"--max-usd {text}: expected US dollars, like 2 or 0.50; 0 allows for calls that are free")
    return amount


def check_prices(costs: Sequence[Cost], most: Decimal | None, *, unknown_allowed: bool) -> None:
    """Raise ConfigError where a ceiling could not hold, since nobody knows what calls cost; and where it is 0, and they
    do cost something."""
    if most is None:
        return
    asked = [cost for cost in costs if cost.calls]
    unknown = [cost for cost in asked if cost.at_most_usd is None]
    if unknown and not unknown_allowed:
        raise ConfigError(
            *(f"{cost.model}: {cost.why}. No ceiling can hold for calls of unknown cost." for cost in unknown),
            'Add [deployments."PROVIDER/MODEL"] price to the configuration, give --max-tokens, or say --unknown-price '
            "allow: such calls then count as nothing until their cost is known.",
        )
    paid = [(cost.model, cost.at_most_usd) for cost in asked if cost.at_most_usd]
    if paid and not most:
        told = [f"{model}: its calls are not free; they may cost ${usd_text(at_most)}" for model, at_most in paid]
        raise ConfigError(*told, "--max-usd 0 allows for free calls alone: give an amount, or models that are free.")


@contextmanager
def calling(config: Config, gateway: str | None, key: str | None) -> Iterator[Calling]:
    """Give the gateway to call, and a key: the one given, or one for a moment where the gateway is this machine's own
    and asks for keys."""
    address = address_of(config.server, gateway)
    if key is not None or gateway is not None:
        yield Calling(address, key)
        return
    with passkey(config.server.data_dir, "weigh", _LIFE_S) as made:
        yield Calling(address, made, made is not None)


async def check_models(caller: GatewayCaller, models: Sequence[str], *, fresh: bool) -> None:
    """Raise ConfigError where a model would not answer: unknown, denied by policy, not for this key; and EngineError
    where no gateway is there. It costs nothing."""
    await caller.models(fresh_key=fresh)
    refusals = [await caller.refused(model) for model in models]
    told = [one.message for one in refusals if one is not None]
    if told:
        raise ConfigError(*(one.partition(": ")[2] or one for one in told), "Nothing was asked.")


def offers_of(config: Config, models: Sequence[str]) -> Offers:
    """Return who may answer for each model by this configuration, and at which price; nobody where that is not known.

    Providers' keys need not be here: the gateway has them. Raises ConfigError for a provider that makes no sense."""
    providers = resolve_providers(config, os.environ)
    now = datetime.now(UTC)
    found: dict[str, tuple[Offer, ...]] = {}
    for model in models:
        deployments = config.routes[model].deployments if model in config.routes else (model,)
        found[model] = tuple(_offer(one, providers, config, now) for one in deployments)
    return found


def _offer(deployment: str, providers: Mapping[str, ResolvedProvider], config: Config, now: datetime) -> Offer:
    """Return a deployment's price as the gateway finds it (`policy.targets`): the configuration's, then the list's."""
    facts = config.deployments.get(deployment, DeploymentFacts())
    name, _, model = deployment.partition("/")
    return Offer(deployment, _tariff(facts, name, facts.model or model, providers.get(name), now), facts.most_output)


def _tariff(
    facts: DeploymentFacts, name: str, model: str, provider: ResolvedProvider | None, now: datetime
) -> Tariff | None:
    if name == LOCAL_PROVIDER:
        return given_tariff(facts) or LOCAL
    return tariff_of(provider, model, facts, now) if provider is not None else given_tariff(facts)
