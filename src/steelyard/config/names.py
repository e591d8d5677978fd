"""Check what names refer to: deployments to providers, weights to deployments, routes to nothing that is taken."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from steelyard.catalog.endpoints import ENDPOINTS, GENERATES, dialect_of
from steelyard.catalog.providers import Provider, unlisted_provider
from steelyard.config.fallback import fallback_complaint
from steelyard.config.scope_names import check_scopes
from steelyard.config.settings import Config, Dialect, ProviderSettings, RouteSettings
from steelyard.documents.findings import Findings, nearest
from steelyard.documents.locate import KeyPath

__all__ = ["LOCAL", "check_names"]

LOCAL: Final = "local"
"""The provider that is the engine of this installation; it needs no row and no section."""

_RARE: Final = ("project", "location", "aws_region", "credentials", "api_version")
_PROVIDER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


def check_names(config: Config, table: Mapping[str, Provider], findings: Findings) -> None:
    """Report every name that is malformed, taken, or refers to a provider that does not exist."""
    providers = {LOCAL, *table, *config.providers}
    for name, provider in config.providers.items():
        _check_provider(name, provider, table, findings)
    for name, route in config.routes.items():
        _check_route_name(name, providers, findings)
        _check_route(route, ("routes", name), providers, findings)
    for name, facts in config.deployments.items():
        _check_deployment(name, ("deployments", name), providers, findings)
        if facts.dialect is not None:
            _check_dialect(name, facts.dialect, config, table, findings)
    purpose = config.policy.purpose
    if purpose is not None and purpose not in config.purposes:
        add = f"; add [purposes.{purpose}]"
        findings.add(("policy", "purpose"), f'no purpose is called "{purpose}"{nearest(purpose, config.purposes, add)}')
    check_scopes(config, providers, findings)
    _check_cache(config, findings)
    for name in config.models:
        if not name or not name.isprintable() or " " in name:
            findings.add(("models", name), "expected the name of a local model, like [models.smollm2-135m]")


def _check_cache(config: Config, findings: Findings) -> None:
    for index, name in enumerate(config.cache.routes):
        if name not in config.routes:
            add = f"; add [routes.{name}]"
            if "/" in name:
                add = f'; add [routes.NAME] with deployments = ["{name}"], and write NAME'
            findings.add(("cache", "routes", index), f'no route is called "{name}"{nearest(name, config.routes, add)}')


def _check_provider(name: str, provider: ProviderSettings, table: Mapping[str, Provider], findings: Findings) -> None:
    path = ("providers", name)
    row = table.get(name)
    if name == LOCAL:
        findings.add(path, '"local" is the engine of this installation; choose another name')
    elif not _PROVIDER_NAME.fullmatch(name):
        findings.add(path, "a provider's name is lower-case letters, digits, dots, dashes and underscores")
    elif row is None:
        meant = nearest(name, table)
        for key in ("dialect", "base_url"):
            # When the key is there and wrong, that has been said.
            if getattr(provider, key) is None and (*path, key) not in findings.lines:
                findings.add(path, f"a provider that is not in the table needs {key}{meant}")
    _check_use(name, provider, table, findings)
    _check_endpoints(name, provider, row, findings)
    auth_header = provider.auth_header or (row.auth_header if row else None) or "authorization"
    for header in provider.headers:
        if header.lower() == auth_header.lower():
            findings.add((*path, "headers", header), "this header carries the key; write the key as api_key")


def _check_endpoints(name: str, provider: ProviderSettings, row: Provider | None, findings: Findings) -> None:
    path = ("providers", name, "endpoints")
    for index, endpoint in enumerate(provider.endpoints or ()):
        if endpoint not in ENDPOINTS:
            known = f"; known are {', '.join(sorted(ENDPOINTS))}"
            findings.add((*path, index), f'no endpoint "{endpoint}"{nearest(endpoint, ENDPOINTS, known)}')
    dialect = provider.dialect or (row.dialect if row is not None else None) or "openai"
    given = set(provider.endpoints or ())
    if given & ENDPOINTS == given and any(map(dialect_of, given)) and not set(GENERATES[dialect]) <= given:
        needed = " and ".join(dict.fromkeys(GENERATES[dialect]))
        findings.add(path, f'its dialect is "{dialect}", to which calls are translated; list {needed} too')


def _check_use(name: str, provider: ProviderSettings, table: Mapping[str, Provider], findings: Findings) -> None:
    """Report settings that a provider has no use for: one that was not taken up is a mistake that nobody would see."""
    row = table.get(name) or unlisted_provider(name, provider.dialect or "openai", key_required=False)
    for key in _RARE:
        if getattr(provider, key) is not None and not _uses(row, key):
            users = " or ".join(one.id for one in table.values() if _uses(one, key))
            findings.add(("providers", name, key), f"this provider has no use for it; it is for {users}")


def _uses(row: Provider, key: str) -> bool:
    match key:
        case "credentials":
            return row.signing == "google"
        case "api_version":
            return bool(row.versioned_paths)
        case _:
            return key in row.facts


def _check_dialect(
    name: str, dialect: Dialect, config: Config, table: Mapping[str, Provider], findings: Findings
) -> None:
    """Report a deployment's dialect that its provider has no endpoint for."""
    provider, _, _ = name.partition("/")
    settings = config.providers.get(provider, ProviderSettings())
    row = table.get(provider) or unlisted_provider(provider, settings.dialect or "openai", key_required=False)
    endpoints = {"chat/completions"} if provider == LOCAL else row.endpoints
    if GENERATES[dialect][0] in endpoints or settings.dialect == dialect:
        return
    spoken = " and ".join(one for one, (endpoint, _) in GENERATES.items() if endpoint in endpoints)
    findings.add(("deployments", name, "dialect"), f'"{provider}" does not speak {dialect}, but {spoken}')


def _check_route_name(name: str, providers: set[str], findings: Findings) -> None:
    path = ("routes", name)
    if "/" in name:
        findings.add(path, 'the name of a route must not hold "/": "provider/model" already names a deployment')
    elif not name or not name.isprintable() or " " in name:
        findings.add(path, "the name of a route must not be empty and must not hold blanks")
    elif name in providers:
        findings.add(path, f'"{name}" is the name of a provider; choose another name for the route')


def _check_route(route: RouteSettings, path: KeyPath, providers: set[str], findings: Findings) -> None:
    for index, name in enumerate(route.deployments):
        _check_deployment(name, (*path, "deployments", index), providers, findings)
    for name, times in Counter(route.deployments).items():
        if times > 1:
            findings.add((*path, "deployments"), f'"{name}" is listed twice')
    for index, word in enumerate(route.fallback_on or ()):
        wrong = fallback_complaint(word)
        if wrong is not None:
            findings.add((*path, "fallback_on", index), wrong)
    if route.hedge_after_s is not None and route.hedge_percentile is not None:
        findings.add((*path, "hedge_percentile"), "hedge_after_s says it too: leave one of both out")
    if route.weights is None:
        return
    if route.strategy != "weighted":
        findings.add((*path, "weights"), f'weights need strategy = "weighted" (it is "{route.strategy}")')
    if len(route.weights) != len(route.deployments):
        count = f"{len(route.weights)} for {len(route.deployments)} deployments"
        findings.add((*path, "weights"), f"expected one weight a deployment, got {count}")


def _check_deployment(name: str, path: KeyPath, providers: set[str], findings: Findings) -> None:
    provider, slash, model = name.partition("/")
    if not (provider and slash and model) or not name.isprintable() or " " in name:
        findings.add(path, 'expected "provider/model", like "openai/gpt-4.1"')
    elif provider not in providers:
        add = f"; add [providers.{provider}] with dialect and base_url"
        findings.add(path, f'no provider "{provider}"{nearest(provider, providers, add)}')
