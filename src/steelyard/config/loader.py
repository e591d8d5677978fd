"""Read the configuration: flags beat environment beat file, every mistake is reported at once, nothing is ignored."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from steelyard.catalog.providers import provider_table
from steelyard.catalog.purpose import tidied, with_words
from steelyard.config.names import check_names
from steelyard.config.overlay import overlay
from steelyard.config.paths import absolute, with_absolute_paths
from steelyard.config.rules import complaint
from steelyard.config.settings import Config, RouteSettings
from steelyard.core.errors import ConfigError
from steelyard.documents.document import read_document
from steelyard.documents.findings import Findings, nearest, shown
from steelyard.documents.shape import Invalid, read_struct

__all__ = ["find_file", "load_config", "needs_restart", "reload"]

_SECTIONS: Final = tuple(name for name in Config.__struct_fields__ if name != "source")
_NAMED: Final = frozenset({"providers", "routes", "deployments", "models", "purposes"})
_FIXED: Final = (
    ("server", "host"),
    ("server", "port"),
    ("server", "workers"),
    ("server", "data_dir"),
    ("ledger", "url"),
    ("ledger", "retention_days"),
    ("ledger", "retention_bytes"),
    ("ledger", "journal_segment_bytes"),
    ("ledger", "journal_retention_hours"),
    ("log", "access"),
    ("otel", "endpoint"),
    ("otel", "names"),
    ("shared", "url"),
    ("shared", "prefix"),
    ("shared", "ca_file"),
    ("shared", "lease_s"),
)


def load_config(path: Path | None, env: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """Return the configuration, with data directory, certificate files and `file:` references absolute.

    `path` None: the file that STEELYARD_CONFIG names, else ./steelyard.toml, else ~/.config/steelyard/steelyard.toml,
    else no file and the defaults. `flags`: fields of `[server]` by their names, and `ledger_url`; `None` is not given.
    Raise ConfigError with one finding a mistake.
    """
    file = find_file(path, env)
    source = None if file is None else Path(os.path.abspath(file))
    findings = Findings("steelyard.toml" if source is None else shown(source), {}, complaint, _NAMED)
    document = {} if source is None else read_document(source, findings)
    config = _read_tables(document or {}, findings)
    config = with_absolute_paths(config, env, Path.cwd() if source is None else source.parent)
    config = overlay(config, env, flags, findings)
    check_names(config, provider_table(), findings)
    mistakes = findings.in_order()
    if mistakes:
        raise ConfigError(*mistakes)
    return structs.replace(config, source=source)


def find_file(path: Path | None, env: Mapping[str, str]) -> Path | None:
    """Return the file that `load_config` reads, `None` when there is none. One that is asked for by name must exist."""
    if path is not None:
        return path
    here = Path.cwd()
    named = env.get("STEELYARD_CONFIG")
    if named:
        return absolute(named, env, here)
    usual = (here / "steelyard.toml", absolute("~/.config/steelyard/steelyard.toml", env, here))
    return next((file for file in usual if os.path.exists(file)), None)


def reload(
    current: Config, path: Path | None, env: Mapping[str, str], flags: Mapping[str, object]
) -> tuple[Config, tuple[str, ...]]:
    """Return the configuration as the file now says and no findings; or, when anything is wrong, `current` and why.

    `path` None means the file that `current` came from, and a new search only when there was none.
    """
    try:
        return load_config(path or current.source, env, flags), ()
    except ConfigError as error:
        return current, error.findings


def needs_restart(old: Config, new: Config) -> tuple[str, ...]:
    """Return a line for each setting that differs and that a running installation cannot take over."""
    fixed = [
        f"[{section}] {name}"
        for section, name in _FIXED
        if getattr(getattr(old, section), name) != getattr(getattr(new, section), name)
    ]
    models = sorted(old.models.keys() | new.models.keys())
    fixed += [f"[models.{name}]" for name in models if old.models.get(name) != new.models.get(name)]
    return tuple(f"{what} has changed: this takes effect after a restart." for what in fixed)


def _read_tables(document: Mapping[str, object], findings: Findings) -> Config:
    choices = f"; sections are {', '.join(f'[{section}]' for section in _SECTIONS)}"
    for name in document:
        if name not in _SECTIONS:
            findings.add((name,), f"unknown section{nearest(name, _SECTIONS, choices)}")
    known = {name: table for name, table in document.items() if name in _SECTIONS}
    known["purposes"] = _each(known.get("purposes", {}), with_words)
    known["routes"] = _each(known.get("routes", {}), _with_require)
    config = read_struct(Config, known, (), findings)
    if isinstance(config, Invalid):
        return Config()
    return structs.replace(
        config,
        purposes={name: tidied(purpose) for name, purpose in config.purposes.items()},
        routes={name: _tidied(route) for name, route in config.routes.items()},
    )


def _each(tables: object, change: Callable[[Mapping[str, Any]], object]) -> object:
    """Return a table of tables, each changed; what is no table is left, to be reported."""
    if not isinstance(tables, Mapping):
        return tables
    return {name: change(table) if isinstance(table, Mapping) else table for name, table in tables.items()}


def _with_require(route: Mapping[str, Any]) -> Mapping[str, Any]:
    require = route.get("require")
    return {**route, "require": with_words(require)} if isinstance(require, Mapping) else route


def _tidied(route: RouteSettings) -> RouteSettings:
    return route if route.require is None else structs.replace(route, require=tidied(route.require))
