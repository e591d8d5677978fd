"""What calls cost and took, by model."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import numpy as np

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.document import SIDES, AskedOnce, Side, Spending
from steelyard.weigh.runs.call import Call

__all__ = ["asked_once", "spending_of"]


def asked_once(calls: Sequence[Call], models: tuple[str, str]) -> tuple[AskedOnce, ...]:
    """Return the calls of both models, in their order."""
    side_of = dict(zip(models, SIDES, strict=True))
    return tuple(_asked(call, side_of[call.model]) for call in calls if call.model in side_of)


def _asked(call: Call, side: Side) -> AskedOnce:
    return AskedOnce(
        item=call.item,
        side=side,
        repeat=call.repeat,
        exchange=call.exchange,
        deployment=call.deployment,
        status=call.status,
        answered=call.output is not None or bool(call.tool_calls),
        parsed=call.parsed,
        score=call.score,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd=call.cost_usd,
        took_s=call.took_s,
    )


def spending_of(calls: Sequence[AskedOnce], side: Side) -> Spending | None:
    """Return what one side's calls came to, None where there were none. Raises ConfigError for a cost that is none.

    Quantiles are interpolated between the nearest two (R. J. Hyndman and Y. Fan, "Sample quantiles in statistical
    packages", The American Statistician 50 (1996) 361–365, definition 7). Costs are of the items that were asked,
    however often each was."""
    mine = [call for call in calls if call.side == side]
    if not mine:
        return None
    took = [call.took_s for call in mine if call.answered]
    costs = [_usd(call) for call in mine]
    known = [cost for cost in costs if cost is not None]
    total = sum(known, Decimal(0)) if len(known) == len(mine) else None
    items = len({call.item for call in mine})
    median, p95 = (float(one) for one in np.quantile(took, (0.5, 0.95))) if took else (None, None)
    return Spending(
        calls=len(mine),
        answered=len(took),
        unparsed=sum(call.answered and not call.parsed for call in mine),
        input_tokens=_total([call.input_tokens for call in mine]),
        output_tokens=_total([call.output_tokens for call in mine]),
        cost_known=len(known),
        cost_usd=None if total is None else _text(total),
        cost_usd_per_1000_items=None if total is None else _text((total * 1000 / items).quantize(Decimal("0.000001"))),
        latency_n=len(took),
        latency_median_s=median,
        latency_p95_s=p95,
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _usd(call: AskedOnce) -> Decimal | None:
    if call.cost_usd is None:
        return None
    try:
        cost = Decimal(call.cost_usd)
    except InvalidOperation:
        cost = Decimal("NaN")
    if not cost.is_finite() or not -30 <= cost.adjusted() <= 12:
        raise ConfigError(f'the cost "{call.cost_usd[:40]}" of item "{call.item[:40]}" is no amount of dollars')
    return cost


def _text(amount: Decimal) -> str:
    told = format(amount, "f")
    return told.rstrip("0").rstrip(".") if "." in told else told
