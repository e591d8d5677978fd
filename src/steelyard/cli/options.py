"""Options that several commands share, and the configuration that they choose."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from steelyard.config.loader import load_config
from steelyard.config.settings import Config

__all__ = ["config_option", "json_option", "read_config"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


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


def read_config(path: Path | None, flags: Mapping[str, object] | None = None) -> Config:
    """Return the configuration that a command works with. Raises ConfigError."""
    return load_config(path, os.environ, flags or {})
