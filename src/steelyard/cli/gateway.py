"""`steelyard gateway`: one gateway process, for containers and for the supervisor."""

import os
from pathlib import Path

import click
import msgspec

from steelyard.cli.options import config_option, json_option, read_config
from steelyard.gateway.server import Origins, run_gateway

__all__ = ["gateway"]


@click.command()
@config_option
@click.option("--host", help="Address to listen on, instead of [server] host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of [server] port.")
@click.option("--worker", default="0", hidden=True, help="This process's name in the journal.")
@click.option("--shared-port", is_flag=True, hidden=True, help="Other gateway processes listen on the same port.")
@json_option
def gateway(
    config_path: Path | None, host: str | None, port: int | None, worker: str, shared_port: bool, as_json: bool
) -> None:
    """Serve the endpoint: one gateway process.

    It reads its configuration again on SIGHUP and when the file changes. SIGTERM and Ctrl-C let the calls under way
    end first. Its journal is taken into the ledger by `steelyard clerk`, and local models are run by
    `steelyard engine`; `steelyard up` starts all three.
    """
    flags = {"host": host, "port": port}
    config = read_config(config_path, flags)

    def announce(address: str) -> None:
        text = msgspec.json.encode({"address": address}).decode() if as_json else f"Gateway at {address}"
        click.echo(text)

    run_gateway(
        config, Origins(config_path, os.environ, flags), worker=worker, shared_port=shared_port, announce=announce
    )
