"""How an attempt can fail, and what may be done about it."""

import ssl
from socket import gaierror

from msgspec import Struct, structs

from steelyard.core.errors import CallError, EngineError, UpstreamError, UpstreamTimeout
from steelyard.core.exchange import Outcome
from steelyard.dialects.dialect import Told
from steelyard.gateway.lane import Lane
from steelyard.gateway.subject import Subject

__all__ = ["Failure", "about", "cut", "filtered", "heeded", "invalid", "of_status", "of_told", "refused", "timed_out"]

_AGAIN = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529))
"""Statuses after which the same request may succeed. 529 is Anthropic's "overloaded", 52x are Cloudflare's."""

_ELSEWHERE = frozenset((401, 402, 403, 404, 405, 410))
"""Statuses that speak of this deployment (its key, its credit, its existence), not of the request. All from 500 on
speak of the server (RFC 9110, section 15.6), as Cloudflare's 525, 526 and 530 do."""


_THEIRS = frozenset((503, 504, 529))
"""Statuses of a server's failure that say what a client may do about it: they are passed on."""

_LAST_STATUS = 599
"""RFC 9110, section 15: what is outside of 100 to 599 is invalid, and no client can be told it."""

_KINDS = {400: "invalid_request_error", 404: "invalid_request_error", 413: "invalid_request_error"} | {
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class Failure(Struct, frozen=True):
    """One failed attempt. `again`: the same deployment may be tried again; `elsewhere`: another one may be;
    `blames`: it counts against the deployment's breaker. `status`, `fields` and `body` are the upstream's own answer,
    where it is fit to be passed on; `error` is what the client is told otherwise. `answered` is the status that came,
    and `subject` what the error is about, where a route wants to know."""

    outcome: Outcome
    error: CallError
    again: bool = True
    elsewhere: bool = True
    blames: bool = True
    status: int | None = None
    fields: bytes = b""
    body: bytes | None = None
    retry_after_s: float | None = None
    answered: int | None = None
    subject: Subject | None = None


def refused(lane: Lane, error: Exception) -> Failure:
    """No connection could be made."""
    name = lane.target.deployment
    if isinstance(error, EngineError):
        return Failure("refused", UpstreamError(str(error), code="engine_unavailable"), again=False)
    if isinstance(error, CallError):
        return Failure("refused", error)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted ({error.verify_message})"
    elif isinstance(error, ssl.SSLError):
        reason = f"TLS failed ({error.reason or error})"
    elif isinstance(error, gaierror | UnicodeError):
        reason = "its host name cannot be resolved"
    elif isinstance(error, ConnectionRefusedError):
        reason = "it refused the connection"
    else:
        reason = f"no connection could be made ({error.strerror if isinstance(error, OSError) else error})"
    where = _where(lane)
    return Failure(
        "refused",
        UpstreamError(
            f"{name} could not be reached{where}: {reason}. Run: steelyard check", code="upstream_unreachable"
        ),
    )


def timed_out(lane: Lane, phase: str, seconds: float) -> Failure:
    """A limit of time ran out. A call whose total time is over is not tried again."""
    over = phase == "total"
    return Failure(
        "timeout",
        UpstreamTimeout(
            f"{lane.target.deployment} took over {seconds:g} s ({phase}). "
            f"Try again, or raise timeout_s.{phase} of the route.",
            code=f"upstream_timeout_{phase}",
        ),
        again=not over,
        elsewhere=not over,
    )


def cut(lane: Lane, reason: str) -> Failure:
    """The upstream closed before its answer was whole."""
    return Failure(
        "cut", UpstreamError(f"{lane.target.deployment} cut its answer: {reason}. Try again.", code="upstream_cut")
    )


def invalid(lane: Lane, reason: str) -> Failure:
    """The upstream answered something that is not its dialect."""
    return Failure(
        "invalid",
        UpstreamError(
            f"{lane.target.deployment} answered something else than expected: {reason}. Is its base_url right?",
            code="upstream_invalid",
        ),
    )


def of_status(lane: Lane, status: int, fields: bytes, body: bytes | None, retry_after_s: float | None) -> Failure:
    """The upstream answered with an error status. `body` is None where it is not this dialect's error."""
    name = lane.target.deployment
    if status > _LAST_STATUS:
        return invalid(lane, f"status {status}, which HTTP does not have")
    if status in (401, 403):
        # Its text may quote the key, and a client would take the status for a refusal of its own key.
        error = UpstreamError(
            f"The provider of {name} refused the gateway's own key (status {status}). "
            f'Check the key of provider "{lane.target.provider}": steelyard check',
            code="upstream_authentication",
        )
        return Failure("status", error, again=False, blames=False, status=None, answered=status)
    told = UpstreamError(f"{name} answered with status {status}.", code="upstream_status", retry_after_s=retry_after_s)
    if 400 <= status < 500 and body is None:
        told.status = status
    return Failure(
        "status",
        told,
        again=status in _AGAIN,
        elsewhere=status in _AGAIN or status in _ELSEWHERE or status >= 500,
        blames=status >= 500 or status == 408,
        status=status if body is not None else None,
        fields=fields,
        body=body,
        retry_after_s=retry_after_s,
        answered=status,
    )


def of_told(lane: Lane, status: int, told: Told, retry_after_s: float | None) -> Failure:
    """The upstream told of an error in its own dialect, which is not the client's: the status stays, and its words."""
    failure = of_status(lane, status, b"", None, retry_after_s)
    if failure.error.code == "upstream_authentication" or failure.outcome == "invalid":
        return failure
    error = UpstreamError(
        f"{lane.target.deployment} answered with status {status}: {told.message}",
        code=told.code or told.kind or "upstream_status",
        retry_after_s=retry_after_s,
    )
    error.status = status if 400 <= status < 500 or status in _THEIRS else 502
    error.kind = _KINDS.get(status, error.kind)
    return structs.replace(failure, error=error)


def filtered(lane: Lane, fields: bytes, body: bytes) -> Failure:
    """A content filter has withheld the answer. It is what the client gets, if nobody gives a better one."""
    error = UpstreamError(f"A content filter of {lane.target.deployment} has withheld its answer.")
    return Failure("filtered", error, again=False, blames=False, status=200, fields=fields, body=body)


def about(failure: Failure, subject: Subject | None) -> Failure:
    """Return a failure of which it is known what it is about."""
    return failure if subject is None else structs.replace(failure, subject=subject)


def heeded(failure: Failure, wanted: frozenset[str]) -> Failure:
    """Return a failure with what may be done about it by a route's own words (`config.fallback`)."""
    if failure.outcome == "timeout" and not failure.elsewhere:
        return failure  # no time is left
    if failure.subject is not None and failure.subject in wanted:
        return structs.replace(failure, elsewhere=True, again=False)
    name = "unreachable" if failure.outcome == "refused" else failure.outcome
    status = failure.answered
    asked = name in wanted if status is None else f"{status}" in wanted or f"{status // 100}xx" in wanted
    return structs.replace(failure, elsewhere=asked)


def _where(lane: Lane) -> str:
    origin = lane.target.origin
    return f" at {origin.host}:{origin.port}" if origin is not None else ""
