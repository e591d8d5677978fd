"""What `steelyard check` says of limits and budgets: whom they name in vain, and what they would forget."""

import time
from collections.abc import Iterator

from steelyard.cli.probe import Finding
from steelyard.config.scopes import EACH, NOBODY, Scope, read_scope
from steelyard.config.settings import Config
from steelyard.core.errors import SteelyardError
from steelyard.documents.findings import nearest
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Key

__all__ = ["limit_findings", "live_keys"]


def limit_findings(config: Config) -> Iterator[Finding]:
    """Say which scopes name a key, a team or a project that is not there yet, or a deployment that no route has, and
    whose calls are counted without being recorded."""
    texts = dict.fromkeys([*(one.scope for one in config.limits), *(one.scope for one in config.budgets)])
    if not texts:
        return
    keys = live_keys(config)
    scopes = [scope for text in texts if isinstance(scope := read_scope(text), Scope)]
    for scope in scopes:
        known = _known(scope, keys)
        if known is not None and scope.name not in known:
            meant = nearest(scope.name, known)
            make = f" --{scope.kind} {scope.name}" if scope.kind != "key" else ""
            name = scope.name if scope.kind == "key" else "NAME"
            text = f"no live key has it{meant or '.'} Make one: steelyard keys create {name}{make}"
            yield Finding("note", f"scope {scope}", text)
    yield from _unrouted(config, scopes)
    unrecorded = sorted(_unrecorded(config, keys))
    if unrecorded:
        text = f"{', '.join(unrecorded)}: nothing is recorded, so counts of these calls are forgotten at a restart"
        yield Finding("note", "limits", text)


def _known(scope: Scope, keys: list[Key]) -> set[str] | None:
    """Return the names of that kind that keys have; None where no key has anything to do with it."""
    if scope.name in (EACH, NOBODY):
        return None
    match scope.kind:
        case "key":
            return {key.name for key in keys}
        case "team":
            return {key.team for key in keys if key.team is not None}
        case "project":
            return {key.project for key in keys if key.project is not None}
        case _:
            return None


def _unrouted(config: Config, scopes: list[Scope]) -> Iterator[Finding]:
    """Say which deployments are limited that nobody reaches by a route. They can be asked for by their own names."""
    known = dict.fromkeys(one for route in config.routes.values() for one in route.deployments)
    for scope in scopes:
        if scope.kind == "deployment" and scope.name not in (EACH, *known, *config.deployments):
            meant = nearest(scope.name, known)
            text = f"no route has it{meant or '.'} It counts calls alone that ask for it by this name"
            yield Finding("note", f"scope {scope}", text)


def _unrecorded(config: Config, keys: list[Key]) -> Iterator[str]:
    if config.server.record == "none":
        yield "[server]"
    yield from (f"[routes.{name}]" for name, route in config.routes.items() if route.record == "none")
    yield from (f'[deployments."{name}"]' for name, facts in config.deployments.items() if facts.record == "none")
    yield from (f"key {key.name}" for key in keys if key.record == "none")


def live_keys(config: Config) -> list[Key]:
    """Return the keys that callers may use; none where they cannot be read, which `steelyard check` tells of itself."""
    try:
        return [key for key in KeyFile(config.server.data_dir / "keys.json").list() if key.live(time.time())]
    except SteelyardError:
        return []
