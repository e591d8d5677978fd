"""The table of providers."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, structs

from steelyard.catalog.endpoints import COUNTS, ENDPOINTS, GENERATES, Dialect, Streaming, dialect_of
from steelyard.core.errors import ConfigError

__all__ = [
    "MODELS",
    "Fact",
    "Provider",
    "Signing",
    "StreamUsage",
    "facts_in",
    "provider_table",
    "read_providers",
    "speaking",
    "unlisted_provider",
]

StreamUsage = Literal["ask", "always", "never"]
Signing = Literal["aws", "google"]
Fact = Literal["project", "location", "aws_region"]
"""What an address may hold that each customer has to say: a setting of the same name."""

MODELS: Final = "models"
"""The path of a provider's list of models, among its `paths`; it is no endpoint."""

_TABLE = Path(__file__).parent / "data" / "providers.toml"
_FACT = re.compile(r"\{([a-z_]*)\}")
_CHAT: Final = frozenset(
    {"chat/completions", "completions", "embeddings", "rerank", "audio/transcriptions", "images/generations"}
)
_RESPONSES: Final = frozenset({"responses", "embeddings", "rerank", "audio/transcriptions", "images/generations"})


class Provider(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who serves: where, with which key, and what is peculiar about it.

    A generative call on one of `endpoints` is relayed as it is; on another one, it is translated to `dialect`. A model
    that a pattern in `speaks` matches speaks that dialect alone.

    `base_url` has no slash at its end; `None` when every customer has an address of their own. It may hold facts,
    `{location}`: `facts` says which variables tell them, and `base_urls` has the addresses of locations that do not
    follow the rule. Of the variables in `base_url_env` and `key_env` the first that is set counts. `base_url_suffix` is
    the path that the API has below the value of a variable; `base_url_cut` is an end that people give such a value for
    another API.

    `paths` holds, relative to `base_url`, the paths of endpoints that differ from the endpoint's name, with `{model}`
    where they name it; one that begins with "/" replaces the base URL's path, and `ENDPOINT:stream` is for streams that
    have their own. `versioned_paths` counts in its place when an `api_version` is set. In paths, a model's name
    without a slash lies below `model_parent`.

    The key is sent as `auth_header: auth_prefix + key`. With `signing`, calls without a key are signed for
    `signing_for` (AWS's service, Google's scope); credentials for that are likely where a variable in `signing_env` is
    set or a file in `signing_files` exists. `headers` go with every call, `body_extra` into the bodies of "messages",
    which with `drop_model` name no model.

    `prices` is the provider's id in genai-prices, see `prices.find_tariff`; names there that match `foreign` are not
    this provider's. `stream_usage` says how a stream's usage is had: "ask" with stream_options.include_usage, "always"
    unasked (and the option may be refused), "never" not at all. `region` is where the provider computes, as far as that
    is documented.
    """

    id: str
    name: str
    dialect: Dialect = "openai"
    speaks: dict[Dialect, tuple[str, ...]] = {}
    base_url: str | None = None
    base_urls: dict[str, str] = {}
    base_url_env: tuple[str, ...] = ()
    base_url_suffix: str = ""
    base_url_cut: str = ""
    facts: dict[Fact, tuple[str, ...]] = {}
    key_env: tuple[str, ...] = ()
    auth_header: str = "authorization"
    auth_prefix: str = "Bearer "
    key_required: bool = True
    signing: Signing | None = None
    signing_for: str = ""
    signing_env: tuple[str, ...] = ()
    signing_files: tuple[str, ...] = ()
    self_hosted: bool = False
    docs: str = ""
    prices: str | None = None
    foreign: tuple[str, ...] = ()
    stream_usage: StreamUsage = "ask"
    streaming: Streaming = "both"
    endpoints: frozenset[str] = _CHAT
    paths: dict[str, str] = {}
    versioned_paths: dict[str, str] = {}
    model_parent: str = ""
    headers: dict[str, str] = {}
    body_extra: dict[str, Any] = {}
    drop_model: bool = False
    region: str | None = None

    def dialect_for(self, model: str) -> Dialect | None:
        """Return the only dialect that a model speaks, by its name; None when it speaks all that the provider does."""
        matching = (
            dialect for dialect, models in self.speaks.items() if any(fnmatchcase(model, pattern) for pattern in models)
        )
        return next(matching, None)


@cache
def provider_table() -> dict[str, Provider]:
    """Return the table of known providers by id. Treat it as read-only: it is shared."""
    return read_providers(_TABLE.read_text(encoding="utf-8"), _TABLE.name)


def unlisted_provider(name: str, dialect: Dialect, *, key_required: bool) -> Provider:
    """Return what a provider that the table lacks is taken for: what its dialect alone says."""
    if dialect in ("openai", "openai-responses"):
        endpoints = _CHAT if dialect == "openai" else _RESPONSES
        return Provider(id=name, name=name, dialect=dialect, key_required=key_required, endpoints=endpoints)
    maker = provider_table()[dialect]
    own = frozenset({*GENERATES[dialect], *([COUNTS[dialect]] if dialect in COUNTS else [])})
    return Provider(
        id=name,
        name=name,
        dialect=dialect,
        facts=maker.facts,
        auth_header=maker.auth_header,
        auth_prefix=maker.auth_prefix,
        key_required=key_required,
        signing=maker.signing,
        signing_for=maker.signing_for,
        endpoints=own,
        paths={name: path for name, path in maker.paths.items() if name in (*own, MODELS)},
        model_parent=maker.model_parent,
        headers=maker.headers,
    )


def speaking(provider: Provider, dialect: Dialect) -> Provider:
    """Return the provider as it is called in another dialect than its row's."""
    if GENERATES[dialect][0] in provider.endpoints:
        return structs.replace(provider, dialect=dialect)
    plain = unlisted_provider(provider.id, dialect, key_required=provider.key_required)
    kept = ("name", "base_url", "base_url_env", "key_env", "self_hosted", "docs", "prices", "foreign", "region")
    return structs.replace(plain, **{name: getattr(provider, name) for name in kept})


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


def facts_in(*templates: str) -> frozenset[str]:
    """Return the facts that addresses or paths hold, `{model}` aside."""
    return frozenset(fact for text in templates for fact in _FACT.findall(text)) - {"model"}


def _findings(provider: Provider) -> Iterator[str]:
    """Yield what a provider's row says that cannot be right."""
    yield from _address_findings(provider)
    if provider.key_required and not (provider.key_env or provider.signing):
        yield "key_required without key_env. Name the variable that holds the key."
    if (provider.signing is None) != (not provider.signing_for):
        yield "signing and signing_for go together. Give both or neither."
    if not provider.docs.startswith("https://"):
        yield "docs is missing. Give the https:// address of the documentation that this row was checked against."
    known = ", ".join(sorted(ENDPOINTS))
    for name in sorted(provider.endpoints - ENDPOINTS):
        yield f'unknown endpoint "{name}". Known are: {known}.'
    for name in sorted({*provider.paths, *provider.versioned_paths}):
        if name.removesuffix(":stream") not in provider.endpoints | {MODELS}:
            yield f'paths names "{name}", which is not among its endpoints. Add it there, or take it away here.'
    for dialect in sorted({*provider.speaks, provider.dialect}):
        generates = set(GENERATES[dialect]) & provider.endpoints
        if not generates and (dialect in provider.speaks or any(map(dialect_of, provider.endpoints))):
            yield f'no endpoint of the dialect "{dialect}" is among its endpoints. Add {GENERATES[dialect][0]}.'


def _address_findings(provider: Provider) -> Iterator[str]:
    for url in (provider.base_url, *provider.base_urls.values()):
        if url is not None and not provider.self_hosted and not url.startswith("https://"):
            yield f'base_url "{url}" would send the key in the clear. Give it https://.'
        if url is not None and url.endswith("/"):
            yield f'base_url "{url}" ends with a slash. Take it away.'
    if provider.base_url is None and not provider.base_url_env:
        yield "neither base_url nor base_url_env is given. Give one of them."
    used = facts_in(provider.base_url or "", provider.region or "", *provider.paths.values())
    for fact in sorted(used - provider.facts.keys()):
        yield f'"{{{fact}}}" is not among its facts. Add it there, with the variables that tell it.'
