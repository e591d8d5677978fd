"""Correct a judge's scores by a small set that people labelled: prediction-powered inference.

Sources: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023, "Prediction-powered inference", Science 382 (PPI: the
mean of the judged, plus the mean of label minus judgement); Angelopoulos, Duchi and Zrnic 2023, "PPI++: Efficient
Prediction-Powered Inference", arXiv 2311.01453 (the judgements' weight λ that makes the variance smallest).

When it is refused, and why. Each rule was found by simulation (`tests/weigh/judging/test_coverage.py` repeats cells):

- fewer than 30 labels: quantiles of so few residuals are not worth an interval;
- fewer than 5 labels of the rarer kind (for a difference: fewer than 5 items on which people tell the models apart):
  of an event of 5 %, 50 labels hold 2 or 3, and the plain interval covers 91 % and less;
- a judge that people contradict less than 5 times, where the scores are not binary: the residuals' variance is then a
  guess. For binary scores that is cured, not refused: two imagined labels, one contradiction either way, enter the
  variance and λ (as Bonett and Price 2012 do for paired shares). Without them, 50 labels and a judge whose only
  mistakes are 6 % false positives cover 79 %; with them never less than 93 %, and more than 97 % where contradictions
  are few.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.stats import t as student

from steelyard.core.errors import ConfigError
from steelyard.weigh.judging.agreement import FEWEST_LABELS
from steelyard.weigh.judging.proportions import wilson

__all__ = ["FEWEST_EVENTS", "Corrected", "Labelled", "Refused", "corrected_mean", "difference_of", "freedom_of"]

Floats = NDArray[np.float64]

FEWEST_EVENTS = 5
"""Labels of the rarer kind, below which an interval would rest on luck."""

_FEWEST_GROUPS = 10
_UNLIKE = 3.0
"""Standard errors by which the judge's mean on labelled items may differ from the rest before it is remarked."""


class Labelled(Struct, frozen=True, eq=False):
    """Scores of a random sample that people labelled (`human`), the judge's on the same items (`judge`), and the
    judge's on items without a label (`rest`).

    `groups`, `rest_groups`: the source that items share; None: no two do. `difference`: they are differences of scores,
    which may be negative though none of these is; else scores of 0 and 1 are shares.
    """

    human: Floats
    judge: Floats
    rest: Floats
    groups: NDArray[np.int64] | None = None
    rest_groups: NDArray[np.int64] | None = None
    difference: bool = False


class Corrected(Struct, frozen=True, kw_only=True):
    """A mean that people's labels and the judge's verdicts give together.

    `weight`: λ, how far the judge is trusted (0: not at all). `uncorrected`: the judge's own mean over all items.
    `by_labels`: what the labels alone give. `contradictions`: labelled items on which judge and people differ. `gain`:
    how many labels the judge is worth: the labels' variance over this one's; None where that is not known.
    """

    estimate: float
    se: float
    ci: tuple[float, float]
    weight: float
    labels: int
    judged: int
    contradictions: int
    uncorrected: float
    by_labels: float
    by_labels_se: float
    gain: float | None
    method: str
    flags: tuple[str, ...]


class Refused(Struct, frozen=True):
    """No correction, and why."""

    reason: str
    labels: int


def difference_of(first: Labelled, second: Labelled) -> Labelled:
    """Return first minus second, item by item. Raises ConfigError where they are not of the same items."""
    if len(first.human) != len(second.human) or len(first.rest) != len(second.rest):
        raise ConfigError("A paired difference needs both models' scores on the same items, in the same order.")
    return Labelled(
        first.human - second.human,
        first.judge - second.judge,
        first.rest - second.rest,
        first.groups,
        first.rest_groups,
        difference=True,
    )


def corrected_mean(labelled: Labelled, alpha: float = 0.05) -> Corrected | Refused:
    """Return the mean score that people would give, or why it cannot be told.

    θ̂ = λ·mean(rest) + mean(human − λ·judge) (PPI++ for the mean), with λ̂ = Cov(human, judge) / ((1 + n/N) Var(judge))
    within [0, 1] (its power tuning), n labels and N others. Variance: of the labelled residuals over n, and λ² times
    that of the others over N; by sources where there are `groups`. Student's t with n − 1 (or sources − 1) degrees of
    freedom. For scores of 0 and 1 the interval is Wilson's, with the effective size θ̂(1 − θ̂)/variance. Raises
    ConfigError where a score is missing or numbers differ.
    """
    _check(labelled)
    kind = _kind(labelled)
    reason = _too_few(labelled, kind)
    if reason is not None:
        return Refused(reason, len(labelled.human))
    human, judge, groups = _with_imagined(labelled, kind)
    n, others = len(labelled.human), len(labelled.rest)
    weight = _weight(human, judge, labelled.rest, n / others)
    estimate = weight * float(labelled.rest.mean()) + float((labelled.human - weight * labelled.judge).mean())
    residuals = human - weight * judge
    own = (residuals - residuals.mean()) / len(residuals)
    rest = weight * (labelled.rest - labelled.rest.mean()) / others
    variance = _variance(own, rest, groups, labelled.rest_groups)
    critical = float(student.ppf(1 - alpha / 2, freedom_of(labelled)))
    error = float(np.sqrt(variance))
    alone = (labelled.human - labelled.human.mean()) / n
    by_labels = _variance(alone, np.zeros(0), labelled.groups, np.zeros(0, dtype=np.int64))
    return Corrected(
        estimate=estimate,
        se=error,
        ci=_interval(estimate, error, critical, kind),
        weight=weight,
        labels=n,
        judged=others,
        contradictions=_contradictions(labelled),
        uncorrected=float(np.concatenate([labelled.judge, labelled.rest]).mean()),
        by_labels=float(labelled.human.mean()),
        by_labels_se=float(np.sqrt(by_labels)),
        gain=by_labels / variance if variance > 0 else None,
        method=_METHODS[kind],
        flags=_flags(labelled, weight),
    )


_METHODS = {
    "binary": "PPI++, two imagined contradictions, Wilson's interval with effective size, Student's t",
    "ternary": "PPI++ of the paired difference, two imagined contradictions, Student's t",
    "number": "PPI++, Student's t",
}


def freedom_of(labelled: Labelled) -> int:
    """Return the degrees of freedom of a corrected mean: labels, or their sources, less one."""
    return (len(labelled.human) if labelled.groups is None else len(np.unique(labelled.groups))) - 1


def _check(labelled: Labelled) -> None:
    if len(labelled.human) != len(labelled.judge):
        raise ConfigError(
            f"There are {len(labelled.human)} labels and {len(labelled.judge)} verdicts on them. "
            "Give both of every labelled item."
        )
    for name, values in (("label", labelled.human), ("verdict", labelled.judge), ("verdict", labelled.rest)):
        if np.isnan(values).any():
            raise ConfigError(f"A {name} is missing. Leave out items that were not read, and report how many they are.")


def _kind(labelled: Labelled) -> str:
    human = set(np.unique(labelled.human).tolist())
    every = np.concatenate([labelled.judge, labelled.rest])
    least, most = float(every.min(initial=0.0)), float(every.max(initial=0.0))
    if not labelled.difference and human <= {0.0, 1.0} and least >= 0 and most <= 1:
        return "binary"
    if human <= {-1.0, 0.0, 1.0} and least >= -1 and most <= 1:
        return "ternary"
    return "number"


def _too_few(labelled: Labelled, kind: str) -> str | None:
    n, others = len(labelled.human), len(labelled.rest)
    if n < FEWEST_LABELS:
        return f"{n} labels are too few to correct a judge by. Label at least {FEWEST_LABELS} items, drawn at random."
    if others < FEWEST_LABELS:
        return f"Only {others} items have no label, so the labels say it all: use their mean."
    for groups in (labelled.groups, labelled.rest_groups):
        if groups is not None and len(np.unique(groups)) < _FEWEST_GROUPS:
            return f"The items come from {len(np.unique(groups))} sources; at least {_FEWEST_GROUPS} are needed."
    if kind == "number":
        seen = _contradictions(labelled)
        what = "items on which judge and people differ"
    elif kind == "ternary":
        seen = int((labelled.human != 0).sum())
        what = "labelled items on which people tell the two models apart"
    else:
        ones = int((labelled.human == 1).sum())
        seen = min(ones, n - ones)
        what = f"labels of {1 if ones < n - ones else 0}"
    if seen < FEWEST_EVENTS:
        return f"The event is too rare: {seen} {what} among {n}; at least {FEWEST_EVENTS} are needed. Label more items."
    return None


def _with_imagined(labelled: Labelled, kind: str) -> tuple[Floats, Floats, NDArray[np.int64] | None]:
    """Return labels, verdicts and groups with one imagined contradiction either way, where scores are bounded."""
    if kind == "number":
        return labelled.human, labelled.judge, labelled.groups
    human, judge = ([1.0, 0.0], [0.0, 1.0]) if kind == "binary" else ([1.0, -1.0], [0.0, 0.0])
    groups = labelled.groups
    if groups is not None:
        top = int(groups.max())
        if labelled.rest_groups is not None and len(labelled.rest_groups):
            top = max(top, int(labelled.rest_groups.max()))
        groups = np.concatenate([groups, [top + 1, top + 2]])
    return np.concatenate([labelled.human, human]), np.concatenate([labelled.judge, judge]), groups


def _weight(human: Floats, judge: Floats, rest: Floats, ratio: float) -> float:
    spread = float(np.concatenate([judge, rest]).var(ddof=1))
    if not spread > 0:
        return 0.0
    together = float(((human - human.mean()) * (judge - judge.mean())).mean())
    return float(np.clip(together / ((1 + ratio) * spread), 0.0, 1.0))


def _variance(
    own: Floats, rest: Floats, groups: NDArray[np.int64] | None, rest_groups: NDArray[np.int64] | None
) -> float:
    """Return the variance of the sum of influences, added up by source first, each part with its own correction."""
    if groups is None and rest_groups is None:
        return _part(own) + _part(rest)
    of_own = np.arange(len(own)) if groups is None else groups
    of_rest = -1 - np.arange(len(rest)) if rest_groups is None else rest_groups
    _, codes = np.unique(np.concatenate([of_own, of_rest]), return_inverse=True)
    summed: Floats = np.bincount(codes, np.concatenate([own, rest])).astype(np.float64)
    return _part(summed)


def _part(influences: Floats) -> float:
    count = len(influences)
    return float((influences**2).sum()) * count / (count - 1) if count > 1 else 0.0


def _interval(estimate: float, error: float, critical: float, kind: str) -> tuple[float, float]:
    if kind == "binary" and 0 < estimate < 1 and error > 0:
        return wilson(estimate, estimate * (1 - estimate) / error**2, critical)
    low, high = estimate - critical * error, estimate + critical * error
    if kind == "number":
        return low, high
    least = 0.0 if kind == "binary" else -1.0
    return min(max(least, low), 1.0), max(min(1.0, high), least)


def _contradictions(labelled: Labelled) -> int:
    return int((np.abs(labelled.human - labelled.judge) > 1e-9).sum())


def _flags(labelled: Labelled, weight: float) -> tuple[str, ...]:
    found = []
    judge, rest = labelled.judge, labelled.rest
    apart = float(np.sqrt(judge.var(ddof=1) / len(judge) + rest.var(ddof=1) / len(rest)))
    if apart > 0 and abs(judge.mean() - rest.mean()) > _UNLIKE * apart:
        found.append(
            f"The judge's mean is {judge.mean():.3f} on labelled items and {rest.mean():.3f} on the others: "
            "the labelled ones look like no random sample, and then no correction holds."
        )
    if judge.std() == 0 and rest.std() == 0:
        found.append("The judge says the same of every item: nothing is gained by it.")
    elif weight == 0:
        found.append("The judge's scores do not rise with people's: it is not trusted at all, and only labels count.")
    return tuple(found)
