"""Options that several commands share, and the configuration that they choose."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

from steelyard.config.loader import load_config
from steelyard.config.settings import Config

__all__ = ["Given", "OptionValue", "config_option", "json_option", "listen_options", "read_config", "supervisor_option"]

_Command = TypeVar("_Command", bound=Callable[..., object])

OptionValue: TypeAlias = Any
"""What Click hands a command for an option: of the type that the option says, which Click's own types do not tell."""

Given: TypeAlias = Mapping[str, OptionValue]
"""A command's options by their names, where there are too many to be parameters."""


def config_option(command: _Command) -> _Command:
    """Add `--config FILE`, as `config_path`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Configuration to read. Without it: $STEELYARD_CONFIG, ./steelyard.toml, "
        "~/.config/steelyard/steelyard.toml, or none.",
    )(command)


def json_option(command: _Command) -> _Command:
    """Add `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, notes on stderr.")(command)


def listen_options(command: _Command) -> _Command:
    """Add `--host` and `--port`, which take the place of what the configuration says."""
    command = click.option(
        "--port", type=click.IntRange(0, 65535), metavar="N", help="Port to listen on, for [server] port."
    )(command)
    return click.option("--host", metavar="ADDRESS", help="Address to listen on, for [server] host.")(command)


def supervisor_option(command: _Command) -> _Command:
    """Add `--supervisor PID`, which the supervisor gives to its children, as `supervisor`."""
    return click.option("--supervisor", type=int, hidden=True)(command)


def read_config(path: Path | None, flags: Mapping[str, object] | None = None) -> Config:
    """Return the configuration that a command works with. Raises ConfigError."""
    return load_config(path, os.environ, flags or {})
