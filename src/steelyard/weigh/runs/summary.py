"""What each model's calls came to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct
from scipy.special import stdtrit

from steelyard.catalog.charge import usd_text
from steelyard.weigh.judging.proportions import wilson
from steelyard.weigh.results.sheet import text_of
from steelyard.weigh.runs.call import Call, settled
from steelyard.weigh.runs.plan import Plan, Planned
from steelyard.weigh.stats.clustered import Floats, clustered
from steelyard.weigh.stats.estimate import LEAST_CLUSTERS, LEAST_ITEMS

__all__ = ["ModelSums", "interval", "sums_of"]

_ALPHA: Final = 0.05


class ModelSums(Struct, frozen=True, kw_only=True):
    """One model's calls. `asked` are the calls that count, `answered` and `failed` are parts of them; `unparsed` and
    `scored` are parts of those that were answered.

    `n` is how many items have a score, repeats averaged; `mean` and `ci` are of these, None where unknown.
    `cost_usd` is what is known, of all calls, those that were made again included; `unpriced` calls are not in it.
    Times are seconds, of what was answered."""

    model: str
    planned: int
    asked: int
    answered: int
    failed: int
    unparsed: int
    scored: int
    n: int
    mean: float | None
    ci: tuple[float, float] | None
    cost_usd: str | None
    unpriced: int
    input_tokens: int | None
    output_tokens: int | None
    median_s: float | None
    p95_s: float | None
    deployments: tuple[str, ...]


def sums_of(plan: Plan, items: Sequence[Planned], calls: Sequence[Call], alpha: float = _ALPHA) -> list[ModelSums]:
    """Return the sums of each model, in the plan's order."""
    counting = [calls[place] for place in settled(calls)]
    rows = {item.id: item.row for item in items}
    cluster = plan.declared.cluster if plan.declared is not None else None
    found = []
    for model in plan.models:
        mine = [call for call in counting if call.model == model]
        every = [call for call in calls if call.model == model]
        sources = {call.item: text_of(rows[call.item].get(cluster)) for call in mine} if cluster is not None else None
        found.append(_sums(plan, model, mine, every, sources, alpha))
    return found


def _sums(
    plan: Plan, model: str, calls: Sequence[Call], every: Sequence[Call], sources: dict[str, str] | None, alpha: float
) -> ModelSums:
    answered = [call for call in calls if call.answered]
    scores = _scores(answered)
    values: Floats = np.array(list(scores.values()), dtype=np.float64)
    named = None if sources is None else [sources[item] for item in scores]
    known = [Decimal(call.cost_usd) for call in every if call.cost_usd is not None]
    took = [call.took_s for call in answered]
    return ModelSums(
        model=model,
        planned=plan.items * plan.repeats,
        asked=len(calls),
        answered=len(answered),
        failed=len(calls) - len(answered),
        unparsed=sum(not call.parsed for call in answered),
        scored=sum(call.score is not None for call in answered),
        n=len(values),
        mean=float(values.mean()) if len(values) else None,
        ci=interval(values, named, alpha),
        cost_usd=usd_text(sum(known, Decimal(0))) if known else None,
        unpriced=sum(call.unpriced for call in every),
        input_tokens=_total(call.input_tokens for call in answered),
        output_tokens=_total(call.output_tokens for call in answered),
        median_s=float(np.quantile(took, 0.5)) if took else None,
        p95_s=float(np.quantile(took, 0.95)) if took else None,
        deployments=tuple(sorted({call.deployment for call in answered if call.deployment is not None})),
    )


def _scores(calls: Iterable[Call]) -> dict[str, float]:
    """Return each item's score, its repeats averaged."""
    held: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        if call.score is not None:
            held[call.item].append(call.score)
    return {item: sum(scores) / len(scores) for item, scores in held.items()}


def interval(values: Floats, sources: Sequence[str] | None = None, alpha: float = _ALPHA) -> tuple[float, float] | None:
    """Return an interval of a mean, None where too little is known (fewer than 10 items, or 10 sources).

    For scores in [0, 1] Wilson's score interval at the effective size m(1 − m)/V, V the variance of the mean, over
    clusters CR2's (Franco, Little, Louis and Slud 2019, "Comparative Study of Confidence Intervals for Proportions in
    Complex Sample Surveys"), with Student's t; where nothing varied, at the number of items or sources. For other
    scores t. By simulation, at 0.95 it holds the truth in 93 to 97 of 100 draws from 20 items on, in up to 99 below
    and for rates near 0 or 1."""
    n = len(values)
    if n < LEAST_ITEMS:
        return None
    codes = np.arange(n) if sources is None else np.unique(sources, return_inverse=True)[1].astype(np.intp)
    found = clustered(values, codes) if int(codes.max()) else None
    if found is None or found.clusters < LEAST_CLUSTERS:
        return None
    mean, critical = found.mean, float(stdtrit(max(found.df, 1.0), 1 - alpha / 2))
    if values.min() >= 0 and values.max() <= 1:
        size = mean * (1 - mean) / found.variance if found.variance > 0 and 0 < mean < 1 else found.clusters
        return wilson(mean, float(size), critical)
    half = critical * float(np.sqrt(found.variance))
    return (mean - half, mean + half) if half > 0 else None


def _total(counts: Iterable[int | None]) -> int | None:
    """Return a sum; None where a part of it is unknown."""
    held = list(counts)
    known = [count for count in held if count is not None]
    return sum(known) if held and len(known) == len(held) else None
