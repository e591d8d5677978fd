"""`steelyard gateway`: one gateway process, for containers and for the supervisor."""

import os
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from steelyard.cli.cache_server import server_cache
from steelyard.cli.leash import hold_leash
from steelyard.cli.meeting import meeting_of
from steelyard.cli.options import config_option, json_option, listen_options, read_config, supervisor_option
from steelyard.config.settings import CacheSettings
from steelyard.gateway.cellar import Disk
from steelyard.gateway.fittings import Archive, Seat
from steelyard.gateway.memory import lately
from steelyard.gateway.server import Origins, run_gateway
from steelyard.gateway.shelf import Store
from steelyard.limits import Spent, Want

__all__ = ["gateway"]

_SUCCEEDS = f"{__name__}.succeeds"


def _note_predecessor(context: click.Context, _: click.Parameter, process: int | None) -> None:
    """Take note of the process whose place this one takes, as the supervisor says."""
    context.meta[_SUCCEEDS] = process


@click.command()
@config_option
@listen_options
@click.option("--seat", hidden=True, help="From the supervisor: WORKER/WORKERS:SOCKET,…")
@click.option("--succeeds", type=int, hidden=True, expose_value=False, callback=_note_predecessor)
@supervisor_option
@json_option
def gateway(
    config_path: Path | None,
    host: str | None,
    port: int | None,
    seat: str | None,
    supervisor: int | None,
    as_json: bool,
) -> None:
    """Serve the endpoint: one gateway process.

    It reads its configuration again on SIGHUP and when the file changes. SIGTERM and Ctrl-C let the calls under way
    end first. Its journal is taken into the ledger by `steelyard clerk`, and local models are run by
    `steelyard engine`; `steelyard up` starts all three.
    """
    hold_leash(supervisor)
    flags = {"host": host, "port": port}
    config = read_config(config_path, flags)

    def announce(address: str) -> None:
        click.echo(msgspec.json.encode({"address": address}) if as_json else f"Gateway at {address}")

    def open_store() -> Store:
        # SQLAlchemy takes 20 MB and a fifth of a second: only those pay who ask for kept responses.
        from steelyard.cli.kept_store import LedgerStore  # noqa: PLC0415

        return LedgerStore(config)

    def open_cache(data_dir: Path, settings: CacheSettings) -> Disk:
        # Likewise: SQLite is for those who keep answers on disk, a client for those who share them.
        if settings.store == "shared":
            return server_cache(config.shared, settings)
        from steelyard.cache.disk import DiskStore  # noqa: PLC0415

        return DiskStore(data_dir, settings.max_disk_bytes)

    def ask(wants: tuple[Want, ...]) -> dict[Want, list[Spent]]:
        # Likewise: only those pay who have limits, and a ledger. Who has none as yet may have a journal.
        if config.ledger.url is None and not (config.server.data_dir / "ledger.sqlite3").exists():
            return lately(config.server.data_dir / "journal", wants)
        from steelyard.cli.recalled import recalled  # noqa: PLC0415

        return recalled(config, wants)

    run_gateway(
        config,
        Origins(config_path, os.environ, flags),
        seat=replace(_seat(seat), succeeds=click.get_current_context().meta[_SUCCEEDS]),
        archive=Archive(open_store, ask, open_cache, meeting_of(config)),
        announce=announce,
    )


def _seat(told: str | None) -> Seat:
    if told is None:
        return Seat()
    place, _, listeners = told.partition(":")
    worker, _, workers = place.partition("/")
    sockets = tuple(tuple(int(one) for one in group.split("+")) for group in listeners.split(","))
    # Where the kernel does not spread connections over several sockets, all workers have the same.
    return Seat(worker, sockets, int(worker) % len(sockets), int(workers) > 1)
