"""While a gateway is down, another one accepts on its socket: nobody waits in its queue."""

from collections.abc import Sequence

from steelyard.cli.child import Child
from steelyard.cli.life import Life

__all__ = ["Cover"]


class Cover:
    """Who stands in for whom among the gateways, each of which has a socket of its own. Workers are numbered as in
    `lives`."""

    def __init__(self, lives: Sequence[Life]) -> None:
        self._lives = lives
        self._stand_ins: dict[int, Child] = {}

    def arrange(self) -> None:
        """Have each socket accepted on by its own worker or, while that is down, by one that is up. Call it whenever
        one comes up or goes down."""
        present = [life.child for life in self._lives]
        up = [child for child in present if child is not None and child.is_up]
        for number, own in enumerate(present):
            stand_in = self._stand_ins.get(number)
            if own in up:
                if stand_in is not None:
                    del self._stand_ins[number]
                    if stand_in in up:
                        stand_in.instruct(f"leave {number}")
            elif up and stand_in not in up:
                self._stand_ins[number] = chosen = min(up, key=self._burden)
                chosen.instruct(f"take {number}")

    def _burden(self, child: Child) -> int:
        return sum(one is child for one in self._stand_ins.values())
