"""What was asked before it was answered: a line of `asked.jsonl`, written before each call is made.

Whoever is killed in the middle has calls under way that may be charged for, and that nobody wrote down. A ceiling that
holds over several runs must count them.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from steelyard.weigh.runs.call import Call

__all__ = ["Asked", "lost_of", "most_of"]


class Asked(Struct, frozen=True, kw_only=True):
    """One call that is going to be made. `at_most_usd` is a decimal string; None: unknown."""

    item: str
    model: str
    repeat: int
    at_most_usd: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Which of the planned calls it is: item, model, repeat."""
        return self.item, self.model, self.repeat


def lost_of(asked: Iterable[Asked], calls: Iterable[Call]) -> list[Asked]:
    """Return the calls that were asked and never came back, because somebody ended the run."""
    # A call that was scored later has two lines, of one moment.
    back = Counter(key for key, _ in {(call.key, call.started_at) for call in calls})
    lost = []
    for one in asked:
        if back[one.key]:
            back[one.key] -= 1
        else:
            lost.append(one)
    return lost


def most_of(asked: Asked) -> Decimal:
    """Return what it costs at most; nothing where that is unknown."""
    return Decimal(0) if asked.at_most_usd is None else Decimal(asked.at_most_usd)
