"""`steelyard clerk`: take the journal into the ledger, one process."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

import click
import msgspec

from steelyard.cli.journal_threads import JournalThreads, followers_of, show_readers
from steelyard.cli.leash import hold_leash
from steelyard.cli.ledger_of import ledger_of
from steelyard.cli.options import config_option, json_option, read_config, supervisor_option
from steelyard.cli.stopping import StopOnSignal
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.store import UnreachableError

__all__ = ["clerk"]


@click.command()
@config_option
@supervisor_option
@json_option
def clerk(config_path: Path | None, supervisor: int | None, as_json: bool) -> None:
    """Take the journal into the ledger: one process.

    It reads what the gateways of one data directory write, and keeps the ledger within its bounds of age and size. It
    also writes the access log, where the configuration asks for one. Without it the gateway serves on, and the journal
    keeps everything until it is back. SIGTERM and Ctrl-C let it finish what is in the journal.
    """
    hold_leash(supervisor)
    config = read_config(config_path)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="steelyard clerk: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stop = StopOnSignal()
    ledger = ledger_of(config)
    with Clerk(ledger, config.server.data_dir / "journal", config.ledger) as keeper:
        with suppress(UnreachableError):  # `run` tells, and waits for it
            ledger.upgrade()
        if as_json:
            click.echo(msgspec.json.encode({"ledger": ledger.name, "note": f"keeps {ledger.name}"}))
        else:
            click.echo(f"Clerk keeps {ledger.name}")
        followers = followers_of(config, os.environ)
        keeper.may_delete = lambda segment: all(one.has_read(segment) for one in followers)
        threads = JournalThreads(followers, stop)
        threads.start()
        show_readers(config.server.data_dir, {"ledger": keeper, **{one.name: one for one in followers}}, stop)
        keeper.run(stop)
        threads.join()
    ledger.close()
