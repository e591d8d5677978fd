"""Say what is wrong with one setting that has the right type: out of range, no URL, a secret in plain text."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from steelyard.catalog.purpose import Purpose, purpose_complaint
from steelyard.config.scopes import read_scope
from steelyard.config.secrets import reference_complaint
from steelyard.config.settings import (
    LIMITED,
    BudgetSettings,
    CacheSettings,
    DeploymentFacts,
    LedgerSettings,
    LimitSettings,
    LogSettings,
    ModelSettings,
    OtelSettings,
    OutlierSettings,
    PolicySettings,
    PriceSettings,
    ProviderSettings,
    RetryBudgetSettings,
    RouteSettings,
    ServerSettings,
    SharedSettings,
    Timeouts,
)
from steelyard.config.urls import base_url_complaint, header_name_complaint, ledger_url_complaint, shared_url_complaint

__all__ = ["complaint", "has_rule"]

Rule = Callable[[Any], str | None]


def complaint(struct: type[Struct], name: str, value: object) -> str | None:
    """Return what is wrong with a field's value, as the end of a sentence that begins with its key; `None`: nothing."""
    rule = _RULES.get((struct, name))
    return rule(value) if rule is not None and value is not None else None


def has_rule(struct: type[Struct], name: str) -> bool:
    """Return whether a field is checked further than its type (every number must be: a test asks)."""
    return (struct, name) in _RULES


def _between(low: float, high: float) -> Rule:
    return lambda value: None if low <= value <= high else f"must be from {low} to {high}, got {value}"


def _at_least(low: float) -> Rule:
    return lambda value: None if value >= low else f"must be {low} or more, got {value}"


def _positive(value: float | Decimal) -> str | None:
    return None if value > 0 else f"must be more than 0, got {value}"


def _weights(weights: tuple[float, ...]) -> str | None:
    bad = next((weight for weight in weights if weight <= 0), None)
    return None if bad is None else f"every weight must be more than 0, got {bad:g}"


def _resume(resume: bool) -> str | None:
    if not resume:
        return None
    return (
        "a stream that breaks off in its middle is never continued by another deployment: what that adds is not the "
        "same answer, and nobody could tell. It ends with an error event; leave this key out"
    )


def _deployments(deployments: tuple[str, ...]) -> str | None:
    return None if deployments else 'list at least one deployment, like ["openai/gpt-4.1"]'


def _host(host: str) -> str | None:
    plain = host and not any(letter.isspace() or not letter.isprintable() or letter in "/@[]?#" for letter in host)
    return None if plain else 'expected an address or a host name without a port, like "127.0.0.1"'


def _printable(text: str) -> str | None:
    return None if text.isprintable() else "holds a control character"


def _named(text: str) -> str | None:
    return "must not be empty" if not text else _printable(text)


def _matching(pattern: str, what: str) -> Rule:
    expected = re.compile(pattern)
    return lambda text: None if expected.fullmatch(text) else f"expected {what}"


def _purpose(name: str) -> Rule:
    return lambda value: purpose_complaint(name, value)


def _now(_: date) -> str:
    return "calls are decided as on the day that they come; `as_of` is for `steelyard policy decide`"


def _file(reference: str) -> str | None:
    if not reference.startswith("file:"):
        return 'expected "file:PATH", the file with the credentials of a Google service account'
    return reference_complaint(reference)


def _distinct(words: tuple[str, ...]) -> str | None:
    twice = next((word for word in words if words.count(word) > 1), None)
    return None if twice is None else f'"{twice}" is listed twice'


def _headers(headers: Mapping[str, str]) -> str | None:
    lowered = [name.lower() for name in headers]
    for name, value in headers.items():
        wrong = header_name_complaint(name) or reference_complaint(value)
        if wrong is None and lowered.count(name.lower()) > 1:
            wrong = "is given twice (case does not matter in the names of headers)"
        if wrong is not None:
            return f"{name!r}: {wrong}"
    return None


def _scope(text: str) -> str | None:
    read = read_scope(text)
    return read if isinstance(read, str) else None


def _parts(parts: tuple[float, ...]) -> str | None:
    bad = next((part for part in parts if not 0 < part <= 1), None)
    if bad is not None:
        return f"every part must be more than 0 and 1 at most, got {bad:g}"
    return None if len(set(parts)) == len(parts) else "a part is listed twice"


def _budget(usd: Decimal) -> str | None:
    if not 0 <= usd <= 10**9:
        return f"must be from 0 to {10**9}, got {usd}"
    fine = usd.scaleb(18)
    return None if fine == fine.to_integral_value() else "has more than 18 decimals, and a budget is counted in these"


_COUNT: Final = _at_least(0)
_LIMIT: Final = _between(1, 2**53)
# SQLite and PostgreSQL keep 64-bit integers; a size that they could not hold is a slip of the keyboard.
_SIZE: Final = _between(0, 2**62)

_RULES: Final[dict[tuple[type[Struct], str], Rule]] = {
    (Timeouts, "connect"): _positive,
    (Timeouts, "first_byte"): _positive,
    (Timeouts, "idle"): _positive,
    (Timeouts, "total"): _positive,
    (ServerSettings, "host"): _host,
    (ServerSettings, "port"): _between(0, 65535),  # 0: the system picks a free one
    (ServerSettings, "workers"): _between(1, 1024),
    (ServerSettings, "max_body_bytes"): _between(1024, 2**62),
    (ServerSettings, "max_header_bytes"): _between(1024, 2**30),
    (ServerSettings, "header_timeout_s"): _positive,
    (ServerSettings, "body_timeout_s"): _positive,
    (ServerSettings, "keepalive_s"): _at_least(0),
    (ServerSettings, "write_timeout_s"): _positive,
    (ServerSettings, "max_connections"): _at_least(1),
    (ServerSettings, "calls_per_key"): _COUNT,
    (ServerSettings, "drain_s"): _at_least(0),
    (ServerSettings, "max_calls"): _COUNT,
    (ServerSettings, "queue_s"): _between(0, 3600),
    (ServerSettings, "queue_calls"): _between(1, 1_000_000),
    (ServerSettings, "shed_lag_s"): _between(0, 3600),
    (ServerSettings, "shed_after_s"): _between(0.1, 3600),
    (ProviderSettings, "base_url"): base_url_complaint,
    (ProviderSettings, "api_key"): reference_complaint,
    (ProviderSettings, "auth_header"): header_name_complaint,
    (ProviderSettings, "auth_prefix"): _printable,
    (ProviderSettings, "headers"): _headers,
    (ProviderSettings, "region"): _named,
    (ProviderSettings, "prices"): _named,
    (ProviderSettings, "ca_file"): _named,
    (ProviderSettings, "retention_days"): _COUNT,
    (ProviderSettings, "endpoints"): _distinct,
    # "example.com:name" is a project of a domain (cloud.google.com/resource-manager/docs/creating-managing-projects).
    (ProviderSettings, "project"): _matching(r"[a-z0-9][a-z0-9.:-]*", 'the id of a project, like "my-project-123"'),
    # These two become parts of a host's name.
    (ProviderSettings, "location"): _matching(r"[a-z0-9][a-z0-9-]*", 'a location, like "europe-west1" or "global"'),
    (ProviderSettings, "aws_region"): _matching(r"[a-z0-9][a-z0-9-]*", 'a region of AWS, like "eu-central-1"'),
    (ProviderSettings, "api_version"): _matching(r"[A-Za-z0-9][A-Za-z0-9.-]*", 'a version, like "2024-10-21"'),
    (ProviderSettings, "credentials"): _file,
    (RouteSettings, "deployments"): _deployments,
    (RouteSettings, "weights"): _weights,
    (RouteSettings, "retries"): _between(0, 100),
    (RouteSettings, "fallback_on"): _distinct,
    (RouteSettings, "hedge_after_s"): _positive,
    (RouteSettings, "hedge_percentile"): _between(50, 99.9),
    (RouteSettings, "resume"): _resume,
    (RetryBudgetSettings, "ratio"): _between(0, 10),
    (RetryBudgetSettings, "per_s"): _between(0, 10_000),
    (OutlierSettings, "window_s"): _between(1, 3600),
    (OutlierSettings, "min_calls"): _between(5, 200),
    (OutlierSettings, "max_ejected"): _between(0, 1),
    (OutlierSettings, "rest_s"): _positive,
    (OutlierSettings, "latency_factor"): _between(1.5, 1000),
    (ProviderSettings, "terms"): _named,
    (PolicySettings, "purpose"): _named,
    **{(Purpose, name): _purpose(name) for name in Purpose.__struct_fields__},
    (Purpose, "as_of"): _now,
    (PriceSettings, "input_usd_per_mtok"): _at_least(0),
    (PriceSettings, "output_usd_per_mtok"): _at_least(0),
    (PriceSettings, "cached_input_usd_per_mtok"): _at_least(0),
    (PriceSettings, "cache_write_usd_per_mtok"): _at_least(0),
    (DeploymentFacts, "model"): _named,
    (DeploymentFacts, "card"): _named,
    (DeploymentFacts, "context"): _at_least(1),
    (DeploymentFacts, "lacks"): _distinct,
    (DeploymentFacts, "most_output"): _at_least(1),
    (ModelSettings, "context"): _at_least(1),
    (ModelSettings, "slots"): _between(1, 1024),
    (ModelSettings, "threads"): _between(1, 4096),
    (ModelSettings, "gpu_layers"): _at_least(-1),  # llama.cpp: -1 or a number above the model's layers means all
    (LimitSettings, "scope"): _scope,
    **{(LimitSettings, name): _LIMIT for name in LIMITED},
    (LimitSettings, "queue_s"): _between(0, 3600),
    (LimitSettings, "queue_calls"): _between(1, 1_000_000),
    (BudgetSettings, "scope"): _scope,
    (BudgetSettings, "usd"): _budget,
    (BudgetSettings, "warn_at"): _parts,
    (CacheSettings, "routes"): _distinct,
    (CacheSettings, "ttl_s"): _positive,
    (CacheSettings, "max_bytes"): _between(64 * 1024, 2**62),
    (CacheSettings, "max_disk_bytes"): _between(64 * 1024, 2**62),
    (CacheSettings, "max_entry_bytes"): _between(1024, 64 * 1024 * 1024),
    (LogSettings, "access"): _named,
    (OtelSettings, "endpoint"): base_url_complaint,
    (LedgerSettings, "url"): ledger_url_complaint,
    (SharedSettings, "url"): shared_url_complaint,
    (SharedSettings, "prefix"): _matching(r"[A-Za-z0-9_.:{}-]{1,64}", 'a short name, like "steelyard"'),
    (SharedSettings, "ca_file"): _named,
    (SharedSettings, "lease_s"): _between(0.5, 60),
    (LedgerSettings, "retention_days"): _at_least(0),
    (LedgerSettings, "retention_bytes"): _SIZE,
    (LedgerSettings, "journal_segment_bytes"): _between(4096, 2**40),
    (LedgerSettings, "journal_retention_hours"): _at_least(0),
}
