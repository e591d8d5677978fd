"""What is to be known of one judge: what the order did, what could not be read, how far people agree.

Its wins and means are told as what they are: its own, not corrected, and no verdict on anybody."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from steelyard.core.loose import Members
from steelyard.weigh.judges.said import Floats, PairsJudged, ScoresJudged, Spent
from steelyard.weigh.judging.agreement import Agreement, agreement
from steelyard.weigh.judging.orders import BothOrders, Codes, Position, Verdict, position, settled
from steelyard.weigh.judging.prediction_powered import Refused
from steelyard.weigh.judging.proportions import Difference, Share, adjusted_mean, share_of
from steelyard.weigh.judging.self_preference import SelfPreference, self_preference

__all__ = ["JudgeFigures", "PairFigures", "ScoreFigures", "pair_figures", "score_figures"]

NOTE = "The judge's own figures, not corrected by people's labels: no verdict."


class PairFigures(Struct, frozen=True, kw_only=True):
    """A judge's verdicts on pairs, not corrected. A win is a preference for the candidate in both orders, a loss one
    for the baseline; orders that differ are a tie. `win_rate` counts a tie as half; None: nothing was read."""

    note: str = NOTE
    wins: int
    losses: int
    ties: int
    unread: int
    win_rate: float | None
    win_rate_ci: tuple[float, float] | None


class ScoreFigures(Struct, frozen=True, kw_only=True):
    """A judge's scores of one model, not corrected: over the items whose score was read."""

    model: str
    note: str = NOTE
    n: int
    unread: int
    mean: float | None


class JudgeFigures(Struct, frozen=True, kw_only=True):
    """One judge. `items` were judged, in both orders where pairs are.

    `unread` is by order, of verdicts; what has no answer at all is in it too, and in `spent.errors`. `position` says
    what the order did (pairs). `agreement` is with people, by model for scores; `own` is the side that is the judge
    itself, or of its family, and `self_preference` what that does to its verdicts, against people's."""

    judge: str
    spent: Spent
    items: int
    unread: dict[str, Share]
    position: Position | None = None
    uncorrected: PairFigures | tuple[ScoreFigures, ...] | None = None
    agreement: dict[str, Agreement | Refused] = {}
    own: str | None = None
    self_preference: SelfPreference | Refused | None = None


def pair_figures(
    judged: PairsJudged, pair: tuple[str, str], people: Mapping[int, Verdict], own: str | None, alpha: float
) -> Members:
    """Return what `JudgeFigures` holds of verdicts on one pair; `people` by the place of the item among all."""
    codes = settled(judged.orders)
    said = {int(place): Verdict(int(code)) for place, code in zip(judged.places, codes, strict=True)}
    read = [place for place in people if said.get(place, Verdict.UNREAD) is not Verdict.UNREAD]
    names = {Verdict.FIRST: pair[0], Verdict.SECOND: pair[1], Verdict.TIE: "tie"}
    agreed = _agreement([names[said[place]] for place in read], [names[people[place]] for place in read], alpha)
    shared = [place for place in people if place in said]
    return {
        "items": len(judged.orders),
        **order_figures(judged.orders, alpha),
        "uncorrected": _wins(codes, alpha),
        "agreement": {"pairs": agreed},
        "own": own,
        "self_preference": _own(
            [int(said[place]) for place in shared], [int(people[place]) for place in shared], pair, own, alpha
        ),
    }


def order_figures(orders: BothOrders, alpha: float) -> Members:
    """Return what the order of showing did, also over many pairs at once."""
    unread = {
        name: share_of(int((codes == Verdict.UNREAD).sum()), len(codes), alpha)
        for name, codes in (("straight", orders.straight), ("swapped", orders.swapped))
    }
    return {"unread": unread, "position": position(orders, alpha) if len(orders) else None}


def score_figures(
    judged: ScoresJudged,
    pair: tuple[str, str],
    people: Mapping[str, Mapping[int, float]],
    own: str | None,
    alpha: float,
) -> Members:
    """Return what `JudgeFigures` holds of scores; `people` by model, and by the place of the item among all."""
    sides = dict(zip(pair, (judged.first, judged.second), strict=True))
    by_place = {
        model: {int(place): float(score) for place, score in zip(judged.places, scores, strict=True)}
        for model, scores in sides.items()
    }
    shared = [place for place in people[pair[0]] if place in people[pair[1]] and place in by_place[pair[0]]]
    return {
        "items": len(judged.places),
        "unread": {model: share_of(int(np.isnan(scores).sum()), len(scores), alpha) for model, scores in sides.items()},
        "uncorrected": tuple(_mean(model, scores) for model, scores in sides.items()),
        "agreement": {model: _scores_agree(by_place[model], people[model], alpha) for model in pair},
        "own": own,
        "self_preference": _own(
            [_sign(by_place[pair[1]][place] - by_place[pair[0]][place]) for place in shared],
            [_sign(people[pair[1]][place] - people[pair[0]][place]) for place in shared],
            pair,
            own,
            alpha,
        ),
    }


def _wins(codes: Codes, alpha: float) -> PairFigures:
    read = codes[codes != Verdict.UNREAD]
    wins, losses = int((read == Verdict.SECOND).sum()), int((read == Verdict.FIRST).sum())
    found: Difference | None = None
    if len(read):
        found = adjusted_mean((read == Verdict.SECOND).astype(np.float64) - (read == Verdict.FIRST), alpha)
    return PairFigures(
        wins=wins,
        losses=losses,
        ties=len(read) - wins - losses,
        unread=len(codes) - len(read),
        win_rate=(found.estimate + 1) / 2 if found is not None else None,
        win_rate_ci=((found.ci[0] + 1) / 2, (found.ci[1] + 1) / 2) if found is not None else None,
    )


def _mean(model: str, scores: Floats) -> ScoreFigures:
    read = scores[~np.isnan(scores)]
    return ScoreFigures(
        model=model, n=len(read), unread=len(scores) - len(read), mean=float(read.mean()) if len(read) else None
    )


def _scores_agree(judge: Mapping[int, float], people: Mapping[int, float], alpha: float) -> Agreement | Refused:
    shared = [place for place in people if place in judge and not np.isnan(judge[place])]
    return _agreement(
        [f"{judge[place]:g}" for place in shared], [f"{round(people[place]):g}" for place in shared], alpha
    )


def _agreement(judge: Sequence[str], people: Sequence[str], alpha: float) -> Agreement | Refused:
    if not judge:
        return Refused("No labelled item has a verdict of this judge.", 0)
    return agreement(judge, people, alpha)


def _own(
    judge: Sequence[int], people: Sequence[int], pair: tuple[str, str], own: str | None, alpha: float
) -> SelfPreference | Refused | None:
    if own is None:
        return None
    side = Verdict.FIRST if own == pair[0] else Verdict.SECOND
    return self_preference(judge, people, [int(side)] * len(judge), alpha)


def _sign(difference: float) -> int:
    if np.isnan(difference):
        return int(Verdict.UNREAD)
    return int(Verdict.SECOND if difference > 0 else Verdict.FIRST if difference < 0 else Verdict.TIE)
