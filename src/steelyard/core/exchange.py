"""One recorded call, as the gateway writes it and the ledger keeps it."""

from typing import Literal

from msgspec import Struct

from steelyard.core.losses import Loss
from steelyard.core.usage import Usage

__all__ = ["SCHEMA", "Attempt", "Cached", "Decided", "Exchange", "Outcome", "Record"]

SCHEMA = 1
"""Version of the fields below. It goes into every journal frame; readers refuse versions that they do not know."""

Record = Literal["none", "metadata", "full"]

Cached = Literal["hit", "miss", "bypass"]
"""What the cache had to say: it answered, it had nothing (and may keep the answer), it was not asked."""

Outcome = Literal[
    "ok",  # answered in full
    "client_gone",  # the client closed before the answer was complete
    "cut",  # the upstream closed before the answer was complete
    "timeout",  # connect, first-byte, idle or total time ran out
    "refused",  # no connection could be made (refused, unresolvable, TLS)
    "status",  # the upstream answered with an error status
    "invalid",  # the upstream answered something that is not its dialect
    "rejected",  # the gateway itself answered with an error; nothing was sent upstream
    "error_event",  # the upstream reported an error inside a stream
    "outrun",  # of an attempt: another one, made beside it, answered first (a hedged call)
    "filtered",  # a content filter has withheld the answer, and nobody else gave one
]


class Attempt(Struct, frozen=True, array_like=True, gc=False):
    """One try at one deployment. Times are milliseconds after the exchange's `received_at`. `usage` and `cost_usd` are
    those of an attempt that took something though its answer was not the client's; the exchange's hold them too."""

    deployment: str
    outcome: Outcome
    started_ms: float
    ended_ms: float
    status: int | None = None
    detail: str | None = None
    usage: Usage | None = None
    cost_usd: str | None = None


class Decided(Struct, frozen=True, array_like=True, gc=False):
    """The decision by which an exchange was allowed, or refused.

    `purpose` names the caller's (None: the route's demands alone). The digests are SHA-256 in hexadecimal, None where
    there was no card or no terms; `basis_sha256` is of all that the decision was made from. `duties` are what has to be
    done: kind, text and clause of each.
    """

    decision: str
    purpose: str | None
    purpose_sha256: str
    card_sha256: str | None
    terms_sha256: str | None
    basis_sha256: str
    duties: tuple[tuple[str, str, str], ...] = ()


class Exchange(Struct, frozen=True, array_like=True, gc=False):
    """One call. Append new fields at the end, with a default: old journals stay readable.

    Units: `received_at` is seconds since the epoch (UTC); `*_ms` are milliseconds after it; sizes are bytes on the wire
    without transfer coding; `cost_usd` is a decimal string in US dollars, `None` when a price or the usage is unknown.
    `price_source` names where the price came from and its date, e.g. `genai-prices 0.2.3` or `steelyard.toml`.
    `request` and `response` are the bodies as the client sent and saw them, only where `record` is `full`.
    `dialect` is the client's; `spoken` the deployment's where the call was translated, `losses` what got lost then.
    `decided` is there where a purpose or the route demanded a decision; `rights` says what may be done with the output
    (`policy.rights`). `kept_as` is the id under which the client may ask for the response again (OpenAI's Responses,
    `store`). `traceparent` is the client's (W3C Trace Context), where traces are on.
    `cache` is None where the cache has no part in the route. A hit has no attempts, no tokens and no cost: `deployment`
    is who gave the answer to the exchange `copied_from`, and `saved_usd` what that had cost, None where it is unknown.
    """

    id: str
    received_at: float
    worker: str
    endpoint: str
    dialect: str
    key: str | None
    route: str | None
    deployment: str | None
    status: int
    outcome: Outcome
    stream: bool
    attempts: tuple[Attempt, ...] = ()
    first_byte_ms: float | None = None
    last_byte_ms: float | None = None
    usage: Usage | None = None
    usage_raw: bytes | None = None
    cost_usd: str | None = None
    price_source: str | None = None
    finish_reason: str | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    model_reported: str | None = None
    error: str | None = None
    record: Record = "metadata"
    request: bytes | None = None
    response: bytes | None = None
    end_user: str | None = None
    region: str | None = None
    losses: tuple[Loss, ...] = ()
    kept_as: str | None = None
    spoken: str | None = None
    decided: Decided | None = None
    rights: str | None = None
    traceparent: str | None = None
    cache: Cached | None = None
    copied_from: str | None = None
    saved_usd: str | None = None
