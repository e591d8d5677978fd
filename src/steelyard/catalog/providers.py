"""The table of providers, and what the environment says about them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError

__all__ = [
    "ENDPOINTS",
    "Provider",
    "StreamUsage",
    "base_url_of",
    "endpoint_url",
    "key_of",
    "provider_table",
    "read_providers",
    "served_without_configuration",
]

ENDPOINTS = frozenset(
    {"chat/completions", "completions", "embeddings", "rerank", "audio/transcriptions", "images/generations"}
)
"""The endpoints that the gateway relays, as paths relative to `/v1`."""

StreamUsage = Literal["ask", "always", "never"]

_TABLE = Path(__file__).parent / "data" / "providers.toml"


class Provider(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who serves: where, with which key, and what is peculiar about it.

    `base_url` has no slash at its end; `None` when every customer has an address of their own. Of the variables in
    `base_url_env` and `key_env` the first that is set counts. `base_url_suffix` is the path that the API has below the
    value of a variable. The key is sent as `auth_header: auth_prefix + key`. `paths` holds, relative to `base_url`, the
    paths of endpoints that differ from the endpoint's name; one that begins with "/" replaces the base URL's path.
    `headers` go with every call. `prices` is the provider's id in genai-prices, see `prices.find_tariff`.
    `stream_usage` says how a stream's usage is had: "ask" with stream_options.include_usage, "always" unasked (and the
    option may be refused), "never" not at all. `region` is where the provider computes, as far as that is documented.
    """

    id: str
    name: str
    dialect: Literal["openai"] = "openai"
    base_url: str | None = None
    base_url_env: tuple[str, ...] = ()
    base_url_suffix: str = ""
    key_env: tuple[str, ...] = ()
    auth_header: str = "authorization"
    auth_prefix: str = "Bearer "
    key_required: bool = True
    self_hosted: bool = False
    docs: str = ""
    prices: str | None = None
    stream_usage: StreamUsage = "ask"
    endpoints: frozenset[str] = ENDPOINTS
    paths: dict[str, str] = {}
    headers: dict[str, str] = {}
    region: str | None = None


@cache
def provider_table() -> dict[str, Provider]:
    """Return the table of known providers by id. Treat it as read-only: it is shared."""
    return read_providers(_TABLE.read_text(encoding="utf-8"), _TABLE.name)


def read_providers(text: str, source: str) -> dict[str, Provider]:
    """Read providers from TOML, one table a provider. Raises ConfigError with one line a mistake."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}. Correct the TOML there.") from error
    providers: dict[str, Provider] = {}
    findings: list[str] = []
    for name, table in tables.items():
        try:
            providers[name] = _read_provider(name, table)
        except msgspec.ValidationError as error:
            findings.append(f"{source}: [{name}]: {error}. Correct this field.")
        else:
            findings += [f"{source}: [{name}]: {finding}" for finding in _findings(providers[name])]
    if findings:
        raise ConfigError(*findings)
    return providers


def _read_provider(name: str, table: Any) -> Provider:
    if not isinstance(table, dict):
        raise msgspec.ValidationError("expected a table")
    return msgspec.convert({"id": name, **table}, Provider)


def _findings(provider: Provider) -> list[str]:
    """Return what a provider's row says that cannot be right."""
    found = []
    if provider.base_url is not None:
        if not provider.self_hosted and not provider.base_url.startswith("https://"):
            found.append(f'base_url "{provider.base_url}" would send the key in the clear. Give it https://.')
        if provider.base_url.endswith("/"):
            found.append(f'base_url "{provider.base_url}" ends with a slash. Take it away.')
    elif not provider.base_url_env:
        found.append("neither base_url nor base_url_env is given. Give one of them.")
    if provider.key_required and not provider.key_env:
        found.append("key_required without key_env. Name the variable that holds the key.")
    if not provider.docs.startswith("https://"):
        found.append(
            "docs is missing. Give the https:// address of the documentation that this row was checked against."
        )
    known = ", ".join(sorted(ENDPOINTS))
    found += [f'unknown endpoint "{name}". Known are: {known}.' for name in sorted(provider.endpoints - ENDPOINTS)]
    found += [
        f'paths names "{name}", which is not among its endpoints. Add it there, or take it away here.'
        for name in sorted(provider.paths.keys() - provider.endpoints)
    ]
    return found


def base_url_of(provider: Provider, env: Mapping[str, str]) -> str | None:
    """Return where the provider is called: the first of its variables that is set, made whole, or its own address.

    Raises ConfigError, naming the variable, when that holds no address.
    """
    for variable in provider.base_url_env:
        value = env.get(variable, "").strip().strip("\"'")
        if value:
            return _whole_url(value, variable, provider)
    return provider.base_url


def _whole_url(value: str, variable: str, provider: Provider) -> str:
    """Turn what people put into such variables (`0.0.0.0:11434`, `http://gpu/`, `https://x.openai.azure.com`) into a
    base URL."""
    url = urlsplit(value if "://" in value else _with_scheme(value, provider))
    if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
        raise ConfigError(
            # Its value is not shown: it may hold a password.
            f"{variable} is not an address of {provider.name}. Set it to http://HOST:PORT or https://HOST, with a path "
            "if need be, and nothing after it."
        )
    # A server listens on every address at 0.0.0.0, and is not called there.
    authority = url.netloc
    for everywhere, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):
        if authority == everywhere or authority.startswith(f"{everywhere}:"):
            authority = here + authority.removeprefix(everywhere)
    return f"{url.scheme}://{authority}{_joined(url.path.rstrip('/'), provider.base_url_suffix)}"


def _with_scheme(value: str, provider: Provider) -> str:
    """Complete an address without a scheme as Ollama does (envconfig/config.go): http, and the server's own port when
    none is given. Others than self-hosted providers are spoken to over TLS."""
    authority, slash, path = value.partition("/")
    if not provider.self_hosted:
        return f"https://{value}"
    if authority.count(":") > 1 and not authority.startswith("["):
        authority = f"[{authority}]"
    if authority.startswith(":"):
        authority = f"127.0.0.1{authority}"
    usual = urlsplit(provider.base_url).port if provider.base_url else None
    if usual and not authority.rpartition("]")[2].count(":"):
        authority = f"{authority}:{usual}"
    return f"http://{authority}{slash}{path}"


def _joined(path: str, suffix: str) -> str:
    """Append as much of the suffix as the path does not end with: `/openai` and `/openai/v1` give `/openai/v1`."""
    wanted = suffix.strip("/").split("/") if suffix else []
    have = path.strip("/").split("/") if path else []
    overlap = len(wanted)
    while overlap and have[-overlap:] != wanted[:overlap]:
        overlap -= 1
    return "".join(f"/{part}" for part in have + wanted[overlap:])


def endpoint_url(provider: Provider, base_url: str, endpoint: str) -> str | None:
    """Return where one endpoint of the provider is called, or None when it lacks it."""
    if endpoint not in provider.endpoints:
        return None
    path = provider.paths.get(endpoint, endpoint)
    if not path.startswith("/"):
        return f"{base_url}/{path}"
    origin = urlsplit(base_url)
    return f"{origin.scheme}://{origin.netloc}{path}"


def key_of(provider: Provider, env: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the variable that holds the provider's key, and the key; the first variable that is set wins."""
    for variable in provider.key_env:
        value = env.get(variable, "").strip()
        if value:
            return variable, value
    return None


def served_without_configuration(env: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return the providers that the environment alone makes usable: those with a key and an address. Self-hosted ones
    count only when a variable speaks of them, since a default port does not mean that somebody listens."""
    return tuple(
        provider
        for provider in provider_table().values()
        if _is_mentioned(provider, env) and base_url_of(provider, env) is not None
    )


def _is_mentioned(provider: Provider, env: Mapping[str, str]) -> bool:
    if key_of(provider, env) is not None:
        return True
    return provider.self_hosted and any(env.get(variable, "").strip() for variable in provider.base_url_env)
