"""The rules that a configuration comes to: one for each quantity that it limits for someone."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from steelyard.config.scopes import Scope, read_scope
from steelyard.config.settings import BudgetSettings, LimitSettings, ServerSettings
from steelyard.limits.period import Per

__all__ = ["ATTO", "LENGTHS_S", "METRICS", "Metric", "Rule", "atto_of", "rules_of", "usd_of"]

Metric = Literal[
    "requests_per_minute",
    "requests_per_hour",
    "requests_per_day",
    "tokens_per_minute",
    "tokens_per_hour",
    "tokens_per_day",
    "concurrent",
    "max_calls",
    "input_bytes",
    "usd_per_day",
    "usd_per_week",
    "usd_per_month",
    "usd_total",
]
METRICS: Final[tuple[Metric, ...]] = (
    # What says no soonest, and at the least cost, comes first.
    "input_bytes",
    "concurrent",
    "requests_per_minute",
    "requests_per_hour",
    "requests_per_day",
    "tokens_per_minute",
    "tokens_per_hour",
    "tokens_per_day",
)
LENGTHS_S: Final = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}
ATTO: Final = 10**18
_BUDGETS: Final[dict[Per, Metric]] = {
    "day": "usd_per_day",
    "week": "usd_per_week",
    "month": "usd_per_month",
    "total": "usd_total",
}


class Rule(Struct, frozen=True):
    """One quantity that is limited for one scope. `limit` is a count, or 10^-18 dollars for a budget, which has `per`;
    `length_s` is that of a window. `last_call`: as long as anything is left a call is admitted, whatever it may take.
    `unpriced`: so is a call whose price is not known. `warn_at` are parts of the limit that are told when reached.
    `local`: while gateways cannot reach what they share, each counts for itself. `queue_s` is how long a call may wait
    for room, and `queue_calls` how many may at once."""

    scope: Scope
    metric: Metric
    limit: int
    length_s: float | None = None
    per: Per | None = None
    last_call: bool = False
    unpriced: bool = False
    warn_at: tuple[float, ...] = ()
    local: bool = False
    queue_s: float = 0.0
    queue_calls: int = 0

    @property
    def id(self) -> tuple[str, Metric]:
        """What makes it the same rule in another configuration, so that what was counted stays."""
        return str(self.scope), self.metric


def rules_of(
    limits: Iterable[LimitSettings], budgets: Iterable[BudgetSettings], server: ServerSettings | None = None
) -> tuple[Rule, ...]:
    """Return the rules of a configuration that has been checked, with those of a gateway by itself (`server`)."""
    of_all = _of_server(server) if server is not None else ()
    return (*of_all, *_of_limits(limits), *map(_of_budget, budgets))


def _of_server(server: ServerSettings) -> Iterator[Rule]:
    if server.max_calls:
        queue_s, queue_calls = server.queue_s, server.queue_calls
        yield Rule(_scope("all"), "max_calls", server.max_calls, queue_s=queue_s, queue_calls=queue_calls)


def _of_limits(limits: Iterable[LimitSettings]) -> Iterator[Rule]:
    given = list(limits)
    for metric in METRICS:
        for one in given:
            limit: int | None = getattr(one, metric)
            if limit is not None:
                length_s = LENGTHS_S.get(metric.rpartition("_")[2])
                yield Rule(
                    _scope(one.scope),
                    metric,
                    limit,
                    length_s,
                    last_call=one.overshoot == "last-call",
                    local=one.fail == "local",
                    queue_s=one.queue_s if metric == "concurrent" else 0.0,
                    queue_calls=one.queue_calls,
                )


def _of_budget(one: BudgetSettings) -> Rule:
    return Rule(
        _scope(one.scope),
        _BUDGETS[one.per],
        atto_of(one.usd),
        per=one.per,
        last_call=one.overshoot == "last-call",
        unpriced=one.unknown_price == "allow",
        warn_at=tuple(sorted(one.warn_at)),
        local=one.fail == "local",
    )


def _scope(text: str) -> Scope:
    scope = read_scope(text)
    assert isinstance(scope, Scope), scope
    return scope


def atto_of(usd: Decimal) -> int:
    """Return dollars in 10^-18 dollars, which hold every price for a token exactly; what is finer is cut off."""
    return int(usd.scaleb(18))


def usd_of(atto: int) -> str:
    """Return 10^-18 dollars in dollars, exactly: "0.0000375", "5"."""
    whole, rest = divmod(abs(atto), ATTO)
    text = f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
    return f"-{text}" if atto < 0 else text
