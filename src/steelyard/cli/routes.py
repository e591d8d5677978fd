"""`steelyard routes`: what applications may ask for, and who would answer."""

from decimal import Decimal
from pathlib import Path

import click
from msgspec import structs

from steelyard.catalog.endpoints import GENERATES
from steelyard.catalog.prices import Tariff, usd_text
from steelyard.cli.clients_of import CLIENTS, served
from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.plans_of import left_out, plans_of
from steelyard.cli.shown import console, pairs, table
from steelyard.cli.visible import visible
from steelyard.config.settings import Config
from steelyard.core.errors import Unavailable
from steelyard.policy.plan import Plan, Target

__all__ = ["routes"]

_MTOK = Decimal(1_000_000)


@click.group()
def routes() -> None:
    """List routes and explain their plans.

    A route is what applications ask for as `model`. PROVIDER/MODEL is a route by itself.
    """


@routes.command("list")
@config_option
@json_option
def list_routes(config_path: Path | None, as_json: bool) -> None:
    """List the routes of the configuration, with the deployments that can be called now."""
    config = read_config(config_path)
    plans = plans_of(config)
    rows = [
        {
            "name": name,
            "strategy": settings.strategy,
            "deployments": [target.deployment for target in plans.routes[name].targets] if name in plans.routes else [],
            "left_out": left_out(config, name),
        }
        for name, settings in config.routes.items()
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("No routes. PROVIDER/MODEL works by itself; [routes.NAME] in steelyard.toml adds names.", err=True)
        return
    table(
        ("NAME", "STRATEGY", "DEPLOYMENTS", "LEFT OUT"),
        [
            (
                str(row["name"]),
                str(row["strategy"]),
                ", ".join(row["deployments"]) or "none",
                ", ".join(row["left_out"]),
            )
            for row in rows
        ],
    )


@routes.command()
@click.argument("name")
@config_option
@json_option
def explain(name: str, config_path: Path | None, as_json: bool) -> int:
    """Show the compiled plan of a route, or of PROVIDER/MODEL.

    Deployments stand in the order in which they are tried, with their price; those that are left out, with the reason.
    For each it is said whether a client of each dialect has its bytes relayed or translated. Exit code 1: nobody could
    answer.
    """
    config = read_config(config_path)
    plan, missing = _plan_of(config, name)
    if as_json:
        print_json(_row(plan, missing))
    else:
        _show(plan, missing)
    return 0 if plan.targets else 1


def _plan_of(config: Config, name: str) -> tuple[Plan, dict[str, str]]:
    missing = left_out(config, name) if name in config.routes else {}
    try:
        return plans_of(config).find(name), missing
    except Unavailable as error:
        settings = config.routes.get(name)
        if settings is None:
            return Plan(name, ()), {name: str(error)}
        empty = Plan(name, (), settings.strategy, None, settings.retries, settings.timeout_s)
        return empty, missing


def _row(plan: Plan, missing: dict[str, str]) -> dict[str, object]:
    weights = plan.weights or (None,) * len(plan.targets)
    return {
        "name": plan.route,
        "strategy": plan.strategy,
        "retries": plan.retries,
        "timeout_s": structs.asdict(plan.timeouts),
        "record": plan.record,
        "strict": plan.strict,
        "deployments": [_target_row(one, weight) for one, weight in zip(plan.targets, weights, strict=True)],
        "left_out": [{"deployment": one, "reason": reason} for one, reason in missing.items()],
    }


def _target_row(target: Target, weight: float | None) -> dict[str, object]:
    return {
        "deployment": target.deployment,
        "provider": target.provider,
        "model": target.model,
        "dialect": target.dialect,
        "clients": {client: structs.asdict(served(target, client)) for client in CLIENTS},
        "address": _address(target),
        "weight": weight,
        "region": target.region,
        "price": _price(target.tariff),
    }


def _address(target: Target) -> str | None:
    """Return where an answer is asked for, without the credentials; None for a local engine, whose port changes."""
    if target.origin is None:
        return None
    scheme = "https" if target.origin.tls else "http"
    return f"{scheme}://{target.origin.authority}{target.paths.get(GENERATES[target.dialect][0], '')}"


def _price(tariff: Tariff | None) -> dict[str, object] | None:
    if tariff is None:
        return None
    return {
        "input_usd_per_mtok": usd_text(_per_mtok(tariff.input)),
        "cached_input_usd_per_mtok": usd_text(_per_mtok(tariff.cached)),
        "output_usd_per_mtok": None if tariff.output is None else usd_text(_per_mtok(tariff.output)),
        "over_input_tokens": [tier.over_input for tier in tariff.tiers],
        "source": tariff.source,
    }


def _per_mtok(rate: Decimal) -> Decimal:
    price = (rate * _MTOK).normalize()
    return price.quantize(Decimal(1)) if price == price.to_integral_value() else price


def _show(plan: Plan, missing: dict[str, str]) -> None:
    limits = plan.timeouts
    pairs(
        [
            ("route", plan.route),
            ("strategy", plan.strategy),
            ("retries", str(plan.retries)),
            (
                "timeouts",
                f"connect {limits.connect:g} s, first byte {limits.first_byte:g} s, "
                f"idle {limits.idle:g} s, total {limits.total:g} s",
            ),
            ("record", plan.record),
            ("losses", "refused (strict)" if plan.strict else "reported"),
        ]
    )
    console().print()
    weights = plan.weights or (None,) * len(plan.targets)
    table(
        ("", "DEPLOYMENT", "MODEL", "ADDRESS", "WEIGHT", "REGION", "INPUT/MTOK", "OUTPUT/MTOK", "PRICE FROM"),
        [
            (str(number), *_cells(target, weight))
            for number, (target, weight) in enumerate(zip(plan.targets, weights, strict=True), start=1)
        ],
        right=("", "WEIGHT", "INPUT/MTOK", "OUTPUT/MTOK"),
    )
    if plan.targets:
        console().print()
        table(
            ("", "DEPLOYMENT", "SPEAKS", *(f"{client.upper()} CLIENTS" for client in CLIENTS)),
            [
                (str(number), target.deployment, target.dialect, *(str(served(target, client)) for client in CLIENTS))
                for number, target in enumerate(plan.targets, start=1)
            ],
            right=("",),
        )
    else:
        click.echo("No deployment can be called.", err=True)
    for deployment, reason in missing.items():
        console().print(visible(f"left out: {deployment}: {reason}"), markup=False, soft_wrap=True)


def _cells(target: Target, weight: float | None) -> tuple[str, ...]:
    price = _price(target.tariff)
    return (
        target.deployment,
        target.model,
        _address(target) or "local engine",
        "" if weight is None else f"{weight:g}",
        target.region or "unknown",
        f"${price['input_usd_per_mtok']}" if price else "unknown",
        f"${price['output_usd_per_mtok'] or '0'}" if price else "unknown",
        str(price["source"]) if price else "unknown",
    )
