"""A plan: a route compiled for use, with everything that the hot path needs and nothing to look up there."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Raw, Struct

from steelyard.catalog.prices import Tariff
from steelyard.catalog.providers import Signing
from steelyard.catalog.purpose import Purpose
from steelyard.config.settings import Dialect, OutlierSettings, RetryBudgetSettings, Strategy, Streaming, Timeouts
from steelyard.config.signing import SigningFacts
from steelyard.core.exchange import Record

__all__ = ["Origin", "Plan", "Signing", "SigningFacts", "Target", "least_record"]

_RECORD_ORDER: tuple[Record, ...] = ("none", "metadata", "full")


class Origin(Struct, frozen=True):
    """Where connections go: connections are pooled by this value. `ca_file` adds a certificate authority."""

    host: str
    port: int
    tls: bool = False
    ca_file: str | None = None

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110, 7.2): the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Target(Struct, frozen=True):
    """One deployment, ready to be called.

    `wire_model` is the model's name as an encoded JSON string; `paths` maps an endpoint ("chat/completions") to the
    request path, query included (see `path_of`); `fields` are header lines that every request carries, credentials
    included (`secrets` are those alone), so it has no repr of them; `engine` names the local model to start, `origin`
    is None for those.

    A generative call whose endpoint is not among `paths` is translated to `dialect`. `most_output` is how many tokens
    the model gives at most, `context` how many it can hold, None where that is not known; `lacks` are words of what it
    cannot do ("images"). `signing`: calls have no key, they are signed (`signing_facts`). `body_extra` are members that
    bodies of "messages" must have, and with `drop_model` these name no model: the path does.
    """

    deployment: str
    provider: str
    model: str
    wire_model: Raw
    origin: Origin | None
    paths: Mapping[str, str]
    fields: bytes
    tariff: Tariff | None = None
    stream_usage: Literal["ask", "always", "never"] = "ask"
    engine: str | None = None
    region: str | None = None
    secrets: tuple[bytes, ...] = ()
    dialect: Dialect = "openai"
    most_output: int | None = None
    lacks: frozenset[str] = frozenset()
    streaming: Streaming = "both"
    signing: Signing | None = None
    signing_facts: SigningFacts | None = None
    body_extra: Mapping[str, Any] = {}
    drop_model: bool = False
    context: int | None = None

    def path_of(self, endpoint: str, *, stream: bool = False) -> str | None:
        """Return where an endpoint is called; None when the target lacks it. Some have another path for streams."""
        return (self.paths.get(f"{endpoint}:stream") if stream else None) or self.paths.get(endpoint)

    def __repr__(self) -> str:
        return f"Target({self.deployment!r})"


class Plan(Struct, frozen=True, eq=False):
    """The ordered deployments that may answer for a route, and how they are tried. `strict`: a call is refused when
    something that it says cannot be said to the deployment. `purpose` is the name of the purpose that it was compiled
    for, `demanded` what that and the route come to, and `denied` the deployments that are left out for it.
    `fallback_on` are words of `config.fallback`; None: the default."""

    route: str
    targets: tuple[Target, ...]
    strategy: Strategy = "fallback"
    weights: tuple[float, ...] | None = None
    retries: int = 2
    timeouts: Timeouts = Timeouts()
    record: Record = "metadata"
    strict: bool = False
    purpose: str | None = None
    demanded: Purpose | None = None
    denied: tuple[str, ...] = ()
    fallback_on: frozenset[str] | None = None
    retry_budget: RetryBudgetSettings = RetryBudgetSettings()
    hedge_after_s: float | None = None
    hedge_percentile: float | None = None
    outliers: OutlierSettings | None = None


def least_record(*chosen: Record | None) -> Record | None:
    """Return the choice that records least among those that were made; None when none was."""
    made = [_RECORD_ORDER.index(one) for one in chosen if one is not None]
    return _RECORD_ORDER[min(made)] if made else None
