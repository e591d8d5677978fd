"""`steelyard up`: all processes of one machine under one supervisor."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from steelyard.cli.crew import clerk_member, engine_member, gateway_members
from steelyard.cli.engine import LOCAL_MISSING, has_local_extra
from steelyard.cli.listeners import listen
from steelyard.cli.narrator import Narrator
from steelyard.cli.options import config_option, json_option, listen_options, read_config
from steelyard.cli.renewal import Renewal
from steelyard.cli.supervisor import Supervisor
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError

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
    and ends all within two seconds. `steelyard restart`, or SIGUSR2, puts new gateways in the place of the old ones,
    and no connection is refused meanwhile. Local models run when the extra `local` is installed and a model is in the
    store. The exit code is 0 after a signal, and 2 when something is wrong with the configuration.
    """
    flags = {"host": host, "port": port, "workers": workers}
    config = read_config(config_path, flags)
    narrator = Narrator(as_json=as_json)
    listeners = listen(config.server.host, config.server.port, config.server.workers)
    members = gateway_members(config, config_path, host, listeners)
    if has_local_extra():
        members.append(engine_member(config, config_path))
    elif _names_local(config):
        narrator.say("up", LOCAL_MISSING)
    members.append(clerk_member(config_path))
    renewal = Renewal(config.server.data_dir, lambda: _look_again(config, config_path, flags))
    return asyncio.run(Supervisor(members, narrator, listeners, renewal).run())


def _look_again(began_with: Config, config_path: Path | None, flags: Mapping[str, object]) -> tuple[str, ...]:
    """Return what new gateways cannot take over, since it belongs to the supervisor. Raises ConfigError."""
    server, now = began_with.server, read_config(config_path or began_with.source, flags).server
    if now.data_dir != server.data_dir:
        raise ConfigError(
            "[server] data_dir has changed. Others work in the old one: stop `steelyard up`, and start it again."
        )
    changed = [name for name in ("host", "port", "workers") if getattr(now, name) != getattr(server, name)]
    return tuple(
        f"[server] {name} is not what `steelyard up` has begun with: stop it and start it again to change that."
        for name in changed
    )


def _names_local(config: Config) -> bool:
    deployments = [one for route in config.routes.values() for one in route.deployments]
    return bool(config.models) or any(one.startswith("local/") for one in deployments)
