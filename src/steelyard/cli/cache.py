"""`steelyard cache`: the answers that are kept to be given again."""

import time
from decimal import Decimal
from pathlib import Path

import click
from msgspec import structs

from steelyard.cache.clearing import clear, cleared
from steelyard.cache.disk import DiskStore, path_in
from steelyard.cache.shelved import Shelved
from steelyard.cache.shown import Snapshot, shown
from steelyard.cli.cache_server import server_cache
from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.shown import moment_text, table, usd_of
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, StoreError
from steelyard.documents.findings import nearest

__all__ = ["cache"]


@click.group()
def cache() -> None:
    """Show and clear the answers that are given again.

    [cache] in steelyard.toml names the routes that are cached.
    """


@cache.command()
@config_option
@json_option
def show(config_path: Path | None, as_json: bool) -> None:
    """Show each route's answers, and what calls were told.

    Gateways that run have said so within the last second; what is counted begins anew with each of them.
    """
    config = read_config(config_path)
    data_dir = config.server.data_dir
    gateways, on_disk, in_server = shown(data_dir), _on_disk(config), _in_server(config)
    if as_json:
        print_json(
            {
                "gateways": [_row(one) for one in gateways],
                "disk": [structs.asdict(one) for one in on_disk],
                "server": [structs.asdict(one) for one in in_server],
                "cleared": cleared(data_dir),
            }
        )
        return
    if not config.cache.routes:
        click.echo("There is no cache. [cache] routes in steelyard.toml names the routes that have one.", err=True)
        return
    if not gateways:
        click.echo("No gateway runs that has a cache.", err=True)
    for one in gateways:
        _show_gateway(one)
    for place, shelved in (("ON DISK", on_disk), ("IN THE SERVER", in_server)):
        if shelved:
            _show_shelved(place, shelved)


@cache.command("clear")
@click.option("--route", metavar="NAME", help="Answers of this route alone.")
@config_option
@json_option
def clear_answers(route: str | None, config_path: Path | None, as_json: bool) -> None:
    """Drop the answers that are kept, of all routes or of one.

    Those on disk, or in the server of [shared], are gone when this returns. Gateways that run drop theirs within a
    second, on other machines within three. An answer that is under way now is kept when it comes.
    """
    config = read_config(config_path)
    if route is not None and route not in config.routes:
        known = nearest(route, config.routes, "; see: steelyard routes list")
        raise ConfigError(f'No route is called "{route}"{known}')
    at = time.time()
    clear(config.server.data_dir, route, at)
    dropped, there = _clear_disk(config, route), _clear_server(config, route, at)
    if as_json:
        print_json({"route": route, "cleared_at": at, "dropped_on_disk": dropped, "dropped_in_server": there})
    else:
        more = f", and {there:,} in the server" if config.cache.store == "shared" else ""
        click.echo(f"Cleared {'every route' if route is None else route}; {dropped:,} answers were on disk{more}.")


def _on_disk(config: Config) -> list[Shelved]:
    if not path_in(config.server.data_dir).exists():
        return []
    store = DiskStore(config.server.data_dir, config.cache.max_disk_bytes)
    try:
        return store.shelved()
    finally:
        store.close()


def _in_server(config: Config) -> list[Shelved]:
    if config.cache.store != "shared":
        return []
    store = server_cache(config.shared, config.cache)
    try:
        return store.shelved()
    except StoreError as error:
        click.echo(f"What is in the server is not known: {error}", err=True)
        return []
    finally:
        store.close()


def _clear_server(config: Config, route: str | None, at: float) -> int:
    if config.cache.store != "shared":
        return 0
    store = server_cache(config.shared, config.cache)
    try:
        return store.clear(route, at)
    except StoreError as error:
        raise StoreError(
            f"{error} What is kept in memory and on disk was cleared; run this again for the rest."
        ) from None
    finally:
        store.close()


def _show_shelved(place: str, shelved: list[Shelved]) -> None:
    table(
        ("ROUTE", place, "BYTES", "OLDEST (UTC)", "NEWEST (UTC)"),
        [
            (one.route, f"{one.entries:,}", f"{one.bytes:,}", moment_text(one.oldest), moment_text(one.newest))
            for one in shelved
        ],
        right=(place, "BYTES"),
    )


def _clear_disk(config: Config, route: str | None) -> int:
    if not path_in(config.server.data_dir).exists():
        return 0
    store = DiskStore(config.server.data_dir, config.cache.max_disk_bytes)
    try:
        return store.clear(route)
    finally:
        store.close()


def _row(one: Snapshot) -> dict[str, object]:
    rows = [{**structs.asdict(route), "saved_usd": format(route.saved_usd, "f")} for route in one.routes]
    return {**structs.asdict(one), "routes": rows}


def _show_gateway(one: Snapshot) -> None:
    heads = ("ROUTE", "IN MEMORY", "BYTES", "HITS", "MISSES", "BYPASSED", "HIT RATE", "SAVED")
    table(
        heads,
        [
            (
                row.route,
                f"{row.entries:,}",
                f"{row.bytes:,}",
                f"{row.hits:,}",
                f"{row.misses:,}",
                f"{row.bypasses:,}",
                _rate(row.hits, row.misses),
                usd_of(Decimal(row.saved_usd)),
            )
            for row in one.routes
        ],
        right=heads[1:],
    )
    click.echo(f"As process {one.process} had it at {moment_text(one.at)} UTC.", err=True)


def _rate(hits: int, misses: int) -> str:
    return f"{hits / (hits + misses):.0%}" if hits + misses else ""
