"""Read votes from files: CSV, JSON lines, or Parquet."""

import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.chunks import Cell, chunks_of, columns_of, is_table, place_of
from steelyard.weigh.ranking.clusters import Clusters, Floats, Ints
from steelyard.weigh.ranking.votes import Control, Votes, ratio_control

__all__ = ["VOTE_COLUMNS", "VotesRead", "Wanted", "holds_votes", "read_votes"]

VOTE_COLUMNS = ("model_a", "model_b", "winner")
"""What a file of votes must have; the rest is optional."""

POSITION = "position"
"""The control that needs no column: model_a was shown first."""

_CLUSTERS = ("prompt", "rater")
"""Columns that votes are clustered by where nobody says otherwise."""

_FIRST = {"a": 1, "model_a": 1, "b": -1, "model_b": -1}
_TIES = ("tie", "draw", "both", "both_bad", "bothbad", "tie (bothbad)")
_OUTCOMES: Mapping[str, int] = {**_FIRST, **dict.fromkeys(_TIES, 0)}
_UNKNOWN = 9


class Wanted(Struct, frozen=True):
    """What is asked of the columns: those to cluster by (None: prompt and rater, where there are any), and controls."""

    clusters: tuple[str, ...] | None = None
    controls: tuple[str, ...] = ()


class VotesRead(Struct, frozen=True, eq=False):
    """Votes, and what was noticed on the way: votes without a source or a control's value, and those that repeat."""

    votes: Votes
    unsourced: dict[str, int]
    without_control: int
    repeated: int


class _Codes(dict[Cell, int]):
    """Names as numbers, in the order in which they appear. Each cell is made a name once, when it is first seen."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, int] = {}

    def __missing__(self, cell: Cell) -> int:
        code = self.names.setdefault(_name(cell), len(self.names))
        self[cell] = code
        return code


class _Outcomes(dict[Cell, int]):
    """What `winner` says: 1, −1, 0, or that it cannot be read."""

    def __missing__(self, cell: Cell) -> int:
        outcome = _OUTCOMES.get(_word(cell), _UNKNOWN)
        self[cell] = outcome
        return outcome


class _Columns:
    """The columns that are read, chunk by chunk."""

    def __init__(self, clusters: Sequence[str], numeric: Sequence[str]) -> None:
        self.models, self.outcomes = _Codes(), _Outcomes()
        self.first, self.second = array("q"), array("q")
        self.outcome = array("b")
        self.clusters = {name: (_Codes(), array("q")) for name in clusters}
        self.numbers = {name: array("d") for name in numeric}

    def names(self) -> tuple[str, ...]:
        """Return the columns that a chunk must bring, in that order."""
        return (*VOTE_COLUMNS, *self.clusters, *self.numbers)

    def take(self, columns: Sequence[Sequence[Cell]]) -> int | None:
        """Take a chunk; return the row in it that cannot be read, or None."""
        first = array("q", map(self.models.__getitem__, columns[0]))
        second = array("q", map(self.models.__getitem__, columns[1]))
        outcome = array("b", map(self.outcomes.__getitem__, columns[2]))
        wrong = (np.frombuffer(outcome, dtype=np.int8) == _UNKNOWN) | (_ints(first) == _ints(second))
        nameless = self.models.names.get("")
        if nameless is not None:
            wrong |= (_ints(first) == nameless) | (_ints(second) == nameless)
        if wrong.any():
            return int(wrong.argmax())
        rest = iter(columns[len(VOTE_COLUMNS) :])
        for codes, taken in self.clusters.values():
            taken.extend(map(codes.__getitem__, next(rest)))
        for numbers in self.numbers.values():
            column = next(rest)
            try:
                numbers.extend(map(_number, column))
            except (TypeError, ValueError):
                return next(row for row, value in enumerate(column) if not _is_number(value))
        self.first.extend(first)
        self.second.extend(second)
        self.outcome.extend(outcome)
        return None


def read_votes(paths: Sequence[Path], wanted: Wanted) -> VotesRead:
    """Read votes: `model_a`, `model_b`, `winner` (a, b, tie), and what is wanted of further columns.

    A control NAME is read from NAME_a and NAME_b (the property of both answers), else from NAME (how much more of it
    the first had); "position" needs no column. Raises ConfigError with file and line where a row cannot be read.
    """
    heads = [columns_of(path) for path in paths]
    clusters = _clusters(paths, heads, wanted)
    pairs = {name: _control_columns(paths, heads, name) for name in wanted.controls}
    columns = _Columns(clusters, [column for both in pairs.values() for column in both])
    for path in paths:
        _take_file(path, columns)
    if not len(columns.outcome):
        raise ConfigError(f"{paths[0]}: no vote in it. Each row is one vote: {', '.join(VOTE_COLUMNS)}.")
    return _votes(columns, pairs)


def holds_votes(path: Path) -> bool:
    """Say whether a file is one of votes. What has no readable head is none: who reads scores says what is wrong."""
    if not path.is_file() or not is_table(path):
        return False
    try:
        return set(VOTE_COLUMNS) <= set(columns_of(path))
    except ConfigError:
        return False


def _clusters(paths: Sequence[Path], heads: Sequence[Sequence[str]], wanted: Wanted) -> tuple[str, ...]:
    for path, head in zip(paths, heads, strict=True):
        lacking = [name for name in (*VOTE_COLUMNS, *(wanted.clusters or ())) if name not in head]
        if lacking:
            raise ConfigError(f'{path}:1: there is no column "{lacking[0]}"; there are {", ".join(head) or "none"}.')
    if wanted.clusters is None:
        return tuple(name for name in _CLUSTERS if all(name in head for head in heads))
    if len(set(wanted.clusters)) != len(wanted.clusters) or len(wanted.clusters) > 2:
        raise ConfigError("Votes are clustered by one column or two different ones: by prompt, by rater, or by both.")
    return wanted.clusters


def _control_columns(paths: Sequence[Path], heads: Sequence[Sequence[str]], name: str) -> tuple[str, ...]:
    if name == POSITION:
        return ()
    both = (f"{name}_a", f"{name}_b")
    for columns in (both, (name,)):
        if all(column in head for head in heads for column in columns):
            return columns
    head = next(path for path, head in zip(paths, heads, strict=True) if not set(both) <= set(head))
    raise ConfigError(f'{head}:1: control "{name}" needs the columns {both[0]} and {both[1]}, or {name}.')


def _take_file(path: Path, columns: _Columns) -> None:
    done = 0
    for chunk in chunks_of(path, columns.names()):
        wrong = columns.take(chunk)
        if wrong is not None:
            values = {name: column[wrong] for name, column in zip(columns.names(), chunk, strict=True)}
            raise ConfigError(_unreadable(path, done + wrong, values, tuple(columns.numbers)))
        done += len(chunk[0])


def _unreadable(path: Path, row: int, values: Mapping[str, Cell], numbers: Sequence[str]) -> str:
    where = place_of(path, row)
    first, second, winner = (values[name] for name in VOTE_COLUMNS)
    if not _name(first) or not _name(second):
        return f"{where}: a model's name is empty. Each vote names two models."
    if _name(first) == _name(second):
        return f'{where}: "{first}" is compared with itself. Each vote names two different models.'
    if _OUTCOMES.get(_word(winner)) is None:
        return f'{where}: winner is "{winner}"; it must be a, b or tie. Leave out votes that were not cast.'
    wrong = next(name for name in numbers if not _is_number(values[name]))
    return f'{where}: {wrong} is "{values[wrong]}", which is no number. Leave it empty if it is not known.'


def _name(value: Cell) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _word(value: Cell) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _number(value: Cell) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, bool):
        return float(value)
    number = float(value)
    if math.isinf(number):
        raise ValueError
    return number


def _is_number(value: Cell) -> bool:
    try:
        _number(value)
    except (TypeError, ValueError):
        return False
    return True


def _votes(columns: _Columns, pairs: Mapping[str, tuple[str, ...]]) -> VotesRead:
    first, second = _ints(columns.first), _ints(columns.second)
    outcome = np.frombuffer(columns.outcome, dtype=np.int8)
    numbers = {name: np.frombuffer(values, dtype=np.float64) for name, values in columns.numbers.items()}
    known = np.ones(len(outcome), dtype=np.bool_)
    for values in numbers.values():
        known &= ~np.isnan(values)
    ways, unsourced = [], {}
    for name, (codes, taken) in columns.clusters.items():
        way, nameless = _way(name, codes.names, _ints(taken))
        ways.append(way)
        if nameless:
            unsourced[name] = nameless
    repeated = _repeated(first, second, ways) if len(ways) == 2 and not unsourced else 0
    votes = Votes(tuple(columns.models.names), first, second, outcome, tuple(ways))
    left_out = int((~known).sum())
    if left_out:
        votes = votes.take(known)
        numbers = {name: values[known] for name, values in numbers.items()}
    if not len(votes):
        raise ConfigError("No vote has a value of every control. Leave out the control that is never known.")
    controls = tuple(_control(name, [numbers[one] for one in both], len(votes)) for name, both in pairs.items())
    votes = Votes(votes.models, votes.first, votes.second, votes.outcome, votes.ways, controls)
    return VotesRead(votes, unsourced, left_out, repeated)


def _control(name: str, values: Sequence[Floats], votes: int) -> Control:
    if not values:
        return Control(name, np.ones(votes), "being shown first (model_a), against being shown second")
    if len(values) == 2:
        return ratio_control(name, values[0], values[1])
    return _as_given(name, values[0])


def _as_given(name: str, values: Floats) -> Control:
    spread = float(values.std())
    if not spread > 0:
        raise ConfigError(f'"{name}" is the same in all votes, so its influence cannot be told. Leave it out.')
    return Control(name, values / spread, f"as given, by its standard deviation {spread:.4g}")


def _ints(values: "array[int]") -> Ints:
    return np.frombuffer(values, dtype=np.int64)


def _way(name: str, names: Mapping[str, int], codes: Ints) -> tuple[Clusters, int]:
    """Return the clustering, and how many votes have no source: those stand alone."""
    nameless = names.get("")
    if nameless is None:
        return Clusters(name, codes, len(names)), 0
    alone = codes == nameless
    amount = int(alone.sum())
    codes = codes.copy()
    codes[alone] = len(names) + np.arange(amount)
    _, renumbered = np.unique(codes, return_inverse=True)
    return Clusters(name, renumbered.astype(np.int64), len(names) - 1 + amount), amount


def _repeated(first: Ints, second: Ints, ways: Sequence[Clusters]) -> int:
    """Count votes that repeat another of the same rater on the same prompt and the same two models."""
    size = int(max(first.max(), second.max())) + 1
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys = ((ways[0].codes * ways[1].count + ways[1].codes) * size + low) * size + high
    return len(keys) - len(np.unique(keys))
