"""What intervals and ranks promise, by simulation: a few cells with fixed seeds. `bench/weigh_rank.py --grid` has more.

Each cell names how often all intervals together hold; at 0.95 and 300 repetitions, luck alone moves that by 0.013.
"""

import numpy as np
import pytest
from bench.weigh_rank import simulated
from msgspec.structs import replace
from scipy.special import ndtri

from steelyard.weigh.ranking.clusters import Clusters, Floats
from steelyard.weigh.ranking.fit import Ties, fit_strengths
from steelyard.weigh.ranking.means import Scores, rank_means
from steelyard.weigh.ranking.simultaneous import Chances
from steelyard.weigh.ranking.strengths import Strengths, rank_votes
from steelyard.weigh.ranking.votes import Votes

pytestmark = pytest.mark.slow

QUICK = Chances(draws=499)
TRIES = 300


def holds(found: Strengths, truth: Floats) -> bool:
    """Say whether all intervals hold the truth."""
    estimates = dict(zip((row.model for row in found.rows), found.rows, strict=True))
    intervals = [estimates[f"model-{number}"].ci for number in range(len(truth))]
    return all(ci is not None and ci[0] <= true <= ci[1] for ci, true in zip(intervals, truth, strict=True))


def rightly_ranked(found: Strengths, truth: Floats) -> bool:
    """Say whether all ranges hold the true rank."""
    ranks = {row.model: row.rank for row in found.rows}
    true = [1 + int((truth > one).sum()) for one in truth]
    return all(ranks[f"model-{number}"][0] <= rank <= ranks[f"model-{number}"][1] for number, rank in enumerate(true))


def crossed(strengths: Floats, sizes: tuple[int, int, int], generator: np.random.Generator) -> Votes:
    """Return votes on prompts by raters, both of which have a taste of their own."""
    prompts, raters, votes = sizes
    count = len(strengths)
    first = generator.integers(0, count, votes)
    second = (first + generator.integers(1, count, votes)) % count
    prompt, rater = generator.integers(0, prompts, votes), generator.integers(0, raters, votes)
    by_prompt, by_rater = generator.normal(0, 0.7, (prompts, count)), generator.normal(0, 0.7, (raters, count))
    taste = by_prompt[prompt, first] - by_prompt[prompt, second] + by_rater[rater, first] - by_rater[rater, second]
    won = generator.random(votes) < 1 / (1 + np.exp(-(strengths[first] - strengths[second] + taste)))
    ways = tuple(
        Clusters(name, codes, size) for name, codes, size in (("prompt", prompt, prompts), ("rater", rater, raters))
    )
    names = tuple(f"model-{number}" for number in range(count))
    return Votes(names, first, second, np.where(won, 1, -1).astype(np.int8), ways)


def test_strengths_intervals_hold_all_at_once_where_votes_share_prompts() -> None:
    generator = np.random.default_rng(1)
    clusters, each = 24, 10
    strengths = np.linspace(-0.8, 0.8, 5)
    truth = fit_strengths(simulated(strengths, 30_000, each, 1.0, np.random.default_rng(2)), Ties.HALF).strengths
    found = []
    for _ in range(TRIES):
        ranked = rank_votes(simulated(strengths, clusters, each, 1.0, generator), Ties.HALF, QUICK)
        found.append((holds(ranked, truth), rightly_ranked(ranked, truth)))
    hold, ranks = np.mean(found, axis=0)
    assert 0.93 <= hold <= 0.97
    assert ranks >= 0.95


def test_leaving_the_prompts_out_would_make_intervals_too_narrow() -> None:
    generator = np.random.default_rng(8)
    strengths = np.linspace(-0.8, 0.8, 3)
    truth = fit_strengths(simulated(strengths, 20_000, 20, 1.5, np.random.default_rng(9)), Ties.HALF).strengths
    found = []
    for _ in range(100):
        votes = simulated(strengths, 30, 20, 1.5, generator)
        found.append(
            [holds(rank_votes(replace(votes, ways=ways), Ties.HALF, QUICK), truth) for ways in (votes.ways, ())]
        )
    clustered, alone = np.mean(found, axis=0)
    assert alone < 0.8 < 0.9 < clustered


def test_strengths_intervals_hold_where_votes_share_prompts_and_raters() -> None:
    generator = np.random.default_rng(3)
    strengths = np.array([-0.6, 0.0, 0.1, 0.5])
    truth = fit_strengths(crossed(strengths, (40_000, 40_000, 300_000), np.random.default_rng(4)), Ties.HALF).strengths
    found = []
    for _ in range(TRIES):
        votes = crossed(strengths, (40, 30, 500), generator)
        both = rank_votes(votes, Ties.HALF, QUICK)
        found.append((holds(both, truth), rightly_ranked(both, truth)))
    hold, ranks = np.mean(found, axis=0)
    assert 0.93 <= hold <= 0.97
    assert ranks >= 0.95


def test_equal_models_are_called_apart_in_at_most_one_ranking_of_twenty() -> None:
    generator = np.random.default_rng(5)
    found = []
    for _ in range(TRIES):
        votes = simulated(np.zeros(6), 20, 12, 0.8, generator)
        outcome = np.where(generator.random(len(votes)) < 0.2, 0, votes.outcome).astype(np.int8)
        found.append(rank_votes(replace(votes, outcome=outcome), Ties.DAVIDSON, QUICK).greater.any())
    assert np.mean(found) <= 0.07


@pytest.mark.parametrize(("items", "sources", "top"), [(60, None, 0.95), (300, 30, 0.9)])
def test_means_intervals_hold_all_at_once(items: int, sources: int | None, top: float) -> None:
    generator = np.random.default_rng(6)
    truth = np.linspace(0.6, top, 4)
    found = []
    for _ in range(TRIES):
        codes = np.arange(items) if sources is None else np.arange(items) % sources
        shared = generator.normal(size=(codes.max() + 1, 1))[codes]
        # A fifth of what makes an item hard is its source's, or its own: all models share it.
        values = np.sqrt(0.2) * shared + np.sqrt(0.8) * generator.normal(size=(items, 4)) < ndtri(truth)
        clusters = None if sources is None else Clusters("source", codes, sources)
        ranked = rank_means(Scores(tuple("ABCD"), values.astype(float), clusters), QUICK)
        rows = {row.model: row for row in ranked.rows}
        intervals = [rows[model].ci or (1.0, 0.0) for model in "ABCD"]
        all_hold = all(low <= true <= high for (low, high), true in zip(intervals, truth, strict=True))
        ranks = all(rows[model].rank[0] <= 4 - place <= rows[model].rank[1] for place, model in enumerate("ABCD"))
        found.append((all_hold, ranks))
    hold, ranked_right = np.mean(found, axis=0)
    assert 0.93 <= hold <= 0.97
    assert ranked_right >= 0.95
