"""Score calls as they come back."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.sheet import mistaken
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.plan import Planned, ScoredBy
from steelyard.weigh.scorers.registry import label_of, scorer
from steelyard.weigh.scorers.score import Sample, Scorer, score_output

__all__ = ["Scoring", "check_targets", "remade", "scored_by"]

_IN_MAIN_THREAD: Final = frozenset({"latex"})
"""What is stopped by a signal when it takes too long, and signals come to the main thread alone."""
_SLOW: Final = frozenset({"latex", "python"})
_MOST_SLOW: Final = 5


def scored_by(made: Scorer) -> ScoredBy:
    """Return a scorer as it goes on record, so that it can be made again."""
    options = msgspec.to_builtins(made)
    return ScoredBy(name=made.name, options=options, label=label_of(made), version=made.version)


def remade(recorded: ScoredBy) -> Scorer:
    """Return the scorer that is on record. Raises ConfigError where its rules have another version by now."""
    made = scorer(recorded.name, recorded.options)
    if made.version != recorded.version:
        raise ConfigError(
            f"The scorer {recorded.name} had version {recorded.version} when this weighing was planned, and has "
            f"{made.version} here: scores of both do not belong together. Install what it was planned with, or begin "
            "a weighing anew."
        )
    return made


def check_targets(made: Scorer, items: Sequence[Planned]) -> None:
    """Raise ConfigError, with file and line, for items that cannot be scored, before anything is spent.

    An empty answer is scored for each; of scorers that take their time, for the first few items alone."""
    wrong = []
    for item in items[:_MOST_SLOW] if made.name in _SLOW else items:
        try:
            made.score(Sample("", item.target, item.row))
        except ConfigError as error:
            wrong += [f"{item.place}: {finding}" for finding in error.findings]
    if wrong:
        raise mistaken(wrong)


class Scoring:
    """Scores one call after the other, in a thread where that is possible, so that no answer waits to be read."""

    def __init__(self, made: Scorer | None, items: Mapping[str, Planned]) -> None:
        self._scorer = made
        self._items = items
        self._label = None if made is None else label_of(made)
        self._threads = None if made is None or made.name in _IN_MAIN_THREAD else ThreadPoolExecutor(1, "scoring")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown()

    async def scored(self, call: Call) -> Call:
        """Return the call with its score; as it is where there is nothing to score, or no scorer."""
        if self._scorer is None or call.said is None:
            return call
        if self._threads is None:
            return self._score(call)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._score, call)

    def _score(self, call: Call) -> Call:
        assert self._scorer is not None
        item = self._items[call.item]
        try:
            score = score_output(self._scorer, call.said, item.target, item.row)
        except ConfigError as error:
            raise ConfigError(*(f"{item.place}: {finding}" for finding in error.findings)) from error
        return replace(
            call,
            score=score.value,
            parsed=score.parsed,
            scorer=self._label,
            version=self._scorer.version,
            detail=score.detail,
        )
