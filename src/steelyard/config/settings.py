"""What can be configured, as frozen values with their defaults. The loader fills them; nothing here does I/O."""

from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, field
from msgspec.structs import fields

from steelyard.catalog.endpoints import Dialect, Streaming
from steelyard.catalog.purpose import Purpose
from steelyard.config.fallback import DEFAULT
from steelyard.core.exchange import Record

__all__ = [
    "LIMITED",
    "BudgetSettings",
    "CacheSettings",
    "Capability",
    "Config",
    "DeploymentFacts",
    "Dialect",
    "LedgerSettings",
    "LimitSettings",
    "LogSettings",
    "ModelSettings",
    "OtelSettings",
    "OutlierSettings",
    "PolicySettings",
    "PriceSettings",
    "ProviderSettings",
    "RetryBudgetSettings",
    "RouteSettings",
    "ServerSettings",
    "SharedSettings",
    "Strategy",
    "Streaming",
    "Timeouts",
]

Strategy = Literal["fallback", "weighted", "fastest", "cheapest"]
Capability = Literal["images", "documents", "audio", "video", "tools", "json_schema", "thinking"]


class Timeouts(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds. `connect`: until TCP and TLS stand; `first_byte`: from the request's last byte to the answer's first;
    `idle`: between two bytes of the answer; `total`: the whole call with all its attempts."""

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 60.0
    total: float = 600.0


class ServerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[server]`. Sizes are bytes, times seconds. `calls_per_key` bounds what one key may have open at once,
    `max_calls` what all may (0: no bound); up to `queue_calls` wait for room for up to `queue_s`. New calls are turned
    away when the event loop has never been less than `shed_lag_s` late for `shed_after_s` (`shed_lag_s` 0: never)."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    record: Record = "metadata"
    data_dir: Path = Path("~/.local/share/steelyard")
    max_body_bytes: int = 64 * 1024 * 1024
    max_header_bytes: int = 32 * 1024
    header_timeout_s: float = 10.0
    body_timeout_s: float = 60.0
    keepalive_s: float = 75.0
    write_timeout_s: float = 60.0
    max_connections: int = 20_000
    calls_per_key: int = 0
    drain_s: float = 30.0
    max_calls: int = 0
    queue_s: float = 0.0
    queue_calls: int = 1000
    shed_lag_s: float = 1.0
    shed_after_s: float = 3.0


class ProviderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[providers.NAME]`: overrides a row of the provider table, or adds one. `api_key` and the values of `headers`
    are references (`env:NAME`, `file:PATH`), never secrets themselves; `credentials` is `file:PATH`, of Google's file
    for a service account. `None` means: as the table says.

    `region`, `retention_days`, `trains_on_inputs`, `self_hosted` and `terms` (the id of a text in the catalogue) are
    what decisions go by, in place of the catalogue's claims."""

    dialect: Dialect | None = None
    base_url: str | None = None
    api_key: str | None = None
    auth_header: str | None = None
    auth_prefix: str | None = None
    headers: dict[str, str] = {}
    region: str | None = None
    retention_days: int | None = None
    trains_on_inputs: bool | None = None
    self_hosted: bool | None = None
    terms: str | None = None
    prices: str | None = None
    ca_file: str | None = None
    stream_usage: Literal["ask", "always", "never"] | None = None
    streaming: Streaming | None = None
    endpoints: tuple[str, ...] | None = None
    project: str | None = None
    location: str | None = None
    aws_region: str | None = None
    credentials: str | None = None
    api_version: str | None = None


class RetryBudgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`retry_budget` of a route: how many further attempts all its calls together may make. `ratio`: for each call;
    `per_s`: beyond that, each second, of which ten seconds' worth may come at once."""

    ratio: float = 0.2
    per_s: float = 10.0


class OutlierSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`outliers` of a route: a deployment rests that does far worse than the route's others. `window_s` is what is
    looked back on, `min_calls` how many calls each side must have had in it, `max_ejected` the part of the route's
    deployments that may rest so; `rest_s` is the first rest, longer each time; `latency_factor` how many times as long
    as the others it may take to begin its answers."""

    window_s: float = 60.0
    min_calls: int = 20
    max_ejected: float = 0.5
    rest_s: float = 30.0
    latency_factor: float = 4.0


class RouteSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[routes.NAME]`. `weights` goes with strategy `weighted`: one positive number a deployment, equal when absent.
    `retries` is the number of further attempts after the first, over all deployments together. `strict`: a call that
    cannot be said whole to a deployment is refused. `require`: whoever calls, the route is used for this, and demands
    this of who answers. `fallback_on`: after which failures another deployment is asked (`config.fallback`).
    `hedge_after_s`, `hedge_percentile`: when a second deployment is asked at once, one of both; None: never.
    `resume` is refused: see `config.rules`."""

    deployments: tuple[str, ...]
    strategy: Strategy = "fallback"
    weights: tuple[float, ...] | None = None
    retries: int = 2
    timeout_s: Timeouts = Timeouts()
    record: Record | None = None
    strict: bool = False
    require: Purpose | None = None
    fallback_on: tuple[str, ...] = DEFAULT
    retry_budget: RetryBudgetSettings = RetryBudgetSettings()
    hedge_after_s: float | None = None
    hedge_percentile: float | None = None
    outliers: OutlierSettings | None = None
    resume: bool = False


class PriceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens; a rate that is absent is charged at the rate of its whole (cached: input)."""

    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None


class DeploymentFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """`[deployments."PROVIDER/MODEL"]`: facts that the catalogue lacks or has wrong. `model` is the name sent to the
    provider when it differs from the deployment's (an Azure deployment's name, say). `dialect` is the only one that
    this model speaks; `lacks` is what it cannot do; `most_output` is tokens. `card` names the model whose card it has,
    where its own name does not."""

    price: PriceSettings | None = None
    model: str | None = None
    context: int | None = None
    record: Record | None = None
    lacks: tuple[Capability, ...] = ()
    most_output: int | None = None
    dialect: Dialect | None = None
    card: str | None = None


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[models.NAME]`: how the engine serves a local model.

    `None` leaves the choice to the engine: for `context` (tokens a call), what the model was trained for but 8,192 at
    most; for `threads`, llama.cpp's own. `start`: with the engine, or on the first call that wants the model.
    """

    context: int | None = None
    slots: int = 2
    threads: int | None = None
    gpu_layers: int = 0
    start: Literal["demand", "boot"] = "demand"
    embeddings: bool = False
    rerank: bool = False


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[ledger]`. `url` is SQLAlchemy's (`postgresql+psycopg://…`, may be a reference); absent: SQLite in the data
    directory. Retention drops the oldest exchanges; 0 keeps all."""

    url: str | None = None
    retention_days: float = 0
    retention_bytes: int = 0
    journal_segment_bytes: int = 16 * 1024 * 1024
    journal_retention_hours: float = 24.0


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[log]`. `access` is the file to which the clerk writes a line of JSON for each exchange; `-`: its standard
    output; absent: none."""

    access: str | None = None


class OtelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[otel]`: traces and metrics for a collector that speaks OTLP over HTTP. `endpoint` is its address, without
    `/v1/traces`; absent: as OpenTelemetry's variables say. `names`: which version of the names for generative AI."""

    endpoint: str | None = None
    names: Literal["latest", "1.36"] = "latest"


class PolicySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[policy]`. `cards` is a directory with cards of your own, which come before those in the catalogue; `purpose` is
    the purpose (`[purposes.NAME]`) of callers whose key has none."""

    cards: Path | None = None
    purpose: str | None = None


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[limits]]`: what one scope (`config.scopes`) may ask for. Windows slide; tokens are input and output together.
    `overshoot`: "last-call" admits a call as long as any token is left, however many it may take. Where `concurrent`
    has no room, up to `queue_calls` wait for it, each for up to `queue_s` seconds (0: none waits). `fail`: what becomes
    of it while gateways cannot reach what they share."""

    scope: str
    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_hour: int | None = None
    tokens_per_day: int | None = None
    concurrent: int | None = None
    input_bytes: int | None = None
    overshoot: Literal["never", "last-call"] = "never"
    queue_s: float = 0.0
    queue_calls: int = 1000
    fail: Literal["closed", "local"] = "closed"


LIMITED: Final = tuple(one.name for one in fields(LimitSettings) if one.default is None)
"""What of `[[limits]]` limits something."""


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[budgets]]`: what the calls of one scope may cost, by days, ISO weeks and months of UTC, or in all. `warn_at`
    are parts of it (0.8) that are told on the log once a period."""

    scope: str
    usd: Decimal
    per: Literal["day", "week", "month", "total"]
    overshoot: Literal["never", "last-call"] = "never"
    unknown_price: Literal["refuse", "allow"] = "refuse"
    warn_at: tuple[float, ...] = ()
    fail: Literal["closed", "local"] = "closed"


class SharedSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[shared]`: where several gateways count limits and budgets together. `url` is that of a Valkey or Redis server
    (may be a reference); absent: each process counts for itself. What a gateway has been lent and does not renew within
    `lease_s` seconds goes back."""

    url: str | None = None
    prefix: str = "steelyard"
    ca_file: str | None = None
    lease_s: float = 5.0


class CacheSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[cache]`: answers of these routes are given again to equal requests. `share`: with whom one is shared, from
    one end user of one key to every caller who may have it. `store`: "sqlite" keeps them over a restart, too, and
    "shared" for all gateways of `[shared]`. Sizes are bytes: of all in memory, of all on disk or there, and of one
    request or answer."""

    routes: tuple[str, ...] = ()
    ttl_s: float = 3600.0
    store: Literal["memory", "sqlite", "shared"] = "memory"
    share: Literal["user", "key", "team", "all"] = "user"
    max_bytes: int = 64 * 1024 * 1024
    max_disk_bytes: int = 1024 * 1024 * 1024
    max_entry_bytes: int = 1024 * 1024


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration. `source` is the file it was read from, `None` when there was none."""

    server: ServerSettings = ServerSettings()
    providers: dict[str, ProviderSettings] = {}
    routes: dict[str, RouteSettings] = {}
    deployments: dict[str, DeploymentFacts] = {}
    models: dict[str, ModelSettings] = {}
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    log: LogSettings = field(default_factory=LogSettings)
    otel: OtelSettings = field(default_factory=OtelSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    purposes: dict[str, Purpose] = {}
    limits: tuple[LimitSettings, ...] = ()
    budgets: tuple[BudgetSettings, ...] = ()
    shared: SharedSettings = field(default_factory=SharedSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    source: Path | None = None
