"""What a weighing is going to do, written down before its first call."""

from typing import Literal

from msgspec import Struct

from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.results.sheet import Flag

__all__ = ["SCHEMA", "Declaration", "Plan", "Planned", "ScoredBy"]

SCHEMA = 1
"""Version of the fields below. Readers refuse versions that they do not know."""


class Planned(Struct, frozen=True, kw_only=True):
    """One item: a line of `items.jsonl`.

    `row` holds the item's columns (targets, clusters, slices), `messages` what is asked, as OpenAI's chat completions
    take it, and `request` what goes along with the call beside model and messages. `place` is FILE:LINE, or the
    exchange that the item was taken from."""

    id: str
    place: str
    messages: tuple[JsonObject, ...]
    request: JsonObject
    target: JsonValue = None
    row: JsonObject = {}


class ScoredBy(Struct, frozen=True, kw_only=True):
    """A scorer by name, with the options that it was made with, its label, and the version of its rules."""

    name: str
    options: JsonObject
    label: str
    version: str


class Declaration(Struct, frozen=True, kw_only=True):
    """What is declared before anybody looks: who may take whose place, by which margin, at which level."""

    baseline: str
    candidate: str
    margin: float
    alpha: float = 0.05
    cluster: str | None = None
    slices: tuple[str, ...] = ()
    missing: Literal["report", "fail"] = "report"


class Plan(Struct, frozen=True, kw_only=True):
    """What a weighing does. `kind`: calls of its own (`live`), or results that others recorded (`recorded`).

    `created` is an ISO 8601 time in UTC. `source` says where the items come from (a file, `task:NAME`, `ledger:ROUTE`),
    `held` how many it has, of which `items` were drawn (None: unknown), `items_sha256` is of `items.jsonl`,
    `prompt_sha256` of all that the items are asked with beside their own columns (None: the items bring their own
    messages), `flags` what is to be known of the items. `max_usd` is the ceiling that holds where no other is given,
    None: there is none. `code` is the version of Steelyard. `declared` None: nothing is
    to be decided, models are only run."""

    schema: int = SCHEMA
    id: str
    kind: Literal["live", "recorded"]
    created: str
    code: str
    title: str
    source: str
    licence: str | None = None
    models: tuple[str, ...]
    items: int
    held: int | None = None
    items_sha256: str
    prompt_sha256: str | None = None
    scorer: ScoredBy | None = None
    repeats: int = 1
    seed: int = 0
    gateway: str | None = None
    max_usd: str | None = None
    declared: Declaration | None = None
    flags: tuple[Flag, ...] = ()
