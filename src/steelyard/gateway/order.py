"""In which order the deployments of a plan are tried."""

from collections.abc import Callable, Sequence
from operator import itemgetter

from steelyard.config.settings import Strategy
from steelyard.gateway.lane import Lane

__all__ = ["order"]

_EXPLORE = 0.05


def order(
    strategy: Strategy, lanes: Sequence[Lane], weights: Sequence[float] | None, randomness: Callable[[], float]
) -> Sequence[Lane]:
    """Return the lanes in the order of their trial. `randomness` draws from [0, 1).

    `fallback` and `cheapest` keep the plan's order (the compiler has sorted by price); `weighted` draws without
    replacement (Efraimidis and Spirakis 2006: sort by u^(1/w)); `fastest` puts those never measured first, then the
    shortest moving first-token time; one call in twenty tries another one first, so that a slow spell is not for ever.
    """
    if len(lanes) == 1 or strategy in ("fallback", "cheapest"):
        return lanes
    if strategy == "weighted":
        given = weights or (1.0,) * len(lanes)
        drawn = [(randomness() ** (1.0 / weight), lane) for weight, lane in zip(given, lanes, strict=True)]
        return [lane for _, lane in sorted(drawn, key=itemgetter(0), reverse=True)]
    ranked = sorted(lanes, key=_first_token)
    if randomness() < _EXPLORE:
        ranked.insert(0, ranked.pop(int(randomness() * len(ranked))))
    return ranked


def _first_token(lane: Lane) -> float:
    known = lane.vitals.first_token_s
    return -1.0 if known is None else known
