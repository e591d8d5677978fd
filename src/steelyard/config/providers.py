"""Join the provider table, the configuration and the environment into providers that can be called."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct, structs

from steelyard.catalog.providers import Provider, StreamUsage, base_url_of, endpoint_url, key_of, provider_table
from steelyard.config.secrets import Secret, exposure, read_secret_file, resolve, unfit
from steelyard.config.settings import Config, Dialect, ProviderSettings, ServerSettings
from steelyard.config.urls import base_url_complaint
from steelyard.core.errors import ConfigError

__all__ = ["ResolvedProvider", "resolve_providers"]

# Grows with the dialects room; a configuration may already name the others.
_SERVED_DIALECTS: Final = frozenset({"openai"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Read = Callable[[str], str]
"""Turns a reference into its secret, or raises ConfigError."""


class ResolvedProvider(Struct, frozen=True, kw_only=True):
    """A provider with all that a call needs. The key is sent as `auth_header: auth_prefix + key`.

    `configured` says whether it can be called; if not, `problem` says why and what to do. `warnings` are what is unwise
    but works. `row` is the table's row with the configuration's facts in it.
    """

    id: str
    name: str
    dialect: Dialect
    base_url: str | None
    key: Secret | None
    auth_header: str
    auth_prefix: str
    headers: dict[str, Secret]
    region: str | None
    retention_days: int | None
    prices: str | None
    ca_file: str | None
    stream_usage: StreamUsage
    endpoints: frozenset[str]
    paths: dict[str, str]
    key_required: bool
    self_hosted: bool
    configured: bool
    problem: str | None
    row: Provider
    warnings: tuple[str, ...] = ()

    def url_of(self, endpoint: str) -> str | None:
        """Return where an endpoint (`chat/completions`) is called; `None` when the provider lacks it or an address."""
        return None if self.base_url is None else endpoint_url(self.row, self.base_url, endpoint)


def resolve_providers(
    config: Config, env: Mapping[str, str], read_file: Callable[[Path], bytes] = read_secret_file
) -> dict[str, ResolvedProvider]:
    """Return every provider of the table and of the configuration by id, the engine's `local` aside.

    What the configuration says about a provider beats the variables of the provider's own SDK (OPENAI_BASE_URL,
    OPENAI_API_KEY): it was written for this gateway, they were not. Nothing is raised: see `problem`.
    """
    read = partial(resolve, env=env, read_file=read_file)
    table = provider_table()
    return {
        name: _Resolution(table.get(name), name, config.providers.get(name), config.server).run(env, read)
        for name in (*table, *(name for name in config.providers if name not in table))
    }


class _Resolution:
    """One provider being resolved. The first problem counts: the next often follows from it."""

    def __init__(
        self, row: Provider | None, name: str, settings: ProviderSettings | None, server: ServerSettings
    ) -> None:
        self.settings = settings or ProviderSettings()
        # A provider that the table lacks gets a key exactly when the configuration names one.
        self.row = row or Provider(id=name, name=name, key_required=self.settings.api_key is not None)
        self.server = server
        self.problem: str | None = None
        self.warnings: list[str] = []

    def run(self, env: Mapping[str, str], read: Read) -> ResolvedProvider:
        settings = self.settings
        dialect: Dialect = settings.dialect or self.row.dialect
        if dialect not in _SERVED_DIALECTS:
            self.fail(f'The dialect "{dialect}" of provider "{self.row.id}" is not served yet.')
        row = structs.replace(
            self.row,
            base_url=self.base_url(env),
            auth_header=(settings.auth_header or self.row.auth_header).lower(),
            auth_prefix=self.row.auth_prefix if settings.auth_prefix is None else settings.auth_prefix,
            region=settings.region or self.row.region,
            prices=settings.prices or self.row.prices,
            stream_usage=settings.stream_usage or self.row.stream_usage,
        )
        key = self.key(env, read)
        headers = self.headers(read)
        self.check_ca_file()
        self.check_transport(row.base_url, key)
        return ResolvedProvider(
            id=row.id,
            name=row.name,
            dialect=dialect,
            base_url=row.base_url,
            key=key,
            auth_header=row.auth_header,
            auth_prefix=row.auth_prefix,
            headers=headers,
            region=row.region,
            retention_days=settings.retention_days,
            prices=row.prices,
            ca_file=settings.ca_file,
            stream_usage=row.stream_usage,
            endpoints=row.endpoints,
            paths=row.paths,
            key_required=row.key_required,
            self_hosted=row.self_hosted,
            configured=self.problem is None,
            problem=self.problem,
            row=row,
            warnings=tuple(self.warnings),
        )

    def fail(self, problem: str) -> None:
        self.problem = self.problem or problem

    def base_url(self, env: Mapping[str, str]) -> str | None:
        if self.settings.base_url is not None:
            return self.settings.base_url.rstrip("/")
        try:
            url = base_url_of(self.row, env)
        except ConfigError as error:
            self.fail(str(error))
            return None
        if url is None:
            self.fail(f'No address for provider "{self.row.id}". {self.give(self.row.base_url_env, "base_url")}')
            return None
        wrong = base_url_complaint(url)
        if wrong is not None:
            variables = " or ".join(self.row.base_url_env)
            self.fail(f'The address of provider "{self.row.id}" is wrong ({variables}): {wrong}.')
            return None
        return url

    def key(self, env: Mapping[str, str], read: Read) -> Secret | None:
        if self.settings.api_key is not None:
            return self.secret(self.settings.api_key, "api_key", read)
        found = key_of(self.row, env)
        if found is None:
            if self.row.key_required:
                self.fail(f'No key for provider "{self.row.id}". {self.give(self.row.key_env, "api_key")}')
            return None
        variable, value = found
        wrong = unfit(value)
        if wrong is not None:
            self.fail(f"The variable {variable} {wrong}.")
            return None
        return Secret(value)

    def headers(self, read: Read) -> dict[str, Secret]:
        headers = {name.lower(): Secret(value) for name, value in self.row.headers.items()}
        for name, reference in self.settings.headers.items():
            secret = self.secret(reference, f"headers.{name}", read)
            if secret is not None:
                headers[name.lower()] = secret
        return headers

    def secret(self, reference: str, key: str, read: Read) -> Secret | None:
        try:
            value = read(reference)
        except ConfigError as error:
            self.fail(f"[providers.{self.row.id}] {key}: {error}")
            return None
        exposed = exposure(reference)
        if exposed is not None:
            self.warnings.append(exposed)
        return Secret(value)

    def check_ca_file(self) -> None:
        file = self.settings.ca_file
        if file is not None and not os.access(file, os.R_OK):
            self.fail(f"[providers.{self.row.id}] ca_file: {file} cannot be read.")

    def check_transport(self, base_url: str | None, key: Secret | None) -> None:
        if base_url is None:
            return
        url = urlsplit(base_url)
        ours = _LOOPBACK | {self.server.host}
        # OPENAI_BASE_URL often points SDKs at this gateway; taking it for OpenAI's address would call itself for ever.
        if url.hostname in ours and (url.port or 80) == self.server.port:
            self.fail(
                f'The address of provider "{self.row.id}" ({base_url}) is this gateway\'s own. '
                f"Add [providers.{self.row.id}] base_url in steelyard.toml, or give the gateway another port."
            )
        elif key is not None and url.scheme == "http" and url.hostname not in _LOOPBACK:
            self.warnings.append(f'The key of provider "{self.row.id}" is sent unencrypted, to {base_url}. Use https.')

    def give(self, variables: tuple[str, ...], key: str) -> str:
        add = f"add [providers.{self.row.id}] {key} in steelyard.toml."
        return f"Set {' or '.join(variables)}, or {add}" if variables else f"{add[0].upper()}{add[1:]}"
