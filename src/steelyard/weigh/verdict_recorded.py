"""Weigh two models by recorded results."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.flags import flags_of
from steelyard.weigh.results.pairs import Asked, Pairs, paired
from steelyard.weigh.results.sheet import Flag, Results
from steelyard.weigh.stats.bootstrap import RESAMPLES, bca
from steelyard.weigh.stats.clustered import Floats, Ints
from steelyard.weigh.stats.estimate import Estimate, estimate
from steelyard.weigh.stats.holm import holm_adjusted, holm_levels
from steelyard.weigh.stats.newcombe import newcombe
from steelyard.weigh.stats.power import items_needed
from steelyard.weigh.stats.tango import Score
from steelyard.weigh.verdict import Figures, SliceFigures, Verdict, Weighing, decided, overall

__all__ = ["Declared", "weighed"]

_APART = 0.25
"""Two intervals disagree where an end of one lies further from the other's than this share of its width."""


class Declared(Struct, frozen=True):
    """What is declared before anybody looks: the margin, in units of the score, the level, the seed."""

    margin: float
    alpha: float = 0.05
    seed: int = 0


def weighed(results: Results, asked: Asked, declared: Declared) -> Weighing:
    """Return the verdict. Raises ConfigError for results that contradict themselves or do not hold what was asked."""
    pairs = paired(results, asked)
    if pairs.scale == 1.0 and declared.margin >= 1:
        raise ConfigError(
            f"The margin is {declared.margin:g}, and no two of these scores differ by more than 1: every candidate "
            "would pass. A margin of 3 points in 100 is 0.03."
        )
    whole = _estimate(pairs, None)
    slices = _slices(pairs, declared)
    decision = _Decision(declared.margin, declared.alpha)
    figures = _figures(pairs, None, whole, decision)
    verdict = overall(figures.ci, declared.margin, slices)
    flags = [
        *_of_slices(slices, decided(figures.ci, declared.margin)),
        *_of_nothing(pairs),
        *_unknown(whole),
        *flags_of(pairs, asked.missing == "fail", len(asked.contaminated)),
        *_if_missing_failed(results, asked, pairs, figures, decision),
        *_tolerated(figures, verdict),
        *_second_opinions(pairs, whole, figures, declared),
        *results.flags,
    ]
    return Weighing(
        **msgspec.structs.asdict(figures),
        verdict=verdict,
        slices=tuple(slices),
        flags=tuple(flags),
        seed=declared.seed,
        inputs_sha256=results.sha256,
    )


class _Decision(Struct, frozen=True):
    """How a test is decided: the level of its interval, and the p-values that take the place of its own."""

    margin: float
    alpha: float
    p_noninferior: float | None = None
    p_difference: float | None = None


def _estimate(pairs: Pairs, rows: Ints | None) -> Estimate:
    differences: Floats = pairs.candidate - pairs.baseline
    if rows is None:
        return estimate(differences, pairs.codes, pairs.scale)
    return estimate(differences[rows], None if pairs.codes is None else pairs.codes[rows], pairs.scale)


def _figures(pairs: Pairs, rows: Ints | None, found: Estimate, decision: _Decision) -> Figures:
    """Return the figures of all pairs, or of some."""
    baseline, candidate = (scores if rows is None else scores[rows] for scores in (pairs.baseline, pairs.candidate))
    ci = _within(found.test.interval(decision.alpha), pairs.scale) if found.test is not None else None
    p_noninferior, p_difference = decision.p_noninferior, decision.p_difference
    if found.test is not None:
        p_noninferior = found.test.p_above(-decision.margin) if p_noninferior is None else p_noninferior
        p_difference = _two_sided(found, 0.0) if p_difference is None else p_difference
    needed = None
    if ci is not None and decided(ci, decision.margin) == "NEED_MORE":
        needed = _needed(found, decision)
    return Figures(
        n=found.n,
        clusters=found.clusters,
        baseline_mean=float(baseline.mean()) if found.n else None,
        candidate_mean=float(candidate.mean()) if found.n else None,
        difference=found.difference,
        se=found.se,
        ci=ci,
        method=found.method,
        margin=decision.margin,
        p_noninferior=p_noninferior,
        p_difference=p_difference,
        n_needed=None if needed is None else max(needed, found.n + 1),
    )


def _needed(found: Estimate, decision: _Decision) -> int | None:
    """Return how many items would do in all, for SWAP or for DON'T: on whichever side of the margin it was measured."""
    if found.test is None or found.se is None or found.difference is None:
        return None
    df = found.test.df if isinstance(found.test, Score) else None
    at_limit = found.test.error_at(-decision.margin)
    return items_needed(found.n, found.se, found.difference + decision.margin, decision.alpha, at_limit, df)


def _within(ci: tuple[float, float], scale: float) -> tuple[float, float]:
    return max(ci[0], -scale), min(ci[1], scale)


def _two_sided(found: Estimate, limit: float) -> float:
    assert found.test is not None
    return min(1.0, 2 * min(found.test.p_above(limit), found.test.p_below(limit)))


def _slices(pairs: Pairs, declared: Declared) -> list[SliceFigures]:
    """Return the figures of the slices, each decided at the level that Holm's procedure gives it.

    The family is every slice that has an interval: for each, whether its difference is −margin, two-sided."""
    found = [(one, _estimate(pairs, one.rows)) for one in pairs.slices]
    tested = [number for number, (_, figures) in enumerate(found) if figures.test is not None]
    at_margin = [_two_sided(found[number][1], -declared.margin) for number in tested]
    levels = dict(zip(tested, holm_levels(at_margin, declared.alpha), strict=True))
    adjusted = dict(zip(tested, holm_adjusted(at_margin), strict=True))
    differing = dict(zip(tested, holm_adjusted([_two_sided(found[number][1], 0.0) for number in tested]), strict=True))
    slices = []
    for number, (one, figures) in enumerate(found):
        decision = _Decision(
            declared.margin,
            levels.get(number, declared.alpha),
            _one_sided(figures, adjusted.get(number), declared.margin),
            differing.get(number),
        )
        told = _figures(pairs, one.rows, figures, decision)
        verdict = decided(told.ci, declared.margin)
        slices.append(SliceFigures(name=one.name, value=one.value, verdict=verdict, **msgspec.structs.asdict(told)))
    return slices


def _one_sided(found: Estimate, two_sided: float | None, margin: float) -> float | None:
    """Return the p-value of non-inferiority that goes with an adjusted two-sided one."""
    if two_sided is None or found.test is None:
        return None
    above = found.test.p_above(-margin) <= found.test.p_below(-margin)
    return two_sided / 2 if above else 1 - two_sided / 2


def _of_slices(slices: Sequence[SliceFigures], whole: Verdict) -> list[Flag]:
    flags = []
    rest = {"SWAP": "Over all items it would be SWAP", "DONT": "So it is over all items"}
    for one in slices:
        if one.verdict == "DONT" and one.ci is not None:
            text = (
                f"DON'T for {one.name} = {one.value}: worse by {-one.ci[1]:.3f} to {-one.ci[0]:.3f} "
                f"(corrected interval, n = {one.n}), and the margin is {one.margin:g}. "
                f"{rest.get(whole, 'Over all items nothing is decided')}."
            )
            flags.append(Flag("slice", text))
    unknown = [one for one in slices if one.ci is None]
    if unknown:
        told = "; ".join(
            f"{one.name} = {one.value} (n = {one.n}): {one.method.removeprefix('none: ')}" for one in unknown
        )
        flags.append(Flag("slice_unknown", f"Nothing can be said of {told}."))
    return flags


def _of_nothing(pairs: Pairs) -> list[Flag]:
    """Say of which slices there are items, and none that counts: a verdict is silent on them."""
    if not pairs.absent:
        return []
    told = "; ".join(f"{name} = {value} ({count} items)" for name, value, count in pairs.absent)
    return [Flag("slice_absent", f"Nothing can be said of {told}: none has a score of both models and counts.")]


_NEXT = {
    "few_items": "Weigh more items.",
    "few_clusters": "Gather items from more sources; items of the same sources would not help.",
    "unequal_clusters": "Gather items from more sources, of more equal size.",
    "few_differences": "Weigh more items, or harder ones.",
    "no_differences": "Are these the results of two models? If so, weigh harder items.",
    "one_difference": "Check the scorer: two models that differ by the same on every item are rare.",
}


def _unknown(found: Estimate) -> list[Flag]:
    if found.kind is None:
        return []
    if found.test is not None:
        what = "lost" if (found.difference or 0.0) < 0 else "won"
        return [Flag(found.kind, f"The candidate has {what} on every item. {_NEXT[found.kind]}")]
    return [Flag(found.kind, f"No interval: {found.method.removeprefix('none: ')}. {_NEXT[found.kind]}")]


def _if_missing_failed(
    results: Results, asked: Asked, pairs: Pairs, figures: Figures, decision: _Decision
) -> list[Flag]:
    """Say where the answer hangs on the scores that are missing."""
    lacking = any(side.missing for side in pairs.sides)
    if asked.missing == "fail" or not lacking or pairs.scale != 1.0 or any(pairs.one_sided):
        return []
    failed = paired(results, replace(asked, missing="fail", slices=()))
    would = _figures(failed, None, _estimate(failed, None), decision)
    mine, other = decided(figures.ci, decision.margin), decided(would.ci, decision.margin)
    if mine == other or would.difference is None:
        return []
    text = f"The answer hangs on missing scores: counted as failures it would be {other} ({would.difference:+.4f})."
    return [Flag("missing_decides", text)]


def _tolerated(figures: Figures, verdict: Verdict) -> list[Flag]:
    """Say where the candidate is worse beyond doubt, and the margin allows it."""
    if verdict != "SWAP" or figures.ci is None or figures.ci[1] >= 0:
        return []
    low, high = figures.ci
    text = f"The candidate is worse, by {-high:.3f} to {-low:.3f}; the margin of {figures.margin:g} allows for it."
    return [Flag("worse_within_margin", text)]


def _second_opinions(pairs: Pairs, found: Estimate, figures: Figures, declared: Declared) -> list[Flag]:
    """Flag where a bootstrap, or for right and wrong Newcombe's interval, says something else than the interval."""
    if found.test is None or figures.ci is None:
        return []
    differences: Floats = pairs.candidate - pairs.baseline
    grouped = pairs.codes if found.clusters is not None and found.clusters < found.n else None
    others = {
        f"BCa bootstrap ({RESAMPLES} samples, seed {declared.seed})": bca(
            differences, grouped, declared.alpha, declared.seed
        )
    }
    if isinstance(found.test, Score) and found.test.df is None and pairs.scale == 1.0:
        table = _outcomes(pairs)
        others["Newcombe's method 10"] = newcombe(*table, declared.alpha)
    return [
        Flag(
            "methods_disagree",
            f"{name} says [{other[0]:.4f}, {other[1]:.4f}], the interval [{figures.ci[0]:.4f}, "
            f"{figures.ci[1]:.4f}]: do not lean on its ends.",
        )
        for name, other in others.items()
        if other is not None and _disagree(figures.ci, other, declared.margin)
    ]


def _outcomes(pairs: Pairs) -> tuple[int, int, int, int]:
    """Return the pairs that both got right, the candidate alone, the baseline alone, and neither."""
    one, other = pairs.candidate > 0.5, pairs.baseline > 0.5
    return int((one & other).sum()), int((one & ~other).sum()), int((~one & other).sum()), int((~one & ~other).sum())


def _disagree(ci: tuple[float, float], other: tuple[float, float], margin: float) -> bool:
    width = ci[1] - ci[0]
    apart = max(abs(mine - theirs) for mine, theirs in zip(ci, other, strict=True)) > _APART * width
    return apart or decided(ci, margin) != decided(other, margin)
