"""What calls cost and took, by model."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import numpy as np

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.document import SIDES, AskedOnce, Side, Spending
from steelyard.weigh.runs.call import FREE, Call, settled

__all__ = ["asked_once", "spending_of"]


def asked_once(calls: Sequence[Call], models: tuple[str, str]) -> tuple[AskedOnce, ...]:
    """Return the calls of both models, in their order."""
    side_of = dict(zip(models, SIDES, strict=True))
    counting = set(settled(calls))
    return tuple(
        _asked(call, side_of[call.model], place in counting)
        for place, call in enumerate(calls)
        if call.model in side_of
    )


def _asked(call: Call, side: Side, counts: bool) -> AskedOnce:
    free = call.cost_usd is None and call.status in FREE
    return AskedOnce(
        item=call.item,
        side=side,
        repeat=call.repeat,
        counts=counts,
        exchange=call.exchange,
        deployment=call.deployment,
        status=call.status,
        answered=call.answered,
        parsed=call.parsed,
        score=call.score,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd="0" if free else call.cost_usd,
        took_s=call.took_s,
    )


def spending_of(calls: Sequence[AskedOnce], side: Side) -> Spending | None:
    """Return what one side's calls came to, None where there were none. Raises ConfigError for a cost that is none.

    Quantiles are interpolated between the nearest two, as NumPy's are by default (R. J. Hyndman and Y. Fan 1996,
    definition 7). Costs are those of all calls, latencies and tokens those of the answers that count."""
    every = [call for call in calls if call.side == side]
    if not every:
        return None
    mine = [call for call in every if call.counts]
    answers = [call for call in mine if call.answered]
    known = [cost for call in every if (cost := _usd(call)) is not None]
    total = sum(known, Decimal(0)) if len(known) == len(every) else None
    items = len({call.item for call in mine})
    took = [call.took_s for call in answers]
    median, p95 = (float(one) for one in np.quantile(took, (0.5, 0.95))) if took else (None, None)
    return Spending(
        calls=len(every),
        counted=len(mine),
        answered=len(answers),
        unparsed=sum(not call.parsed for call in answers),
        input_tokens=_total([call.input_tokens for call in answers]),
        output_tokens=_total([call.output_tokens for call in answers]),
        cost_known=len(known),
        cost_usd=None if total is None else _text(total),
        cost_usd_per_1000_items=None if total is None or not items else _text(_rounded(total * 1000 / items)),
        latency_n=len(took),
        latency_median_s=median,
        latency_p95_s=p95,
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


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


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.000001"))


def _text(amount: Decimal) -> str:
    told = format(amount, "f")
    return told.rstrip("0").rstrip(".") if "." in told else told
