"""`steelyard keys`: make, list and revoke callers' keys."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict, Unpack, get_args

import click

from steelyard.cli.jsons import print_json, print_line
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.plans_of import plans_of
from steelyard.cli.shown import moment_text, table
from steelyard.cli.visible import visible
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, NotFound, Unavailable
from steelyard.core.exchange import Record
from steelyard.core.priority import NORMAL, PRIORITIES, Priority
from steelyard.documents.findings import nearest
from steelyard.keys.duration import parse_duration
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Bearer, Key

__all__ = ["keys"]


class _Limits(TypedDict):
    routes: tuple[str, ...]
    expires: str | None
    record: Record | None
    purpose: str | None
    team: str | None
    project: str | None
    priority: Priority


@click.group()
def keys() -> None:
    """Make, list and revoke callers' keys.

    On loopback no key is needed until the first one is made. A running gateway takes changes over within a second.
    """


@keys.command()
@click.argument("name")
@click.option("--route", "routes", multiple=True, metavar="ROUTE", help="A route or model that it may ask for; repeat.")
@click.option("--expires", metavar="DURATION", help="When it expires: 30m, 12h, 90d, 2w from now. Default: never.")
@click.option("--record", type=click.Choice(get_args(Record)), help="What the ledger keeps of its calls.")
@click.option("--purpose", metavar="NAME", help="What its calls are for: [purposes.NAME] of the configuration.")
@click.option("--team", metavar="NAME", help='The team that it belongs to: a limit may be about "team:NAME".')
@click.option("--project", metavar="NAME", help='The project that it belongs to: a limit may be about "project:NAME".')
@click.option(
    "--priority",
    type=click.Choice(PRIORITIES),
    default=NORMAL,
    show_default=True,
    help="Whose calls go first where calls wait, and are shed last.",
)
@config_option
@json_option
def create(name: str, config_path: Path | None, as_json: bool, **limits: Unpack[_Limits]) -> None:
    """Make a key called NAME and print it. It is shown this once: only a hash is kept."""
    config = read_config(config_path)
    file = _key_file(config)
    routes, expires, purpose = limits["routes"], limits["expires"], limits["purpose"]
    if purpose is not None and purpose not in config.purposes:
        meant = nearest(purpose, config.purposes, f"; add [purposes.{purpose}] to the configuration")
        raise ConfigError(f'No purpose is called "{purpose}"{meant}')
    expires_at = None if expires is None else time.time() + parse_duration(expires)
    bearer = Bearer(limits["team"], limits["project"], limits["priority"])
    key, secret = file.create(name, routes or None, expires_at, limits["record"], purpose, bearer)
    for note in _unknown(routes, config):
        click.echo(visible(note), err=True)
    if as_json:
        print_line({"id": key.id, "name": key.name, "key": secret})
        return
    click.echo(secret)
    told = f"Key {key.name} ({key.id}){_limits(key)}. Keep it: it is not shown again."
    click.echo(visible(told), err=True)


@keys.command("list")
@config_option
@json_option
def list_keys(config_path: Path | None, as_json: bool) -> None:
    """List all keys, expired and revoked ones too; never the keys themselves."""
    now = time.time()
    found = _key_file(read_config(config_path)).list()
    if as_json:
        print_json([_row(key, now) for key in found])
        return
    if not found:
        click.echo("No keys yet. Make one: steelyard keys create NAME", err=True)
        return
    table(
        ("NAME", "ID", "STATE", "PRIORITY", "ROUTES", "PURPOSE", "RECORD", "CREATED", "EXPIRES"),
        [
            (
                key.name,
                key.id,
                _state(key, now),
                key.priority,
                ", ".join(key.routes) if key.routes else "all",
                key.purpose or "default",
                key.record or "as the route",
                moment_text(key.created_at),
                moment_text(key.expires_at) if key.expires_at else "never",
            )
            for key in found
        ],
    )


@keys.command()
@click.argument("name_or_id", metavar="NAME|ID")
@config_option
@json_option
def revoke(name_or_id: str, config_path: Path | None, as_json: bool) -> None:
    """Revoke a key for good. Running gateways refuse it within a second."""
    key = _key_file(read_config(config_path)).revoke(name_or_id)
    if as_json:
        print_json(_row(key, time.time()))
    else:
        click.echo(visible(f"Key {key.name} ({key.id}) is revoked."))


def _key_file(config: Config) -> KeyFile:
    return KeyFile(config.server.data_dir / "keys.json")


def _unknown(routes: Sequence[str], config: Config) -> Iterator[str]:
    """Say of each name that a key may ask for and that nothing has now; it may come later."""
    if not routes:
        return
    plans = plans_of(config)
    for route in routes:
        try:
            plans.outline(route)
        except NotFound as error:
            yield f"Note: {error} The key is made all the same, and may ask for it once it is there."
        except Unavailable:
            continue  # it is there, and lacks a key or a provider now


def _row(key: Key, now: float) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "state": _state(key, now),
        "routes": key.routes,
        "record": key.record,
        "purpose": key.purpose,
        "team": key.team,
        "project": key.project,
        "priority": key.priority,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.live(now) else "expired"


def _limits(key: Key) -> str:
    limits = []
    if key.routes:
        limits.append(f"for {', '.join(key.routes)}")
    if key.purpose:
        limits.append(f'for the purpose "{key.purpose}"')
    if key.team:
        limits.append(f'of the team "{key.team}"')
    if key.project:
        limits.append(f'of the project "{key.project}"')
    if key.priority != NORMAL:
        limits.append(f"of {key.priority} priority")
    if key.expires_at:
        limits.append(f"until {moment_text(key.expires_at)} UTC")
    return f", {', '.join(limits)}" if limits else ""
