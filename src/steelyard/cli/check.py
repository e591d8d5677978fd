"""`steelyard check`: say what is wrong before a caller finds out, one line a finding."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import click
from msgspec import structs
from rich.text import Text

from steelyard.catalog.environment import served_without_configuration
from steelyard.cli.check_limits import limit_findings, live_keys
from steelyard.cli.check_shared import shared_findings
from steelyard.cli.check_telemetry import telemetry_findings
from steelyard.cli.engine import LOCAL_MISSING, has_local_extra
from steelyard.cli.jsons import print_json
from steelyard.cli.ledger_of import ledger_of
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.plans_of import callable_plans_of, left_out, plans_of
from steelyard.cli.port import port_complaint
from steelyard.cli.probe import Finding, Level, probe
from steelyard.cli.shown import bytes_text, console
from steelyard.cli.visible import visible
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, NotFound, SteelyardError, Unavailable
from steelyard.gateway.access import is_loopback
from steelyard.keys.file import KeyFile

__all__ = ["check"]

_MARKS: Final[dict[Level, tuple[str, str]]] = {
    "ok": ("ok   ", "green"),
    "note": ("note ", "yellow"),
    "wrong": ("WRONG", "red"),
}
_LITTLE_BYTES: Final = 500_000_000


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Do not call any provider, nor the server of [shared].")
@json_option
def check(config_path: Path | None, offline: bool, as_json: bool) -> int:
    """Check configuration, keys, prices and providers; one line a finding.

    Each provider that is configured, by steelyard.toml or by the environment, is asked for its models with its key.
    Exit code 1: something is wrong. No secret is ever shown.
    """
    wrong = False
    findings = []
    for finding in _findings(config_path, offline=offline):
        wrong = wrong or finding.level == "wrong"
        findings.append(finding)
        if not as_json:
            mark, style = _MARKS[finding.level]
            console().print(
                Text(mark, style=style), Text(visible(f"{finding.subject}: {finding.text}")), soft_wrap=True
            )
    if as_json:
        print_json({"ok": not wrong, "findings": findings})
    return 1 if wrong else 0


def _findings(config_path: Path | None, *, offline: bool) -> Iterator[Finding]:
    try:
        config = read_config(config_path)
    except ConfigError as error:
        yield from (Finding("wrong", "configuration", one) for one in error.findings)
        return
    yield Finding("ok", "configuration", str(config.source) if config.source else "no file: the defaults")
    yield from _storage(config)
    yield from _callers(config)
    yield _port(config)
    yield from _routes(config)
    yield from _policy(config)
    yield from limit_findings(config)
    yield from shared_findings(config, offline=offline)
    yield from telemetry_findings(config)
    yield from _providers(config, offline=offline)


def _storage(config: Config) -> Iterator[Finding]:
    data_dir = config.server.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"steelyard check")
        free = shutil.disk_usage(data_dir).free
    except OSError as error:
        words = error.strerror or str(error)
        yield Finding("wrong", "data_dir", f"{data_dir} cannot be written: {words}. Choose another [server] data_dir.")
        return
    level: Level = "note" if free < _LITTLE_BYTES else "ok"
    yield Finding(level, "data_dir", f"{data_dir} can be written; {bytes_text(free)} are free")
    try:
        ledger = ledger_of(config)
        with closing(ledger):
            if not ledger.is_sqlite:
                ledger.upgrade()
        yield Finding("ok", "ledger", ledger.name)
    except SteelyardError as error:
        yield Finding("wrong", "ledger", str(error))


def _callers(config: Config) -> Iterator[Finding]:
    try:
        keys = KeyFile(config.server.data_dir / "keys.json").list()
    except SteelyardError as error:
        yield Finding("wrong", "keys", str(error))
        return
    live = sum(key.live(time.time()) for key in keys)
    if keys:
        level: Level = "ok" if live else "note"
        yield Finding(level, "keys", f"callers need one; {live} of {len(keys)} are live")
    elif is_loopback(config.server.host):
        yield Finding("ok", "keys", "none, so every process of this machine may call")
    else:
        yield Finding(
            "wrong",
            "keys",
            f"none, and others can reach [server] host {config.server.host}. Make one: steelyard keys create NAME",
        )


def _port(config: Config) -> Finding:
    host, port = config.server.host, config.server.port
    complaint = port_complaint(host, port)
    subject = f"port {port}"
    if complaint is None:
        return Finding("ok", subject, f"free on {host}")
    if _is_steelyard(host, port):
        return Finding("ok", subject, f"a gateway already serves on {host}")
    text = f"cannot be listened on ({host}): {complaint}. Stop whoever uses it, or choose another: [server] port."
    return Finding("wrong", subject, text)


def _is_steelyard(host: str, port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1" if host in ("0.0.0.0", "") else host, port, timeout=2)) as connection:
        try:
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
            return answer.getheader("x-request-id", "").startswith("req_")
        except (OSError, HTTPException):
            return False


def _routes(config: Config) -> Iterator[Finding]:
    plans = callable_plans_of(config)
    for name in config.routes:
        missing = left_out(config, name)
        for deployment, reason in missing.items():
            yield Finding("wrong", f"route {name}", f"{deployment} is left out: {reason}")
        plan = plans.routes.get(name)
        if plan is not None:
            yield Finding(
                "ok", f"route {name}", f"{plan.strategy} over {', '.join(one.deployment for one in plan.targets)}"
            )
        local = [one.deployment for one in plan.targets if one.engine] if plan else []
        if local and not has_local_extra():
            yield Finding("wrong", f"route {name}", f"{', '.join(local)} cannot run. {LOCAL_MISSING}")
    named = [one for route in config.routes.values() for one in route.deployments]
    for deployment in dict.fromkeys([*named, *config.deployments]):
        try:
            targets = plans.find(deployment).targets
        except (NotFound, Unavailable):
            continue  # told above, or not in use
        if targets[0].tariff is None:
            text = f'no price is known, so its cost is unknown. Add [deployments."{deployment}"] price.'
            yield Finding("note", f"deployment {deployment}", text)


def _policy(config: Config) -> Iterator[Finding]:
    """Say whether the cards can be read, and for which purposes nobody may answer."""
    try:
        plans = plans_of(config)
    except ConfigError as error:
        yield from (Finding("wrong", "policy", one) for one in error.findings)
        return
    for name in plans.routes:
        for purpose in (None, *config.purposes):
            if not plans.outline(name, purpose).targets:
                whose = "without a purpose" if purpose is None else f'for the purpose "{purpose}"'
                explain = f"steelyard routes explain {name}{f' --purpose {purpose}' if purpose else ''}"
                yield Finding("note", f"route {name}", f"nobody may answer {whose}: {explain}")
    for key in live_keys(config):
        if key.purpose is not None and key.purpose not in config.purposes:
            text = f'it is refused: its purpose is "{key.purpose}", and there is no [purposes.{key.purpose}]'
            yield Finding("wrong", f"key {key.name}", text)


def _providers(config: Config, *, offline: bool) -> Iterator[Finding]:
    resolved = resolve_providers(config, os.environ)
    in_routes = {one.partition("/")[0] for route in config.routes.values() for one in route.deployments}
    by_environment = _served_by_environment()
    wanted = [one for name, one in resolved.items() if name in {*config.providers, *in_routes, *by_environment}]
    for provider in wanted:
        yield from (Finding("note", f"provider {provider.id}", warning) for warning in provider.warnings)
        if provider.problem is not None:
            yield Finding("wrong", f"provider {provider.id}", provider.problem)
    callable_ones = [one for one in wanted if one.problem is None]
    if not wanted:
        yield Finding(
            "note",
            "providers",
            "none is configured. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, …, or add [providers.NAME]",
        )
    if offline:
        return
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(_probe, callable_ones)


def _probe(provider: ResolvedProvider) -> Finding:
    finding = probe(provider)
    key = provider.key
    # No library's error text is trusted with a secret.
    return finding if key is None else structs.replace(finding, text=finding.text.replace(key.reveal(), "…"))


def _served_by_environment() -> set[str]:
    try:
        return {provider.id for provider in served_without_configuration(os.environ)}
    except ConfigError:
        return set()  # an address that is none; the provider's own problem tells
