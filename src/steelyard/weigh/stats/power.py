"""How many items a comparison needs, from the spread of those that were measured.

The paired sample size of E. Miller, "Adding Error Bars to Evals", arXiv 2411.00640, section 5, for a limit other than
0: to tell a true difference from a limit that lies `gap` away, with power 1 − β,

    n = (z_{1−α/2} ω₀ + z_{1−β} ω₁)² / gap²,     ω₁² = n₀ se²  the variance of one item's difference

A score test divides by the spread that the difference would have if the limit were true, ω₀ (C. P. Farrington and
G. Manning, "Test statistics and sample size formulae for comparative binomial trials with null hypothesis of non-zero
risk difference or non-unity relative risk", Statistics in Medicine 9 (1990) 1447–1454, formula 4). Of models that
hardly ever differ it is much the greater: with two losses in a hundred and a margin of 0.05, ω₁ alone promises 164
items, on which SWAP comes in 3 of 10 trials. Where the spread is estimated, t takes z's place in the first term.

With clusters, se holds the design effect, and the answer supposes clusters of the sizes that were measured.
"""

import math

from scipy.special import ndtri, stdtrit

__all__ = ["POWER", "items_needed"]

POWER = 0.8
_MOST = 10**9
_ROUNDS = 8


def items_needed(
    n: int,
    se: float,
    gap: float,
    alpha: float,
    at_limit: float | None = None,
    df: float | None = None,
) -> int | None:
    """Return the items needed in all, of which `n` gave the standard error `se`; None where no number would do.

    `gap` is the distance from the measured difference to the limit that it must be told from: as near as nothing, no
    number of items tells them apart. `at_limit` is the standard error that the test divides by (None: `se`), and `df`
    the degrees of freedom of what it is estimated from (None: none), which grow with the items."""
    if gap == 0.0 or not se > 0.0:
        return None
    error = se if at_limit is None else at_limit
    needed = float(n)
    for _ in range(1 if df is None else _ROUNDS):
        beyond = float(ndtri(1 - alpha / 2)) if df is None else float(stdtrit(max(df * needed / n, 1), 1 - alpha / 2))
        needed = n * ((beyond * error + float(ndtri(POWER)) * se) / abs(gap)) ** 2
    return math.ceil(needed - 1e-9) if needed <= _MOST else None
