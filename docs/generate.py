"""Write the pages of the reference that are made from the source: `python docs/generate.py`.

docs/reference/providers.md      from the provider table
docs/reference/configuration.md  from the Structs of `steelyard.config.settings`, with the meanings below
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from steelyard.catalog.endpoints import COUNTS, ENDPOINTS, GENERATES
from steelyard.catalog.providers import Provider, Signing, provider_table
from steelyard.catalog.purpose import Purpose
from steelyard.config.settings import (
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

__all__ = ["PAGES", "SECTIONS", "main"]

_REFERENCE: Final = Path(__file__).parent / "reference"
_NOTE: Final = "<!-- Written by `python docs/generate.py`. Change {what}, not this file. -->"


class Section(Struct, frozen=True):
    """One table of steelyard.toml: its heading, what it is, and what each of its keys means."""

    heading: str
    struct: type[Struct]
    about: str
    meanings: dict[str, str]


SECTIONS: Final = (
    Section(
        "`[server]`",
        ServerSettings,
        "Where the gateway listens, what it keeps, and what it tolerates. Keys marked ↻ need a restart; all others are "
        "taken over by a running gateway.",
        {
            "host": "↻ Address to listen on. Other than loopback, a key must exist, or the gateway does not start.",
            "port": "↻ Port to listen on; 0: any that is free.",
            "workers": "↻ Gateway processes under `steelyard up`, which share the port. `steelyard gateway` is one. "
            "Where there are limits or budgets, above 1 takes `[shared]`.",
            "record": "What is kept of a call where neither its route nor its deployments say it: see "
            "[Journal and ledger](../guides/ledger.md#what-is-recorded).",
            "data_dir": "↻ Directory of journal, ledger, keys, models and logs. `~` is the home directory; a relative "
            "path lies below the directory of the file.",
            "max_body_bytes": "Largest request body. Above it: 413.",
            "max_header_bytes": "Largest request head. Above it: 431.",
            "header_timeout_s": "Time for a request's headers to arrive. After it: 408.",
            "body_timeout_s": "Time for the body to arrive, beyond `header_timeout_s`; a body that comes at 16 kB/s or "
            "faster may take longer. After it: 408.",
            "keepalive_s": "An idle connection of a client is closed after this time.",
            "write_timeout_s": "A client that takes nothing of its answer for this time is cut off.",
            "max_connections": "Open connections of clients, of one process. Above it: 503.",
            "calls_per_key": "Calls that one key may have under way in one process; 0: no bound. Above it: 429.",
            "drain_s": "How long calls under way may go on after SIGTERM.",
            "max_calls": "Calls that all callers together may have under way in one process; 0: no bound. Above it: "
            "503. See [Overload](../guides/overload.md).",
            "queue_s": "How long a call waits at most for room in `max_calls`; 0: none waits.",
            "queue_calls": "How many calls may wait for that at once. Above it: 503.",
            "shed_lag_s": "How late the event loop may be. Later than that for `shed_after_s`, new calls get 503; 0: "
            "never.",
            "shed_after_s": "For how long it must have been that late without a break.",
        },
    ),
    Section(
        "`[providers.NAME]`",
        ProviderSettings,
        "Overrides a row of the [provider table](providers.md), or adds a provider. One that is not in the table needs "
        "`dialect` and `base_url`. Without a value, the table's row counts.",
        {
            "dialect": "Wire format to which calls are translated: OpenAI's Chat Completions (`openai`) or Responses, "
            "Anthropic's Messages, Gemini's generateContent, Bedrock's Converse.",
            "base_url": "Address below which the API lies, its version included: `/chat/completions`, `/responses`, "
            "`/messages`, `/models/MODEL:generateContent` or `/model/MODEL/converse` is added to it.",
            "api_key": "Reference to the key, `env:NAME` or `file:PATH`. Absent and not in the table: no key is sent.",
            "auth_header": "Header that carries the key (`authorization`).",
            "auth_prefix": "What stands before the key in that header (`Bearer `).",
            "headers": "More headers for every call; the values are references too.",
            "region": "Where the provider computes. Recorded with each exchange; decisions go by it, in the place of "
            "what the catalogue says of the provider.",
            "retention_days": "How many days the provider keeps content, by your contract. Decisions go by it.",
            "trains_on_inputs": "Whether the provider may train on what it is sent, by your contract. Decisions go "
            "by it.",
            "self_hosted": "`true`: a machine of your own. No terms of a provider bind there, and what is demanded of "
            "providers is met.",
            "terms": "Terms that bind you with this provider: an id of `steelyard policy licences`.",
            "prices": "The provider's id in genai-prices, where its prices are to be found.",
            "ca_file": "File with certificates that are trusted for this provider, beside the system's.",
            "stream_usage": "How a stream's usage is had: `ask` with `stream_options.include_usage`, `always` unasked, "
            "`never`.",
            "streaming": "Whether it answers in streams, whole, or as asked (`both`). `always`: it only streams; "
            "`never`: it never does. A client that asks for the other is served all the same.",
            "endpoints": "What it serves, in the place of the [table's list](providers.md#what-each-one-serves): for a "
            "server behind `OPENAI_BASE_URL` that has no `/responses`, or one of your own that has.",
            "project": "Project of Google Cloud, for `vertex` and `vertex-anthropic`.",
            "location": "Location there: `europe-west1`, `global`, … It is recorded as the region.",
            "aws_region": "Region of AWS, for `bedrock`. It is recorded as the region.",
            "credentials": "`file:PATH`: Google's file for a service account, for `vertex` and `vertex-anthropic`. "
            "Absent: as Google's own tools find credentials.",
            "api_version": "For `azure`: call the API that was before v1, in this version (`2024-10-21`); the model's "
            "name is the deployment's, in the path.",
        },
    ),
    Section(
        "`[routes.NAME]`",
        RouteSettings,
        "A name that applications ask for as `model`, and who answers. See "
        "[Routes and strategies](../guides/routes.md).",
        {
            "deployments": 'Who may answer: `"PROVIDER/MODEL"`, each once.',
            "strategy": "In which order deployments are tried.",
            "weights": "One number more than 0 a deployment, for the strategy `weighted`. Absent: equal.",
            "retries": "Further attempts after the first, over all deployments together; 0 to 100.",
            "timeout_s": "Limits of time, below.",
            "record": "What is kept of this route's calls, in the place of `[server] record`.",
            "strict": "Refuse a call with 400 when something that it says cannot be said to the deployment in its "
            "dialect. Without it, the loss is reported, in `x-steelyard-loss` and in the exchange.",
            "require": "What the route is used for, and what it demands of who answers, whoever calls: keys of "
            "[`[purposes.NAME]`](#purposesname). With a caller's purpose, the stricter of both counts.",
            "fallback_on": "After which failures another deployment is asked, in the place of the default: statuses "
            "(`429`), classes (`5xx`), `unreachable`, `timeout`, `cut`, `invalid`, `context_length`, `content_filter`. "
            "See [Routes](../guides/routes.md#after-which-failures).",
            "retry_budget": "How many further attempts all calls of the route may make together, below.",
            "hedge_after_s": "Seconds of silence after which a second deployment is asked beside the first. See "
            "[Routes](../guides/routes.md#hedged-calls). Absent: none is.",
            "hedge_percentile": "The same, after such a percentile of the deployment's own times to its first byte; "
            "50 to 99.9.",
            "outliers": "Rest for a deployment that does far worse than the others, below; `{}` for the defaults. "
            "Absent: there is none.",
            "resume": "Refused when `true`: a stream that breaks is ended by an error event, and never continued "
            "elsewhere.",
        },
    ),
    Section(
        "`retry_budget` of a route",
        RetryBudgetSettings,
        "Further attempts of all calls of a route together: see [Routes](../guides/routes.md#the-retry-budget).",
        {
            "ratio": "For each call that begins; 0 to 10.",
            "per_s": "For each second, beyond that; ten seconds' worth may come at once. With both 0 nothing is tried "
            "again that was sent.",
        },
    ),
    Section(
        "`outliers` of a route",
        OutlierSettings,
        "When a deployment rests that does far worse than the route's others: see "
        "[Routes](../guides/routes.md#outliers).",
        {
            "window_s": "What is looked back on, in seconds.",
            "min_calls": "Attempts that it, and the others together, must have had in that time; 5 to 200.",
            "max_ejected": "The part of the route's deployments that may rest so at once. One may rest where there are "
            "at least two, and one is always left; 0: none rests.",
            "rest_s": "How long it rests the first time; twice as long the second, at most ten times as long.",
            "latency_factor": "It rests, too, when the median of its times to the first byte is so many times that of "
            "the others.",
        },
    ),
    Section(
        "`timeout_s` of a route",
        Timeouts,
        "Seconds. A bare `PROVIDER/MODEL` has the defaults.",
        {
            "connect": "Until the connection to the provider stands, TLS included.",
            "first_byte": "From the request's end to the beginning of the answer. Also how long a call waits for a "
            "local model that must be started first.",
            "idle": "Between two pieces of the answer.",
            "total": "The whole call, with all its attempts.",
        },
    ),
    Section(
        '`[deployments."PROVIDER/MODEL"]`',
        DeploymentFacts,
        "Facts that the catalogue lacks or has wrong.",
        {
            "price": "Price, below. It takes the place of the catalogue's.",
            "model": "Name that is sent to the provider, where it differs from the deployment's.",
            "context": "Context window in tokens, in the place of the catalogue's. [Limits and budgets]"
            "(../guides/limits.md) go by it where nothing else bounds a call.",
            "record": "What is kept of calls that this deployment may answer.",
            "lacks": "What the model cannot do; a call that needs it is refused with 400 before anything is sent.",
            "most_output": "Tokens that the model gives at most: what Anthropic's API is told where a client sets no "
            "limit, and the longest answer that limits and budgets reckon with then.",
            "dialect": "The only dialect that this model speaks, where its provider speaks several.",
            "card": "The model whose card it has, where its own name does not tell it: `microsoft/phi-4`.",
        },
    ),
    Section(
        "`price` of a deployment",
        PriceSettings,
        'US dollars for a million tokens, written as strings (`"2.50"`): a binary fraction cannot hold them exactly.',
        {
            "input_usd_per_mtok": "Input.",
            "output_usd_per_mtok": "Output.",
            "cached_input_usd_per_mtok": "Input read from the provider's cache. Absent: charged as input.",
            "cache_write_usd_per_mtok": "Input written to the provider's cache. Absent: charged as input.",
        },
    ),
    Section(
        "`[policy]`",
        PolicySettings,
        "By what calls are decided. See [Policy](../guides/policy.md).",
        {
            "cards": "Directory with cards of your own, which come before those that are shipped; a relative path lies "
            "below the directory of the file. A card that changes is taken over by a running gateway.",
            "purpose": "Purpose of callers whose key has none: the NAME of a `[purposes.NAME]`. Absent: nothing is "
            "declared for them.",
        },
    ),
    Section(
        "`[purposes.NAME]`",
        Purpose,
        "What callers declare of their use, and what they demand. A key is made for one: `steelyard keys create team-a "
        "--purpose NAME`. One word may stand for a list of one. What each key does to a decision: "
        "[Decisions](../guides/decisions.md#what-you-declare).",
        {
            "use": "What calls are for. Undeclared: every use must be permitted.",
            "other_uses": "What else they are for: each must be permitted as well.",
            "monthly_active_users": "Users of your products in a month, at present.",
            "monthly_active_users_at_release": "The same in the month before the model's release: some licences ask "
            "once, for that month.",
            "annual_revenue_usd": "Revenue a year, in US dollars.",
            "domain": "Fields of use: `medical`, `legal`, `military`, …; `general` is none that licences limit.",
            "territory": "Where you sit: ISO 3166-1 codes (`DE`), parts (`US-CA`), `EU`, `EEA`.",
            "end_user_territory": "Where your users sit.",
            "train_on_outputs": "Outputs train another model.",
            "derived_model_name": "Names of models that are trained on outputs.",
            "distributes_derived": "Such a model is passed on.",
            "hosts_for_third_parties": "Others use the model through you.",
            "redistributes_weights": "The weights are passed on.",
            "modifies_weights": "The weights are changed: fine-tuned, quantised, merged.",
            "region": "Inputs are dealt with here and nowhere else: `eu`, `us`, `de`, `eu-central-1`.",
            "max_retention_days": "The provider keeps inputs for so many days at most.",
            "allow_provider_training": "`false`: the provider does not train on inputs.",
            "self_hosted_only": "A machine of your own answers.",
            "min_openness": "The model is at least so open: a class of the Model Openness Framework, or published "
            "weights.",
            "max_compute_flop": "The model was trained with so many floating-point operations at most.",
            "min_quality": 'Results that its card must show, like `"MMLU >= 0.7"`.',
            "as_of": "Refused here: calls are decided as on the day that they come.",
        },
    ),
    Section(
        "`[models.NAME]`",
        ModelSettings,
        "How the engine serves a local model. Read when the engine starts.",
        {
            "context": "Tokens that one call may use. Absent: what the model was trained for, at most 8,192.",
            "slots": "Calls that are answered at once; each has `context` tokens.",
            "threads": "Threads. Absent: llama.cpp's choice.",
            "gpu_layers": "Layers that are computed on a GPU; -1: all.",
            "start": "`boot`: with the engine. `demand`: at the first call.",
            "embeddings": "Serve `/v1/embeddings` with this model instead of chat.",
            "rerank": "Serve `/v1/rerank` with this model instead of chat.",
        },
    ),
    Section(
        "`[[limits]]`",
        LimitSettings,
        "What may be asked for by a key, a team, a project, a route, a deployment, or an end user; as many tables as "
        "there are scopes. All that concern a call must have room for it. See [Limits and budgets]"
        "(../guides/limits.md).",
        {
            "scope": "Whom it is about: `key:NAME`, `team:NAME`, `project:NAME`, `route:NAME`, "
            "`deployment:PROVIDER/MODEL`, `user:*`, or `all`. `*` in the place of a name: each by itself.",
            "requests_per_minute": "Calls in any 60 seconds.",
            "requests_per_hour": "Calls in any hour.",
            "requests_per_day": "Calls in any 24 hours.",
            "tokens_per_minute": "Tokens, input and output together, of the calls of any 60 seconds.",
            "tokens_per_hour": "Tokens of the calls of any hour.",
            "tokens_per_day": "Tokens of the calls of any 24 hours.",
            "concurrent": "Calls under way at once.",
            "input_bytes": "Bytes of one call's body.",
            "overshoot": "`last-call`: a call is admitted as long as any token is left, however many it may take.",
            "queue_s": "How long a call waits at most for room in `concurrent`; 0: none waits. See "
            "[Overload](../guides/overload.md).",
            "queue_calls": "How many calls may wait for that at once. Above it: 429.",
            "fail": "What becomes of it while gateways cannot reach what they share (`[shared]`). `closed`: calls get "
            "503 once what was lent is used up. `local`: each gateway counts for itself against the whole limit.",
        },
    ),
    Section(
        "`[[budgets]]`",
        BudgetSettings,
        "What the calls of a scope may cost. See [Limits and budgets](../guides/limits.md#budgets).",
        {
            "scope": "Whom it is about, as in `[[limits]]`.",
            "usd": 'US dollars, written as a string: `"5.00"`.',
            "per": "Period: days, ISO weeks (from Monday) and months, of UTC; `total`: all time.",
            "overshoot": "`never`: a call that could exceed what is left is refused. `last-call`: one call may cross "
            "the line.",
            "unknown_price": "What becomes of calls to a deployment whose price is not known. `allow`: they count "
            "nothing.",
            "warn_at": "Parts of the budget, like `[0.5, 0.8]`: a line on the log when one is reached, once a period.",
            "fail": "As in `[[limits]]`.",
        },
    ),
    Section(
        "`[shared]`",
        SharedSettings,
        "Where several gateways count limits and budgets together. All keys need a restart. See "
        "[Several gateways](../guides/several-gateways.md).",
        {
            "url": "Of a Valkey or Redis server: `redis://127.0.0.1:6379/0`, `rediss://` with TLS. One with a password "
            "is a reference, `env:NAME` or `file:PATH`. Absent: each process counts for itself.",
            "prefix": "What the names of all keys begin with; gateways with another prefix count apart.",
            "ca_file": "File with certificates that are trusted for it, in the place of the system's.",
            "lease_s": "After how many seconds without a sign a gateway counts as gone; what it was lent goes back.",
        },
    ),
    Section(
        "`[cache]`",
        CacheSettings,
        "Gives answers again to requests that ask the same, without asking anybody. See [Cache](../guides/cache.md).",
        {
            "routes": "Routes whose answers are kept. Absent: there is no cache.",
            "ttl_s": "How old an answer may be that is given again, in seconds.",
            "store": "`memory`: answers are forgotten when the gateway stops. `sqlite`: they are kept in "
            "`cache.sqlite3` in the data directory, too. `shared`: in the server of `[shared]`, too, for all gateways.",
            "share": "Who may be given an answer that another has had. `user`: the same end user of the same key; "
            "`key`: all that use the same key; `team`: all keys of a team; `all`: everyone. Policy is asked for each.",
            "max_bytes": "All answers in memory of one process. Those not asked for the longest go first.",
            "max_disk_bytes": "All answers on disk, or in the server. The oldest go first.",
            "max_entry_bytes": "A request or an answer that is larger is not kept.",
        },
    ),
    Section(
        "`[ledger]`",
        LedgerSettings,
        "Where exchanges are kept, and for how long. Read when the clerk starts (`journal_segment_bytes`: when the "
        "gateway starts).",
        {
            "url": "↻ Database, as SQLAlchemy writes it, or a reference to it. Absent: SQLite in `data_dir`. A URL "
            "with a password must be a reference.",
            "retention_days": "Older exchanges are dropped; 0: none.",
            "retention_bytes": "The oldest exchanges are dropped above this size; 0: none.",
            "journal_segment_bytes": "Size of a journal file, reserved on the disk beforehand.",
            "journal_retention_hours": "How long a journal file stays after it was taken into the ledger.",
        },
    ),
    Section(
        "`[log]`",
        LogSettings,
        "See [Access log](../guides/access-log.md).",
        {
            "access": "↻ File to which the clerk writes a line of JSON for each exchange; a relative path lies below "
            "the directory of the file. `-`: its standard output.",
        },
    ),
    Section(
        "`[otel]`",
        OtelSettings,
        "See [OpenTelemetry](../guides/opentelemetry.md).",
        {
            "endpoint": "↻ Address of a collector that speaks OTLP over HTTP, like `http://127.0.0.1:4318`. Absent: as "
            "`OTEL_EXPORTER_OTLP_ENDPOINT` says.",
            "names": "↻ Version of the names for generative AI. `1.36`: those from before `gen_ai.provider.name`.",
        },
    ),
)


def configuration_page() -> str:
    """Return the reference of steelyard.toml. Raises KeyError when a setting has no meaning here."""
    lines = [
        "# Configuration: every key",
        "",
        _NOTE.format(what="`steelyard/config/settings.py` and the meanings in the script"),
        "",
        "How the file is found, what beats it and how it is reloaded: [Configuration](../guides/configuration.md).",
    ]
    for section in SECTIONS:
        lines += ["", f"## {section.heading}", "", section.about, "", "| key | type | default | meaning |"]
        lines.append("|---|---|---|---|")
        for field in fields(section.struct):
            meaning = section.meanings[field.name]
            lines.append(f"| `{field.name}` | {_type(field.type)} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def providers_page() -> str:
    """Return the provider table for people."""
    rows = provider_table().values()
    lines = [
        "# Providers",
        "",
        _NOTE.format(what="`steelyard/catalog/data/providers.toml`"),
        "",
        "What Steelyard knows without configuration. Ask for a model as `PROVIDER/MODEL`, with the name in the first "
        "column: `openai/gpt-4.1`. Of several variables the first that is set counts. The guide is "
        "[Providers and keys](../guides/providers.md).",
        "",
        "## Closed APIs and hosted open-weight models",
        "",
        *_providers([row for row in rows if not row.self_hosted]),
        "",
        "## Servers that you run yourself",
        "",
        "They need no key; where its variable is set, it is sent.",
        "",
        *_providers([row for row in rows if row.self_hosted]),
        "",
        "## What each one serves",
        "",
        "Every provider answers clients of every dialect: where a generative endpoint has a ✓, what its clients send "
        "is relayed as it is, and where it has a →, it is translated to the provider's own dialect. Another endpoint "
        "without a mark is answered with 404, `endpoint_not_served`. “Counts” says who counts the tokens of an input "
        "itself. “Usage in streams” says how the token counts of a stream are had: `ask` sends "
        "`stream_options.include_usage`, `always` means that they come unasked, `never` that they are estimated.",
        "",
        f"| provider | dialect | {' | '.join(f'`{name}`' for name in _GENERATIVE)} | counts | "
        f"{' | '.join(f'`{name}`' for name in _OTHERS)} | usage in streams | prices |",
        f"|---|{'---|' * (len(_GENERATIVE) + len(_OTHERS) + 4)}",
    ]
    lines += [_served(row) for row in rows]
    lines += ["", "Some models speak one dialect of their provider's alone, and calls in others are translated:", ""]
    for row in rows:
        for dialect, models in row.speaks.items():
            names = ", ".join(f"`{one}`" for one in models if not one.endswith("-*"))
            lines.append(f"- `{row.id}`, only `{dialect}`: {names}")
    return "\n".join(lines) + "\n"


# In the order of their use. What generates has another endpoint for streams in some dialects, which goes without
# saying, and Bedrock's are no client's.
_GENERATIVE: Final = tuple(dict.fromkeys(pair[0] for dialect, pair in GENERATES.items() if dialect != "bedrock"))
_OTHERS: Final = ("completions", "embeddings", "rerank", "audio/transcriptions", "images/generations")
assert {*(one for pair in GENERATES.values() for one in pair), *COUNTS.values(), *_OTHERS} == ENDPOINTS


def _served(row: Provider) -> str:
    marks = ["✓" if name in row.endpoints else "→" for name in _GENERATIVE]
    marks += ["✓" if row.endpoints & set(COUNTS.values()) else ""]
    marks += ["✓" if name in row.endpoints else "" for name in _OTHERS]
    priced = "known" if row.prices else "not known"
    return f"| `{row.id}` | `{row.dialect}` | {' | '.join(marks)} | {row.stream_usage} | {priced} |"


def _providers(rows: list[Provider]) -> list[str]:
    lines = ["| name | provider | key | address | variables for the address |", "|---|---|---|---|---|"]
    for row in rows:
        keys = ", ".join(f"`{one}`" for one in row.key_env)
        if row.signing is not None:
            signed = _SIGNED[row.signing]
            keys = f"{keys}; or {signed}" if keys else signed
        told = [one for variables in row.facts.values() for one in variables]
        addresses = ", ".join(f"`{one}`" for one in (*told, *row.base_url_env))
        base = f"`{row.base_url}`" if row.base_url else "none: set a variable"
        lines.append(f"| `{row.id}` | [{row.name}]({row.docs}) | {keys} | {base} | {addresses} |")
    return lines


_SIGNED: Final[dict[Signing, str]] = {
    "aws": "AWS's own (`AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, …), which sign each call",
    "google": "Google's own (`GOOGLE_APPLICATION_CREDENTIALS`, …)",
}


def _type(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (UnionType, Union):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is tuple and get_origin(parts[0]) is Literal:
        return f"list of {_type(parts[0])}"
    if origin is tuple:
        return f"list of {_PLURALS[parts[0]]}"
    if origin is dict:
        return "table of strings"
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "table"
    return _NAMES[kind]


_NAMES: Final[dict[Any, str]] = {
    str: "string",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    Decimal: "decimal, as a string",
    date: "date",
}
_PLURALS: Final[dict[Any, str]] = {str: "strings", float: "numbers"}


def _default(field: FieldInfo) -> str:
    if field.default_factory is not NODEFAULT:
        made = field.default_factory()
        return "none" if not made else "below"
    value = field.default
    if value is NODEFAULT:
        return "required"
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, Struct):
        return "below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{_plain(value)}`"


def _plain(value: object) -> str:
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    return f"{value:g}" if isinstance(value, float) else f'"{value}"'


PAGES: Final = {"configuration.md": configuration_page, "providers.md": providers_page}
"""Each page that is made here, by its name in docs/reference."""


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (_REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
