"""A judge's verdicts on pairs that it saw in both orders: position bias, ties, verdicts that could not be read."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError
from steelyard.weigh.judging.proportions import (
    Difference,
    Share,
    adjusted_mean,
    share_of,
    sign_chance,
)

__all__ = ["Accuracy", "BothOrders", "Codes", "Position", "Verdict", "accuracy", "both_orders", "position", "settled"]

Codes = NDArray[np.int8]


class Verdict(IntEnum):
    """Which output was preferred, whatever place it was shown in; UNREAD: the judge's answer could not be parsed."""

    UNREAD = -1
    TIE = 0
    FIRST = 1
    SECOND = 2


class BothOrders(Struct, frozen=True, eq=False):
    """Verdicts on the same pairs: `straight` with output 1 shown first, `swapped` with output 2 shown first."""

    straight: Codes
    swapped: Codes

    def __len__(self) -> int:
        return len(self.straight)


class Position(Struct, frozen=True, kw_only=True):
    """What the order did.

    `unread`: verdicts, of 2 a pair, that could not be parsed. The rest is over pairs with both verdicts read:
    `consistent` have the same verdict in both orders, `to_first` prefer whatever was shown first both times,
    `to_second` whatever was shown second, `half_tied` have one tie. `bias`: how much more often the output shown first
    is preferred than the one shown second; None without such pairs. `p_bias`: exact sign test of `to_first` against
    `to_second`.
    """

    pairs: int
    unread: Share
    ties: Share
    consistent: Share
    to_first: int
    to_second: int
    half_tied: int
    bias: Difference | None
    p_bias: float | None


class Accuracy(Struct, frozen=True, kw_only=True):
    """Verdicts against a known preference. What could not be read counts as wrong.

    `straight` and `swapped` in one order each, `both` right in both; `average` of the two orders, its interval over
    pairs.
    """

    straight: Share
    swapped: Share
    both: Share
    average: float
    average_ci: tuple[float, float]


def both_orders(straight: Sequence[int], swapped: Sequence[int]) -> BothOrders:
    """Return verdicts in both orders. Raises ConfigError where their numbers differ, or one is no Verdict."""
    if len(straight) != len(swapped):
        raise ConfigError(
            f"There are {len(straight)} verdicts in one order and {len(swapped)} in the other. Judge each pair in both."
        )
    found = BothOrders(np.asarray(straight, dtype=np.int8), np.asarray(swapped, dtype=np.int8))
    known = [int(one) for one in Verdict]
    if not (np.isin(found.straight, known).all() and np.isin(found.swapped, known).all()):
        raise ConfigError(f"A verdict is one of {known}: unread, tie, first, second.")
    return found


def settled(verdicts: BothOrders) -> Codes:
    """Return one verdict a pair: what both orders say; a tie where they differ; unread where either is.

    Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena": a win only counts when the
    output is preferred in both orders.
    """
    read = (verdicts.straight != Verdict.UNREAD) & (verdicts.swapped != Verdict.UNREAD)
    same = np.where(verdicts.straight == verdicts.swapped, verdicts.straight, Verdict.TIE)
    return np.where(read, same, Verdict.UNREAD).astype(np.int8)


def position(verdicts: BothOrders, alpha: float = 0.05) -> Position:
    """Say what the order did to a judge's verdicts.

    A pair's preference for the first place is half of (+1 for whatever was shown first, −1 for what was shown second, 0
    for a tie), over both orders; `bias` is its mean (`adjusted_mean`).
    """
    unread = int((verdicts.straight == Verdict.UNREAD).sum() + (verdicts.swapped == Verdict.UNREAD).sum())
    read = (verdicts.straight != Verdict.UNREAD) & (verdicts.swapped != Verdict.UNREAD)
    straight, swapped = verdicts.straight[read], verdicts.swapped[read]
    for_first = _lean(straight) - _lean(swapped)
    to_first = int((for_first == 2).sum())
    to_second = int((for_first == -2).sum())
    ties = int((straight == Verdict.TIE).sum() + (swapped == Verdict.TIE).sum())
    return Position(
        pairs=len(verdicts),
        unread=share_of(unread, 2 * len(verdicts), alpha),
        ties=share_of(ties, 2 * len(straight), alpha),
        consistent=share_of(int((straight == swapped).sum()), len(straight), alpha),
        to_first=to_first,
        to_second=to_second,
        half_tied=int((np.abs(for_first) == 1).sum()),
        bias=adjusted_mean(for_first / 2, alpha) if len(straight) else None,
        p_bias=sign_chance(to_first, to_second),
    )


def accuracy(verdicts: BothOrders, gold: Sequence[int], alpha: float = 0.05) -> Accuracy:
    """Compare verdicts with a known preference (FIRST or SECOND), in each order, in both, and on average.

    LLMBar's measure (Zeng et al. 2024, "Evaluating Large Language Models at Evaluating Instruction Following": average
    accuracy over both orders). Raises ConfigError where numbers differ.
    """
    if len(gold) != len(verdicts) or not len(gold):
        raise ConfigError(f"There are {len(gold)} known preferences for {len(verdicts)} pairs. Give one a pair.")
    right = np.asarray(gold, dtype=np.int8)
    straight, swapped = verdicts.straight == right, verdicts.swapped == right
    pairs = len(right)
    each = (straight.astype(np.float64) + swapped) / 2
    # Errors in [−½, ½] of a mean in [0, 1]: on the scale of `adjusted_mean` they are doubled, then halved again.
    wide = adjusted_mean(2 * each - 1, alpha)
    return Accuracy(
        straight=share_of(int(straight.sum()), pairs, alpha),
        swapped=share_of(int(swapped.sum()), pairs, alpha),
        both=share_of(int((straight & swapped).sum()), pairs, alpha),
        average=float(each.mean()),
        average_ci=((wide.ci[0] + 1) / 2, (wide.ci[1] + 1) / 2),
    )


def _lean(verdicts: Codes) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (verdicts == Verdict.FIRST).astype(np.float64) - (verdicts == Verdict.SECOND)
    return found
