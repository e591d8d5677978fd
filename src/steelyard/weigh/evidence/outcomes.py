"""Who was right where the other was not; or, where scores are graded, who did better."""

from collections.abc import Sequence

import numpy as np

from steelyard.weigh.evidence.document import Outcome, OutcomeKind, Outcomes, Row
from steelyard.weigh.evidence.means import clusters_of, mean_of
from steelyard.weigh.stats.clustered import Floats

__all__ = ["outcomes_of"]


def outcomes_of(rows: Sequence[Row], alpha: float) -> Outcomes:
    """Return the counts, and their shares with intervals at confidence 1 − `alpha`."""
    one: Floats = np.array([row.baseline for row in rows], dtype=np.float64)
    other: Floats = np.array([row.candidate for row in rows], dtype=np.float64)
    binary = bool(rows) and bool(np.isin(one, (0, 1)).all() and np.isin(other, (0, 1)).all())
    kinds: dict[OutcomeKind, np.ndarray[tuple[int], np.dtype[np.bool_]]]
    if binary:
        kinds = {
            "both_right": (one == 1) & (other == 1),
            "baseline_only": (one == 1) & (other == 0),
            "candidate_only": (one == 0) & (other == 1),
            "both_wrong": (one == 0) & (other == 0),
        }
    else:
        kinds = {"candidate_better": other > one, "equal": other == one, "baseline_better": other < one}
    codes = clusters_of(rows)
    return Outcomes(
        binary=binary,
        n=len(rows),
        kinds=tuple(
            Outcome(kind=kind, count=int(held.sum()), share=mean_of(held.astype(np.float64), codes, alpha))
            for kind, held in kinds.items()
        ),
    )
