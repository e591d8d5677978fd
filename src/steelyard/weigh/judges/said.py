"""What one judge said of all items, as arrays in the items' order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judging.orders import BothOrders, Verdict, both_orders

__all__ = ["Floats", "PairsJudged", "ScoresJudged", "Spent", "preferences", "scores_of", "spent"]

Floats = NDArray[np.float64]


class Spent(Struct, frozen=True, kw_only=True):
    """What a judge's calls came to. `errors`: without an answer. `unread` by reason. `usd` of the calls whose cost is
    known; `unpriced` are the others."""

    calls: int
    errors: int
    unread: dict[str, int]
    deployments: tuple[str, ...]
    usd: str
    unpriced: int


class PairsJudged(Struct, frozen=True, eq=False):
    """A judge's verdicts on the items that it was asked about in both orders; `places` are theirs among all items."""

    judge: str
    places: NDArray[np.int64]
    orders: BothOrders

    def lean(self) -> Floats:
        """Return by how much it prefers the pair's second output, −1 to 1: the mean of both orders; unread is 0.

        Any guess may stand for what was not read: the labels correct it like the rest."""
        return (_lean(self.orders.straight) + _lean(self.orders.swapped)) / 2


class ScoresJudged(Struct, frozen=True, eq=False):
    """A judge's scores of both outputs of the items that it was asked about; NaN where none could be read."""

    judge: str
    places: NDArray[np.int64]
    first: Floats
    second: Floats

    def lean(self) -> Floats:
        """Return second less first; 0 where either was not read (see `PairsJudged.lean`)."""
        return np.nan_to_num(self.second - self.first, nan=0.0)


def preferences(
    items: Sequence[str], judgements: Iterable[Judgement], judge: str, pair: tuple[str, str]
) -> PairsJudged:
    """Return a judge's verdicts; FIRST is the pair's first model, wherever it was shown. A call without an answer is
    unread; of calls that were made again the last counts."""
    found: dict[tuple[str, bool], Verdict] = {}
    for one in judgements:
        if one.judge != judge or one.kind != "pairwise" or set(one.models) != set(pair):
            continue
        found[one.item, one.models == pair] = _verdict(one, pair)
    places = [place for place, item in enumerate(items) if (item, True) in found and (item, False) in found]
    straight = [found[items[place], True] for place in places]
    swapped = [found[items[place], False] for place in places]
    return PairsJudged(judge, np.asarray(places, dtype=np.int64), both_orders(straight, swapped))


def scores_of(items: Sequence[str], judgements: Iterable[Judgement], judge: str, pair: tuple[str, str]) -> ScoresJudged:
    """Return a judge's scores of a pair's outputs."""
    found: dict[tuple[str, str], float] = {}
    for one in judgements:
        if one.judge == judge and one.kind == "score" and one.models[0] in pair:
            found[one.item, one.models[0]] = float("nan") if one.score is None else float(one.score)
    places = [place for place, item in enumerate(items) if all((item, model) in found for model in pair)]
    first, second = (np.asarray([found[items[place], model] for place in places], dtype=np.float64) for model in pair)
    return ScoresJudged(judge, np.asarray(places, dtype=np.int64), first, second)


def spent(judgements: Iterable[Judgement], judge: str) -> Spent:
    """Return what a judge's calls came to; of calls that were made again, each is paid for and the last counts."""
    mine = [one for one in judgements if one.judge == judge]
    last = {one.asked: one for one in mine}.values()
    known = [Decimal(one.cost_usd) for one in mine if one.cost_usd is not None]
    return Spent(
        calls=len(last),
        errors=sum(one.reply is None for one in last),
        unread=dict(Counter(one.unread for one in last if one.unread is not None)),
        deployments=tuple(sorted({one.deployment for one in last if one.deployment is not None})),
        usd=str(sum(known, Decimal(0))),
        unpriced=len(mine) - len(known),
    )


def _verdict(one: Judgement, pair: tuple[str, str]) -> Verdict:
    match one.choice:
        case None:
            return Verdict.UNREAD
        case "tie":
            return Verdict.TIE
        case "A":
            return Verdict.FIRST if one.models[0] == pair[0] else Verdict.SECOND
        case "B":
            return Verdict.FIRST if one.models[1] == pair[0] else Verdict.SECOND


def _lean(codes: NDArray[np.int8]) -> Floats:
    leans: Floats = (codes == Verdict.SECOND).astype(np.float64) - (codes == Verdict.FIRST)
    return leans
