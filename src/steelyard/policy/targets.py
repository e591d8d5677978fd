"""Deployments → targets: one deployment's facts put together, ready to be called."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct

from steelyard.catalog.addresses import leads_elsewhere
from steelyard.catalog.endpoints import GENERATES, Dialect, dialect_of
from steelyard.catalog.prices import LOCAL, Tariff, context_window, find_tariff, flat_tariff
from steelyard.catalog.providers import MODELS
from steelyard.config.providers import ResolvedProvider
from steelyard.config.settings import DeploymentFacts
from steelyard.policy.nearest import nearest
from steelyard.policy.plan import Origin, Target

__all__ = ["LOCAL_PROVIDER", "Missing", "given_tariff", "local_target", "remote_target", "tariff_of"]

LOCAL_PROVIDER = "local"
"""The provider whose models the engine runs on this machine."""

_LOCAL_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.IGNORECASE)
# llama.cpp's server has /v1/messages and /v1/responses too, but these are not right: see providers.toml, [llamacpp].
_LOCAL_ENDPOINTS = (
    "chat/completions",
    "messages/count_tokens",
    "completions",
    "embeddings",
    "rerank",
    "audio/transcriptions",
)
_LOCAL_PATHS = {name: f"/v1/{name}" for name in _LOCAL_ENDPOINTS}
# The engine loads no projector beside a model (llama.cpp: --mmproj), so no model sees or hears.
_LOCAL_LACKS = frozenset({"images", "documents", "audio", "video"})
_LONGEST_QUOTED = 200


class Missing(Struct, frozen=True):
    """Why a deployment cannot be used. `unknown`: nothing of its name exists, so that asking again will not help."""

    why: str
    unknown: bool = False


def local_target(
    deployment: str, facts: DeploymentFacts, local_models: Callable[[], Iterable[str]], context: int | None = None
) -> Target | Missing:
    """Return a model of this machine's engine ready for use, or why there is none. `context` is what the engine gives a
    call at most."""
    model = deployment.removeprefix(f"{LOCAL_PROVIDER}/")
    if not _LOCAL_MODEL.fullmatch(model) or model not in set(local_models()):
        near = nearest(model, local_models(), 0.5)
        hint = f" Nearest: {', '.join(f'local/{one}' for one in near)}." if near else ""
        shown = model[:_LONGEST_QUOTED]
        return Missing(f'No local model is called "{shown}".{hint} Fetch it: steelyard models pull {shown}', True)
    return Target(
        deployment,
        LOCAL_PROVIDER,
        model,
        Raw(msgspec.json.encode(model)),
        None,
        _LOCAL_PATHS,
        b"",
        given_tariff(facts) or LOCAL,
        "ask",
        model,
        "local",
        most_output=facts.most_output,
        lacks=_LOCAL_LACKS | frozenset(facts.lacks),
        context=facts.context or context,
    )


def remote_target(
    deployment: str, provider: ResolvedProvider, facts: DeploymentFacts, now: datetime
) -> Target | Missing:
    """Return a provider's model ready for use, or why there can be none of its name. `now` dates the price."""
    model = facts.model or deployment.removeprefix(f"{provider.id}/")
    row = provider.row
    if leads_elsewhere(model) and "{model}" in "".join((*row.paths.values(), *row.versioned_paths.values())):
        return Missing(f'No model of provider "{provider.id}" can be called "{model[:_LONGEST_QUOTED]}".', True)
    paths = {name: _path(url) for name, url in provider.urls(model).items() if name != MODELS}
    only = facts.dialect or row.dialect_for(model)
    if only is not None and GENERATES[only][0] not in paths:
        only = None  # its provider was told to serve less
    if only is not None:
        paths = {name: path for name, path in paths.items() if _speaks(name, only)}
    origin = _origin(provider.base_url or "", provider.ca_file)
    return Target(
        deployment,
        provider.id,
        model,
        Raw(msgspec.json.encode(model)),
        origin,
        paths,
        _fields(provider, origin),
        tariff_of(provider, model, facts, now),
        provider.stream_usage,
        None,
        provider.region,
        _secrets(provider),
        dialect=only or provider.dialect,
        most_output=facts.most_output,
        lacks=frozenset(facts.lacks),
        streaming=provider.streaming,
        signing=row.signing if provider.signing is not None else None,
        signing_facts=provider.signing,
        body_extra=row.body_extra,
        drop_model=row.drop_model,
        context=facts.context or _context(provider, model),
    )


def tariff_of(provider: ResolvedProvider, model: str, facts: DeploymentFacts, now: datetime) -> Tariff | None:
    """Return a deployment's price: the configuration's, else that of the provider's list; None where it is unknown."""
    given = given_tariff(facts)
    if given is not None:
        return given
    name = model.removeprefix(provider.row.model_parent)
    return find_tariff(provider.prices, name, now) if provider.prices else None


def given_tariff(facts: DeploymentFacts) -> Tariff | None:
    """Return the price that the configuration gives a deployment, or None."""
    price = facts.price
    if price is None:
        return None
    return flat_tariff(
        price.input_usd_per_mtok,
        price.output_usd_per_mtok,
        price.cached_input_usd_per_mtok,
        price.cache_write_usd_per_mtok,
        source="steelyard.toml",
    )


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _speaks(endpoint: str, dialect: Dialect) -> bool:
    """Say whether a model that speaks one dialect alone can be called at an endpoint of its provider."""
    return dialect_of(endpoint.removesuffix(":stream")) in (None, dialect)


def _origin(base_url: str, ca_file: str | None) -> Origin:
    parts = urlsplit(base_url)
    tls = parts.scheme == "https"
    return Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls, ca_file)


def _secrets(provider: ResolvedProvider) -> tuple[bytes, ...]:
    told = [value.reveal() for name, value in provider.headers.items() if name not in provider.row.headers]
    known = [provider.key.reveal()] if provider.key is not None else []
    return tuple(one.encode("latin-1") for one in (*known, *told) if one)


def _fields(provider: ResolvedProvider, origin: Origin) -> bytes:
    lines = [f"host: {origin.authority}"]
    if provider.key is not None:
        lines.append(f"{provider.auth_header}: {provider.auth_prefix}{provider.key.reveal()}")
    lines += [f"{name}: {value.reveal()}" for name, value in provider.headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _context(provider: ResolvedProvider, model: str) -> int | None:
    return context_window(provider.prices, model.removeprefix(provider.row.model_parent)) if provider.prices else None
