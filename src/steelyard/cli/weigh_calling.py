"""Where calls of a weighing go, with which key, and what they may cost by this configuration."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar

import click
from msgspec import Struct

from steelyard.catalog.prices import LOCAL, Tariff
from steelyard.cli.passkey import passkey
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.settings import Config, DeploymentFacts
from steelyard.core.errors import ConfigError
from steelyard.policy.targets import LOCAL_PROVIDER, given_tariff, tariff_of
from steelyard.weigh.calls.address import address_of
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.runs.prices import Offer, Offers

__all__ = ["Calling", "calling", "calling_options", "check_models", "offers_of"]

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
