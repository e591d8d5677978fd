"""Intervals that hold all at once, and the ranks that many estimates may have."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import Floats, Ints, Spread

__all__ = ["Chances", "Order", "check_count", "critical_value", "known_errors", "order_of", "ranks_of"]

Bools = NDArray[np.bool_]

_BLOCK = 2_000_000
"""Numbers that are worked on at a time: 16 MB."""

_FEW = 100
"""Degrees of freedom below which each difference's own error is simulated too."""

_MOST_MODELS: Final = 200
"""As many pairs as are still simulated in a minute, within a gigabyte."""

_NOTHING = 1e-9
"""A standard error below this share of the largest is rounding: nothing is known of that difference."""

_ROUNDING = 1e-7
"""So is that of a difference below this share of the errors of its two estimates: its square is what is left of theirs,
and a number has sixteen digits."""


class Chances(Struct, frozen=True):
    """How often all statements together may be wrong (`alpha`), and how that is simulated (`seed`, `draws`)."""

    alpha: float = 0.05
    seed: int = 0
    draws: int = 10_000


class Order(Struct, frozen=True, eq=False):
    """Which of K estimates are surely greater than which.

    `greater[i, j]`: estimate i is greater than j; all of these hold at once with confidence 1 − alpha. `critical`: the
    multiple of its standard error that any single difference may be off, all at once. `errors`: standard errors of the
    differences, not a number where nothing is known. `steps`: rounds of the step-down procedure.
    """

    greater: Bools
    critical: float
    errors: Floats
    steps: int

    def ranks(self) -> list[tuple[int, int]]:
        """Return for each estimate the best and the worst rank that it may have, 1 for the greatest."""
        return ranks_of(self.greater)


def ranks_of(greater: Bools) -> list[tuple[int, int]]:
    """Return the ranks that remain possible: 1 + those surely greater, to K − those surely smaller.

    Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for Ranks", Review of Economic Studies,
    doi:10.1093/restud/rdad006: confidence sets for ranks from simultaneous tests of all pairs, as in their package
    csranks.
    """
    above = greater.sum(axis=0)
    below = greater.sum(axis=1)
    return [(1 + int(up), len(greater) - int(down)) for up, down in zip(above, below, strict=True)]


def critical_value(spread: Spread, chances: Chances) -> float:
    """Return the multiple of their standard errors that the estimates themselves may be off, all at once.

    The 1 − alpha quantile of max_k |T_k|, T a multivariate t with the estimates' correlation (Hothorn, Bretz and
    Westfall 2008, "Simultaneous Inference in General Parametric Models"), by simulation. With fewer than 100
    degrees of freedom f every estimate has its own random standard error: then T_k = Z_k / √W_kk, with f·W of Wishart's
    distribution, as if the sums of the sources were normal.
    """
    own = np.sqrt(np.diagonal(_drawn_from(spread)).clip(min=0.0))
    known = own > _NOTHING * max(float(own.max(initial=0.0)), 1e-300)
    # Of an estimate that did not vary no correlation is known: it counts as independent, which is the most it can cost.
    scaled = np.random.default_rng((chances.seed, 1)).standard_t(spread.freedom, (chances.draws, len(own)))
    if spread.freedom >= _FEW:
        scaled[:, known] = _draws(spread, chances)[:, known] / own[known]
    else:
        for rows, normal, residual in _few_draws(spread, chances):
            errors = np.sqrt((residual**2).sum(axis=1) / spread.freedom)
            scaled[rows, known] = normal[:, known] / errors[:, known]
    return _quantile(np.abs(scaled).max(axis=1), chances.alpha)


def check_count(models: int, advice: str) -> None:
    """Raise ConfigError, with advice, for more models than can be compared all with all at once."""
    if models > _MOST_MODELS:
        raise ConfigError(
            f"There are {models:,} models, and {_MOST_MODELS} are the most that are ranked, since all pairs are "
            f"compared at once. {advice}"
        )


def known_errors(spread: Spread) -> Floats:
    """Return the standard errors of all differences, K × K: not a number where a difference did not vary."""
    errors = spread.errors_of_differences()
    own = np.square(spread.errors())
    least = np.maximum(_NOTHING * max(float(errors.max(initial=0.0)), 1e-300), _ROUNDING * np.sqrt(own[:, None] + own))
    found: Floats = np.where(errors > least, errors, np.nan)
    return found


def order_of(estimates: Floats, spread: Spread, chances: Chances, testable: Bools | None = None) -> Order:
    """Test all ordered pairs at once, and return which estimates are surely greater than which.

    Hypotheses "i is not greater than j" for all i ≠ j, T_ij = (estimate i − estimate j) / standard error, rejected
    above the simulated quantile of the greatest T among those not yet rejected, until nothing more is (Romano and Wolf
    2005, "Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing", as Mogstad et al. 2024 use it). The
    simulation is `critical_value`'s.
    Where `testable` is False, or the standard error is 0, nothing is ever claimed.
    """
    count = len(estimates)
    errors = known_errors(spread)
    first, second = np.triu_indices(count, 1)
    known = ~np.isnan(errors[first, second])
    if testable is not None:
        known &= testable[first, second]
    first, second = first[known], second[known]
    greater = np.zeros((count, count), dtype=np.bool_)
    if not len(first):
        return Order(greater, float("nan"), errors, 0)
    statistics = (estimates[first] - estimates[second]) / errors[first, second]
    greatest = _maxima(spread, chances, (first, second))
    signs = np.zeros(len(first), dtype=np.int64)
    critical = single = _quantile(greatest(signs), chances.alpha)
    steps = 0
    while True:
        steps += 1
        found = np.where(np.abs(statistics) > critical, np.sign(statistics), 0).astype(np.int64)
        if (found == signs).all():
            break
        signs = found
        # Quantiles over fewer hypotheses are never greater: what was rejected once stays so.
        critical = min(critical, _quantile(greatest(signs), chances.alpha))
    greater[first[signs > 0], second[signs > 0]] = True
    greater[second[signs < 0], first[signs < 0]] = True
    return Order(greater, single, errors, steps)


def _drawn_from(spread: Spread) -> Floats:
    """Return the covariance to draw from: where two ways cancelled out, the sum of both, which cannot."""
    if spread.patched:
        total: Floats = np.sum(spread.floors, axis=0)
        return total
    return spread.covariance


def _draws(spread: Spread, chances: Chances) -> Floats:
    """Draw from the multivariate t that the estimates' errors follow, draws × K."""
    values, vectors = np.linalg.eigh(_drawn_from(spread))
    root = vectors * np.sqrt(values.clip(min=0.0))
    generator = np.random.default_rng(chances.seed)
    normal = generator.standard_normal((chances.draws, len(values))) @ root.T
    scale = np.sqrt(generator.chisquare(spread.freedom, chances.draws) / spread.freedom)
    found: Floats = normal / scale[:, None]
    return found


def _few_draws(spread: Spread, chances: Chances) -> Iterator[tuple[slice, Floats, Floats]]:
    """Draw the errors of estimates (draws × K), and residuals r (draws × any × K) whose rᵀr / f is their covariance.

    With f ≥ K by Bartlett's decomposition of Wishart's distribution (Bartlett 1933): r = Aᵀ·root, A lower triangular
    with normal elements and roots of χ² with f, f − 1, … degrees of freedom on its diagonal. Else r are f normal rows.
    """
    values, vectors = np.linalg.eigh(_drawn_from(spread))
    root = (vectors * np.sqrt(values.clip(min=0.0))).T
    count, freedom = len(values), spread.freedom
    generator = np.random.default_rng(chances.seed)
    below = np.tril_indices(count, -1)
    for rows in _blocks(chances.draws, min(count, freedom) * count):
        drawn = rows.stop - rows.start
        normal = generator.standard_normal((drawn, count)) @ root
        if freedom < count:
            yield rows, normal, generator.standard_normal((drawn, freedom, count)) @ root
            continue
        factor = np.zeros((drawn, count, count))
        factor[:, below[1], below[0]] = generator.standard_normal((drawn, len(below[0])))
        diagonal = np.arange(count)
        factor[:, diagonal, diagonal] = np.sqrt(generator.chisquare(freedom - diagonal, (drawn, count)))
        yield rows, normal, factor @ root


def _maxima(spread: Spread, chances: Chances, pair: tuple[Ints, Ints]) -> Callable[[Ints], Floats]:
    """Return what gives, for each draw, the greatest statistic of the hypotheses that stand.

    Its argument: 0 where both directions stand, 1 where only "second over first" does, −1 the other way round.
    """
    if spread.freedom < _FEW:
        return partial(_greatest_known, _few_statistics(spread, chances, pair))
    covariance = _drawn_from(spread)
    own = np.diagonal(covariance)
    squares = own[pair[0]] + own[pair[1]] - 2 * covariance[pair]
    return partial(_greatest, _draws(spread, chances), np.sqrt(squares.clip(min=0.0)), pair)


def _few_statistics(spread: Spread, chances: Chances, pair: tuple[Ints, Ints]) -> NDArray[np.float32]:
    """Return each draw's statistics, draws × pairs."""
    found = np.zeros((chances.draws, len(pair[0])), dtype=np.float32)
    for rows, normal, residual in _few_draws(spread, chances):
        together = np.matmul(residual.transpose(0, 2, 1), residual) / spread.freedom
        own = np.diagonal(together, axis1=1, axis2=2)
        squares = own[:, pair[0]] + own[:, pair[1]] - 2 * together[:, pair[0], pair[1]]
        difference = normal[:, pair[0]] - normal[:, pair[1]]
        found[rows] = np.divide(
            difference, np.sqrt(squares.clip(min=0.0)), where=squares > 0, out=np.zeros_like(squares)
        )
    return found


def _greatest_known(statistics: NDArray[np.float32], signs: Ints) -> Floats:
    found = np.empty(len(statistics))
    for rows in _blocks(*statistics.shape):
        part = statistics[rows]
        found[rows] = np.where(signs == 0, np.abs(part), -signs * part).max(axis=1)
    return found


def _greatest(drawn: Floats, errors: Floats, pair: tuple[Ints, Ints], signs: Ints) -> Floats:
    first, second = pair
    inverse = np.divide(1.0, errors, out=np.zeros_like(errors), where=errors > 0)
    both = signs == 0
    weight = np.where(both, inverse, -signs * inverse).astype(np.float32)
    # Quantiles of simulated maxima need no more than seven digits, and half the memory is half the time.
    small = drawn.astype(np.float32)
    found = np.empty(len(drawn))
    for rows in _blocks(len(drawn), len(first)):
        part = small[rows]
        scaled = part[:, first]
        scaled -= part[:, second]
        scaled *= weight
        np.abs(scaled, out=scaled, where=both)
        found[rows] = scaled.max(axis=1)
    return found


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(columns, 1))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _quantile(values: Floats, alpha: float) -> float:
    """Return the order statistic that makes the simulated test exact: number ⌈(1 − alpha)(B + 1)⌉ of B."""
    place = min(len(values), int(np.ceil((1 - alpha) * (len(values) + 1))))
    return float(np.partition(values, place - 1)[place - 1])
