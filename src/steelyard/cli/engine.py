"""`steelyard engine`: run local models, one process that keeps one llama.cpp process a model."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec

from steelyard.cli.leash import hold_leash
from steelyard.cli.options import config_option, json_option, read_config, supervisor_option
from steelyard.core.errors import ConfigError
from steelyard.engines.keeper import run_engine

__all__ = ["LOCAL_MISSING", "engine", "has_local_extra"]

LOCAL_MISSING = (
    "Local models need llama.cpp, which is not installed. In the clone of Steelyard: pip install -e '.[local]'"
)


def has_local_extra() -> bool:
    """Return whether the extra `local` is installed."""
    return find_spec("xllamacpp") is not None


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@config_option
@supervisor_option
@json_option
def engine(models: tuple[str, ...], config_path: Path | None, supervisor: int | None, as_json: bool) -> None:
    """Run local models with llama.cpp: one process a model, restarted when it dies.

    Starts each MODEL now; without names, those whose settings say start = "boot". All other models of the store start
    when they are first called. Each writes to DATA_DIR/logs/engine-MODEL.log. SIGTERM and Ctrl-C stop them.
    """
    hold_leash(supervisor)
    config = read_config(config_path)
    if not has_local_extra():
        raise ConfigError(LOCAL_MISSING)

    def announce(text: str) -> None:
        click.echo(msgspec.json.encode({"note": text}) if as_json else text)

    asyncio.run(run_engine(config.server.data_dir, models, config.models, announce))
