"""The verdict on two models by what people say of some items and judges of all: by the corrected difference, or none.

A judge's own figure decides nothing. People's labels of a random sample take its errors out (`prediction_powered`);
where there are too few of them the verdict is NEED_MORE, with how many labels would do.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from steelyard.core.errors import ConfigError
from steelyard.core.loose import Members
from steelyard.weigh.judges.said import Floats
from steelyard.weigh.judging.agreement import FEWEST_LABELS
from steelyard.weigh.judging.prediction_powered import (
    FEWEST_EVENTS,
    Corrected,
    Labelled,
    Refused,
    corrected_mean,
    freedom_of,
)
from steelyard.weigh.stats.estimate import LEAST_CLUSTERS, Estimate, estimate
from steelyard.weigh.stats.power import POWER
from steelyard.weigh.verdict import Verdict, decided

__all__ = ["Absent", "Outcome", "Question", "outcome", "p_values"]

_MOST: Final = 10**9


class Absent(Struct, frozen=True):
    """Shares of the items that only one of the models has no answer to."""

    baseline: float = 0.0
    candidate: float = 0.0


class Question(Struct, frozen=True, kw_only=True):
    """What is to be decided. `margin` None: nothing, the corrected difference is only told. `scale` is the largest
    difference that an item can have."""

    margin: float | None
    alpha: float
    scale: float = 1.0
    absent: Absent = Absent()


class Outcome(Struct, frozen=True, kw_only=True):
    """A verdict, or why there is none.

    `difference` is candidate less baseline as people would have it; `corrected` how it came about, None where it comes
    from labels alone, or there is none. `labels_needed` are further labels on these items, should the difference stay
    as it is; None where no further label is needed, or no number of labels on these items would do."""

    verdict: Verdict | None
    reason: str | None
    judged: int
    labelled: int
    clusters: int | None
    difference: float | None = None
    se: float | None = None
    ci: tuple[float, float] | None = None
    method: str
    labels_needed: int | None = None
    corrected: Corrected | None = None


def outcome(lean: Floats, people: Mapping[int, float], codes: NDArray[np.int64] | None, question: Question) -> Outcome:
    """Return what follows from the judges' `lean` of each item, and from people's of some, by place.

    `codes` say of each item which source it is from; None: no two share one."""
    labelled = _labelled(lean, people, codes)
    human = labelled.human
    clusters = None if codes is None else len(np.unique(codes))
    counted: Members = {"judged": len(lean), "labelled": len(human), "clusters": clusters}
    if _by_labels_alone(labelled):
        return _by_people(labelled, question, counted)
    found = _corrected(labelled, question.alpha)
    if isinstance(found, Refused):
        # No label makes more sources of those that there are.
        needed = None if clusters is not None and clusters < LEAST_CLUSTERS else _labels_short(human, labelled.judge)
        return Outcome(
            verdict=None if question.margin is None else "NEED_MORE",
            reason=found.reason,
            method=f"none: {found.reason}",
            labels_needed=needed,
            **counted,
        )
    verdict, reason = _decided(found.ci, question)
    return Outcome(
        verdict=verdict,
        reason=reason,
        difference=found.estimate,
        se=found.se,
        ci=found.ci,
        method=found.method,
        labels_needed=_labels_to_decide(found, human - found.weight * labelled.judge, labelled.rest, question)
        if verdict == "NEED_MORE"
        else None,
        corrected=found,
        **counted,
    )


def p_values(
    lean: Floats, people: Mapping[int, float], codes: NDArray[np.int64] | None, question: Question
) -> tuple[float, float] | None:
    """Return the p-values of "the difference is −margin, or less" and "or more", one-sided, by the same method as
    `outcome`; without a margin, of 0. None where there is no interval."""
    limit = -(question.margin or 0.0)
    labelled = _labelled(lean, people, codes)
    if _by_labels_alone(labelled):
        test = _estimate(labelled, question).test
        return None if test is None else (test.p_above(limit), test.p_below(limit))
    found = _corrected(labelled, question.alpha)
    if isinstance(found, Refused):
        return None
    gap, freedom = found.estimate - limit, freedom_of(labelled)
    ratio = gap / found.se if found.se else math.copysign(math.inf, gap)
    return float(student.sf(ratio, freedom)), float(student.cdf(ratio, freedom))


def _labelled(lean: Floats, people: Mapping[int, float], codes: NDArray[np.int64] | None) -> Labelled:
    places = np.asarray(sorted(people), dtype=np.int64)
    human = np.asarray([people[int(place)] for place in places], dtype=np.float64)
    rest = np.setdiff1d(np.arange(len(lean)), places)
    of_places, of_rest = (None, None) if codes is None else (codes[places], codes[rest])
    return Labelled(human, lean[places], lean[rest], of_places, of_rest, difference=True)


def _by_labels_alone(labelled: Labelled) -> bool:
    """Whether so few items are without a label that people's labels say it all."""
    return len(labelled.human) >= FEWEST_LABELS and len(labelled.rest) < FEWEST_LABELS


def _corrected(labelled: Labelled, alpha: float) -> Corrected | Refused:
    if len(labelled.human) >= FEWEST_LABELS and not labelled.human.any():
        reason = f"People tell the two models apart on none of {len(labelled.human)} labelled items. Label more items."
        return Refused(reason, len(labelled.human))
    return corrected_mean(labelled, alpha)


def _estimate(labelled: Labelled, question: Question) -> Estimate:
    codes = labelled.groups
    dense = None if codes is None else np.unique(codes, return_inverse=True)[1].astype(np.intp)
    return estimate(labelled.human, dense, question.scale)


def _by_people(labelled: Labelled, question: Question, counted: Members) -> Outcome:
    found = _estimate(labelled, question)
    ci = found.test.interval(question.alpha) if found.test is not None else None
    if ci is not None:
        ci = max(-question.scale, ci[0]), min(question.scale, ci[1])
    verdict, reason = _decided(ci, question)
    return Outcome(
        verdict=verdict,
        reason=found.method.removeprefix("none: ") if ci is None else reason,
        difference=found.difference,
        se=found.se,
        ci=ci,
        method=f"people's labels alone: {found.method}",
        **counted,
    )


def _decided(ci: tuple[float, float] | None, question: Question) -> tuple[Verdict | None, str | None]:
    if question.margin is None:
        return None, "No margin was declared, so nothing is decided."
    verdict = decided(ci, question.margin)
    if ci is None or verdict == "NEED_MORE":
        return verdict, "The interval of the corrected difference holds the margin."
    if decided(_with_absent(ci, question), question.margin) != verdict:
        return "NEED_MORE", (
            "It hangs on answers that are missing: were each of them the worse one of its pair, the verdict would be "
            "another."
        )
    return verdict, None


def _with_absent(ci: tuple[float, float], question: Question) -> tuple[float, float]:
    """Return the interval with every missing answer counted as the worse one of its pair."""
    absent = question.absent
    there = 1 - absent.baseline - absent.candidate
    shift = (absent.baseline - absent.candidate) * question.scale
    return there * ci[0] + shift, there * ci[1] + shift


def _labels_short(human: Floats, judge: Floats) -> int:
    """Return how many further labels it takes before a correction is not refused, as far as can be told."""
    n = len(human)
    ternary = bool(np.isin(human, (-1.0, 0.0, 1.0)).all() and (np.abs(judge) <= 1).all())
    seen = int((human != 0).sum()) if ternary else int((np.abs(human - judge) > 1e-9).sum())
    short = max(0, FEWEST_LABELS - n)
    if n >= FEWEST_LABELS and seen < FEWEST_EVENTS:
        short = math.ceil(n * FEWEST_EVENTS / seen) - n if seen else n
    return max(1, short)


def _labels_to_decide(found: Corrected, residuals: Floats, rest: Floats, question: Question) -> int | None:
    """Return how many further labels would tell the difference from the margin with power 0.8; None: none would do.

    Miller 2024 (arXiv 2411.00640), section 5, solved for n in the variance s²/n + λ² v/N of `corrected_mean`."""
    if question.margin is None:
        raise ConfigError("Nothing is decided without a margin.")
    gap = abs(found.estimate + question.margin)
    reach = float(norm.ppf(1 - question.alpha / 2)) + float(norm.ppf(POWER))
    left = (gap / reach) ** 2 - found.weight**2 * float(rest.var(ddof=1)) / len(rest)
    if left <= 0:
        return None
    needed = float(residuals.var(ddof=1)) / left
    further = math.ceil(needed) - len(residuals) if needed < _MOST else _MOST
    return max(1, further) if further <= len(rest) else None
