"""Real judges on real pairs: LLMBar's verdicts (Zeng et al. 2024), corrected by a part of its gold labels.

The data lie in ../shared, which the repository does not hold: the test is skipped without it.
"""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from steelyard.weigh.judges.said import PairsJudged
from steelyard.weigh.judges.verdict import Question, outcome
from steelyard.weigh.judging.orders import Verdict, both_orders

LLMBAR = Path(__file__).parents[4] / "shared" / "data" / "evals" / "llmbar"
PAIRS = 100
QUESTION = Question(margin=None, alpha=0.05)


def judges() -> Iterator[tuple[str, list[float], PairsJudged]]:
    """Yield each judge with people's preferences and its own verdicts, in both orders, on all pairs of "natural"."""
    if not LLMBAR.is_dir():
        pytest.skip("LLMBar's verdicts are in ../shared, which is not here")
    rows: dict[str, list[dict[str, str | int | None]]] = {}
    with lzma.open(LLMBAR / "natural.verdicts.jsonl.xz", "rt") as file:
        for row in map(json.loads, file):
            rows.setdefault(f"{row['judge']}/{row['method']}", []).append(row)
    for name, held in rows.items():
        if len(held) < PAIRS:
            continue  # methods that ask again only where both orders differ
        straight, swapped = (
            [Verdict.UNREAD if row[column] is None else int(str(row[column])) for row in held]
            for column in ("winner", "winner_swapped")
        )
        gold = [1.0 if int(str(row["label"])) == Verdict.SECOND else -1.0 for row in held]
        yield name, gold, PairsJudged(name, np.arange(PAIRS), both_orders(straight, swapped))


def test_real_judges_are_corrected_and_the_better_ones_are_worth_more_labels() -> None:
    random, covered, rights, gains = Random(5), 0, [], []
    for name, gold, judged in judges():
        lean, truth = judged.lean(), float(np.mean(gold))
        inside, gain = 0, []
        for _ in range(20):
            people = {place: gold[place] for place in random.sample(range(PAIRS), 60)}
            found = outcome(lean, people, None, QUESTION)
            assert found.ci is not None
            assert found.corrected is not None
            inside += found.ci[0] <= truth <= found.ci[1]
            gain.append(found.corrected.gain or 0.0)
        covered += inside
        rights.append(float(np.mean(lean * np.asarray(gold))))
        gains.append(float(np.mean(gain)))
        print(f"{name:24} agrees {rights[-1]:+.2f}; covered {inside} of 20; worth {gains[-1]:.2f} times the labels")
    assert len(gains) == 32
    assert covered / (20 * 32) >= 0.95
    assert min(gains) > 1
    assert np.corrcoef(rights, gains)[0, 1] > 0.8
