"""Check the scopes of limits and budgets: whom they name, and that none is given twice."""

from collections.abc import Collection

from steelyard.config.scopes import EACH, Scope, read_scope
from steelyard.config.settings import LIMITED, Config, LimitSettings
from steelyard.documents.findings import Findings, nearest
from steelyard.documents.locate import KeyPath

__all__ = ["check_scopes"]


def check_scopes(config: Config, providers: Collection[str], findings: Findings) -> None:
    """Report scopes that name nothing, limits of nothing, and what is limited twice for the same scope."""
    seen: set[tuple[str, str]] = set()
    for index, limit in enumerate(config.limits):
        path: KeyPath = ("limits", index)
        _check_scope(limit.scope, path, config, providers, findings)
        given = [name for name in LIMITED if getattr(limit, name) is not None]
        if not given and not _tried(path, findings):
            findings.add(path, f"limits nothing; give one of {', '.join(LIMITED)}")
        if limit.queue_s and limit.concurrent is None:
            findings.add((*path, "queue_s"), "calls wait for room in `concurrent`, and none is given; add it")
        for name in given:
            _check_once((limit.scope, name), (*path, name), seen, findings)
    for index, budget in enumerate(config.budgets):
        path = ("budgets", index)
        _check_scope(budget.scope, path, config, providers, findings)
        _check_once((budget.scope, f"usd per {budget.per}"), path, seen, findings)
    if config.server.queue_s and not config.server.max_calls:
        findings.add(("server", "queue_s"), "calls wait for room in `max_calls`, and none is given; add it")
    if (config.limits or config.budgets) and config.server.workers > 1 and config.shared.url is None:
        findings.add(
            ("server", "workers"),
            "limits and budgets are counted by one process, and several would overshoot them; must be 1, "
            "or [shared] url must say where they count together",
        )
    if config.cache.store == "shared" and config.shared.url is None:
        findings.add(("cache", "store"), "nothing is shared; add [shared] url, the server that answers are kept in")


def _tried(path: KeyPath, findings: Findings) -> bool:
    """Say whether a limit was to be given: its key is there and wrong, and that has been said."""
    others = {*LimitSettings.__struct_fields__} - {*LIMITED}
    return any(len(at) == 3 and at[:2] == path and at[2] not in others for at in findings.lines)


def _check_once(name: tuple[str, str], path: KeyPath, seen: set[tuple[str, str]], findings: Findings) -> None:
    if name in seen:
        findings.add(path, f'"{name[0]}" has this limit already: {name[1]}')
    seen.add(name)


def _check_scope(text: str, path: KeyPath, config: Config, providers: Collection[str], findings: Findings) -> None:
    scope = read_scope(text)
    if not isinstance(scope, Scope) or scope.name == EACH:
        return  # what is no scope has been reported
    provider, slash, model = scope.name.partition("/")
    if scope.kind == "route" and not slash:
        if scope.name not in config.routes:
            add = f"; add [routes.{scope.name}]"
            findings.add(
                (*path, "scope"), f'no route is called "{scope.name}"{nearest(scope.name, config.routes, add)}'
            )
    elif scope.kind in ("route", "deployment"):
        if not slash or not model:
            known = [one for route in config.routes.values() for one in route.deployments] + list(config.deployments)
            meant = nearest(scope.name, known)
            findings.add((*path, "scope"), f'expected "{scope.kind}:PROVIDER/MODEL", got "{scope.name}"{meant}')
        elif provider not in providers:
            add = f"; add [providers.{provider}]"
            findings.add((*path, "scope"), f'no provider is called "{provider}"{nearest(provider, providers, add)}')
