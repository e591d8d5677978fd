"""What follows from a document's rows and calls, computed once more."""

from hashlib import sha256

import numpy as np

from steelyard.weigh.evidence.document import SIDES, Evidence, Mean, Outcomes, Row, Side, Spending
from steelyard.weigh.evidence.means import means_of
from steelyard.weigh.evidence.outcomes import outcomes_of
from steelyard.weigh.evidence.rows import results_of_rows
from steelyard.weigh.evidence.spending import spending_of
from steelyard.weigh.results.pairs import NO_CLUSTER, Asked
from steelyard.weigh.verdict import Weighing
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = [
    "asked_of",
    "level_of",
    "means_again",
    "outcomes_again",
    "row_scores_again",
    "spending_again",
    "weighed_again",
]


def asked_of(evidence: Evidence) -> Asked:
    """Return what was asked for, but for the list of contaminated items: they are no rows."""
    declared = evidence.declared
    return Asked(
        evidence.models["baseline"].name,
        evidence.models["candidate"].name,
        declared.cluster,
        declared.slices,
        declared.missing,
    )


def level_of(evidence: Evidence) -> Declared:
    """Return the margin, the level and the seed."""
    return Declared(evidence.declared.margin, evidence.declared.alpha, evidence.declared.seed)


def _inputs_digest(evidence: Evidence) -> str:
    """Return the digest of the files, as `weigh recorded` tells it; for calls, what the document states."""
    digests = [one.sha256 for one in evidence.inputs if one.role == "results"]
    if not digests:
        return evidence.verdict.inputs_sha256
    return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()


def weighed_again(evidence: Evidence) -> Weighing:
    """Return what the rows say. Raises ConfigError where they cannot be weighed."""
    asked = asked_of(evidence)
    models = asked.baseline, asked.candidate
    digest = _inputs_digest(evidence)
    results = results_of_rows(evidence.rows, asked.slices, evidence.cluster_column, models, digest)
    if evidence.cluster_column is None and asked.cluster not in (None, NO_CLUSTER):
        asked = Asked(asked.baseline, asked.candidate, None, asked.slices, asked.missing)
    with np.errstate(all="ignore"):
        return weighed(results, asked, level_of(evidence))


def outcomes_again(evidence: Evidence) -> Outcomes:
    """Return who did better, counted from the rows."""
    return outcomes_of(evidence.rows, evidence.declared.alpha)


def means_again(evidence: Evidence) -> dict[Side, Mean]:
    """Return the means of both sides."""
    return dict(zip(SIDES, means_of(evidence.rows, evidence.declared.alpha), strict=True))


def spending_again(evidence: Evidence) -> dict[Side, Spending | None]:
    """Return what the calls came to. Raises ConfigError for costs that are no amounts."""
    return {side: spending_of(evidence.calls, side) for side in SIDES}


def row_scores_again(evidence: Evidence) -> list[tuple[Row, Side, float | None]]:
    """Return the rows whose score is not the mean of their calls' scores, with that mean (None: no call has one)."""
    scores: dict[tuple[str, Side], list[float | None]] = {}
    for call in evidence.calls:
        if not call.counts:
            continue
        scores.setdefault((call.item, call.side), []).append(call.score)
    failing = evidence.declared.missing == "fail"
    apart: list[tuple[Row, Side, float | None]] = []
    for row in evidence.rows:
        for side in SIDES:
            given = scores.get((row.item, side), [])
            known = [0.0 if one is None else one for one in given if failing or one is not None]
            mean = float(np.mean(known)) if known else 0.0 if failing else None
            if mean is None or abs(mean - getattr(row, side)) > 1e-9:
                apart.append((row, side, mean))
    return apart
