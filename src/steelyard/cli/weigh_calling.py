"""Where calls of a weighing go, with which key, and what they may cost by this configuration."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click
from msgspec import Struct

from steelyard.cli.passkey import passkey
from steelyard.cli.plans_of import callable_plans_of
from steelyard.config.settings import Config
from steelyard.core.errors import CallError, ConfigError
from steelyard.policy.plan import Plan
from steelyard.weigh.calls.address import address_of
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.runs.prices import Offer, Offers

__all__ = ["Calling", "calling", "calling_options", "check_models", "offers_of"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

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

    Raises ConfigError for a configuration that cannot be used."""
    plans = callable_plans_of(config)
    found: dict[str, tuple[Offer, ...]] = {}
    for model in models:
        try:
            found[model] = _offers(plans.find(model))
        except CallError:
            found[model] = ()
    return found


def _offers(plan: Plan) -> tuple[Offer, ...]:
    return tuple(Offer(one.deployment, one.tariff, one.most_output) for one in plan.targets)
