"""`steelyard up`: all processes of one machine under one supervisor."""

import asyncio
from pathlib import Path

import click

from steelyard.cli.crew import clerk_member, engine_member, gateway_members
from steelyard.cli.engine import LOCAL_MISSING, has_local_extra
from steelyard.cli.narrator import Narrator
from steelyard.cli.options import config_option, json_option, listen_options, read_config
from steelyard.cli.port import free_port_of
from steelyard.cli.supervisor import Supervisor
from steelyard.config.settings import Config

__all__ = ["up"]


@click.command()
@config_option
@listen_options
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Gateway processes that share the port.")
@json_option
def up(config_path: Path | None, host: str | None, port: int | None, workers: int | None, as_json: bool) -> int:
    """Start everything: gateways, local models, the clerk, under one supervisor.

    Each is a process of its own and is started again when it dies, after a pause that grows. SIGTERM and Ctrl-C end
    the gateways first, which finish the calls under way, and then the others; a second Ctrl-C breaks these calls off
    and ends all within two seconds. Local models run when the extra `local` is installed and a model is in the store.
    The exit code is 0 after a signal, and 2 when something is wrong with the configuration.
    """
    config = read_config(config_path, {"host": host, "port": port, "workers": workers})
    narrator = Narrator(as_json=as_json)
    members = gateway_members(config, config_path, host, free_port_of(config.server.host, config.server.port))
    if has_local_extra():
        members.append(engine_member(config, config_path))
    elif _names_local(config):
        narrator.say("up", LOCAL_MISSING)
    members.append(clerk_member(config_path))
    return asyncio.run(Supervisor(members, narrator).run())


def _names_local(config: Config) -> bool:
    deployments = [one for route in config.routes.values() for one in route.deployments]
    return bool(config.models) or any(one.startswith("local/") for one in deployments)
