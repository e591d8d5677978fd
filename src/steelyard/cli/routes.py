"""`steelyard routes`: what applications may ask for, and who would answer."""

import time
from decimal import Decimal
from pathlib import Path

import click
from msgspec import Struct, structs

from steelyard.catalog.endpoints import GENERATES
from steelyard.catalog.prices import Tariff, usd_text
from steelyard.cli.clients_of import CLIENTS, served
from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.plans_of import left_out, plans_of
from steelyard.cli.shown import console, pairs, table
from steelyard.cli.verdicts import because, decision_row, print_verdicts
from steelyard.cli.visible import visible
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, Forbidden, Unavailable
from steelyard.documents.findings import nearest
from steelyard.gateway.access import check_route
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Key
from steelyard.policy.decision import Decision
from steelyard.policy.plan import Plan, Target, least_record

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
@click.option("--key", "key_name", metavar="NAME|ID", help="For the caller with this key: its purpose decides.")
@click.option("--purpose", "purpose_name", metavar="NAME", help="For callers of this purpose: [purposes.NAME].")
@config_option
@json_option
def explain(name: str, key_name: str | None, purpose_name: str | None, config_path: Path | None, as_json: bool) -> int:
    """Show the compiled plan of a route, or of PROVIDER/MODEL.

    Deployments stand in the order in which they are tried, with their price; those that are left out, with the reason.
    For each it is said whether a client of each dialect has its bytes relayed or translated. Where the caller has a
    purpose, or the route demands something, each deployment is shown with its verdict, the clause and the duties.
    Exit code 1: nobody could answer, or may.
    """
    config = read_config(config_path)
    if key_name is not None and purpose_name is not None:
        raise click.UsageError("--key and --purpose exclude each other: a key has its purpose.")
    key = KeyFile(config.server.data_dir / "keys.json").find(key_name) if key_name is not None else None
    found = _explained(config, name, key.purpose if key is not None else _known(purpose_name, config))
    refused = _refused(key, name) if key is not None else None
    if as_json:
        print_json({**_row(found, key, refused), "cache": _cache_row(config, found.plan, key)})
    else:
        _show(found, _cache_row(config, found.plan, key))
    if refused is not None:
        click.echo(visible(refused), err=True)
    return 0 if found.plan.targets and refused is None else 1


class _Explained(Struct, frozen=True):
    """A plan, why deployments are missing from it, and the decision on each, those too that it denies; no decisions
    where nothing was declared or demanded."""

    plan: Plan
    missing: dict[str, str]
    decisions: dict[str, Decision]


def _explained(config: Config, name: str, purpose: str | None) -> _Explained:
    missing = left_out(config, name) if name in config.routes else {}
    plans = plans_of(config)
    try:
        plan = plans.outline(name, purpose)
    except Unavailable as error:
        settings = config.routes.get(name)
        if settings is None:
            return _Explained(Plan(name, ()), {name: str(error)}, {})
        return _Explained(Plan(name, (), settings.strategy, None, settings.retries, settings.timeout_s), missing, {})
    named = [*(target.deployment for target in plan.targets), *plan.denied]
    permits = {one: plans.permit(plan, one) for one in named}
    decisions = {one: permit.decision for one, permit in permits.items() if permit is not None and permit.decision}
    return _Explained(plan, missing, decisions)


def _known(purpose: str | None, config: Config) -> str | None:
    """Return the name of a purpose. Raises ConfigError when the configuration has none of this name."""
    if purpose is not None and purpose not in config.purposes:
        meant = nearest(purpose, config.purposes, f"; add [purposes.{purpose}] to the configuration")
        raise ConfigError(f'No purpose is called "{purpose}"{meant}')
    return purpose


def _refused(key: Key, name: str) -> str | None:
    """Return why a key may not ask at all; None when it may."""
    if not key.live(time.time()):
        return f'The key "{key.name}" is {"revoked" if key.revoked_at is not None else "expired"}.'
    try:
        check_route(key, name)
    except Forbidden as error:
        return str(error)
    return None


def _row(found: _Explained, key: Key | None, refused: str | None) -> dict[str, object]:
    plan, decided = found.plan, {name: decision_row(one) for name, one in found.decisions.items()}
    weights = plan.weights or (None,) * len(plan.targets)
    return {
        "name": plan.route,
        "strategy": plan.strategy,
        "retries": plan.retries,
        "timeout_s": structs.asdict(plan.timeouts),
        "record": plan.record,
        "strict": plan.strict,
        "key": None if key is None else {"id": key.id, "name": key.name, "refused": refused},
        "purpose": plan.purpose,
        "deployments": [
            {**_target_row(one, weight), "decision": decided.get(one.deployment)}
            for one, weight in zip(plan.targets, weights, strict=True)
        ],
        "denied": [
            {"deployment": one, "reason": because(found.decisions[one]), "decision": decided[one]}
            for one in plan.denied
        ],
        "left_out": [{"deployment": one, "reason": reason} for one, reason in found.missing.items()],
    }


def _cache_row(config: Config, plan: Plan, key: Key | None) -> dict[str, object] | None:
    """Return how the route is cached for a caller; None where it is not. `why_not`: nothing of its calls is kept."""
    settings = config.cache
    if plan.route not in settings.routes:
        return None
    days = plan.demanded.max_retention_days if plan.demanded is not None else None
    why_not = None
    if least_record(plan.record, key.record if key is not None else None) == "none":
        why_not = "nothing of these calls is recorded"
    elif days is not None and days * 86400 < settings.ttl_s:
        why_not = "content may be kept for less long than ttl_s"
    return {"ttl_s": settings.ttl_s, "share": settings.share, "store": settings.store, "why_not": why_not}


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


def _cache_text(cache: dict[str, object] | None) -> str:
    if cache is None:
        return "none"
    if cache["why_not"] is not None:
        return f"bypassed: {cache['why_not']}"
    return f"{cache['ttl_s']:g} s, shared by {cache['share']}, {cache['store']}"


def _show(found: _Explained, cache: dict[str, object] | None) -> None:
    plan = found.plan
    limits = plan.timeouts
    purpose = plan.purpose or "none: the route's demands alone"
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
            ("cache", _cache_text(cache)),
            *([("purpose", purpose)] if found.decisions else []),
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
        _show_clients(plan)
    elif plan.denied:
        click.echo("No deployment is permitted.", err=True)
    else:
        click.echo("No deployment can be called.", err=True)
    if found.decisions:
        console().print()
        print_verdicts(found.decisions)
    for deployment, reason in found.missing.items():
        console().print(visible(f"left out: {deployment}: {reason}"), markup=False, soft_wrap=True)


def _show_clients(plan: Plan) -> None:
    console().print()
    table(
        ("", "DEPLOYMENT", "SPEAKS", *(f"{client.upper()} CLIENTS" for client in CLIENTS)),
        [
            (str(number), target.deployment, target.dialect, *(str(served(target, client)) for client in CLIENTS))
            for number, target in enumerate(plan.targets, start=1)
        ],
        right=("",),
    )


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
