"""`steelyard keys`: make, list and revoke callers' keys."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click
import msgspec

from steelyard.cli.options import config_option, json_option, read_config
from steelyard.core.exchange import Record
from steelyard.keys.duration import parse_duration
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Key

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """Make, list and revoke callers' keys.

    On loopback no key is needed until the first one is made. A running gateway takes changes over within a second.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="ROUTE",
    help="Allow this route or model only; may be given several times.",
)
@click.option("--expires", metavar="DURATION", help="Time until the key expires: 30m, 12h, 90d, 2w. Without it: never.")
@click.option("--record", type=click.Choice(get_args(Record)), help="What the ledger keeps of this key's calls.")
@config_option
@json_option
def create(
    name: str,
    routes: tuple[str, ...],
    expires: str | None,
    record: Record | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Make a key called NAME and print it. It is shown this once: only a hash is kept."""
    file = _key_file(config_path)
    expires_at = None if expires is None else time.time() + parse_duration(expires)
    key, secret = file.create(name, routes or None, expires_at, record)
    if as_json:
        click.echo(msgspec.json.encode({"id": key.id, "name": key.name, "key": secret}))
        return
    click.echo(secret)
    click.echo(f"Key {key.name} ({key.id}){_limits(key)}. Keep it: it is not shown again.", err=True)


def _key_file(config_path: Path | None) -> KeyFile:
    return KeyFile(read_config(config_path).server.data_dir / "keys.json")


def _limits(key: Key) -> str:
    limits = []
    if key.routes:
        limits.append(f"for {', '.join(key.routes)}")
    if key.expires_at:
        limits.append(f"until {_day(key.expires_at)}")
    return f", {', '.join(limits)}" if limits else ""


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
