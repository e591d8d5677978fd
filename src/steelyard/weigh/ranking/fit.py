"""Fit Bradley–Terry strengths to votes, with ties and with controls."""

from enum import StrEnum

import evalica
import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import Floats, Ints
from steelyard.weigh.ranking.votes import Tally, Votes, tally_of

__all__ = ["Fit", "Ties", "fit_strengths"]

_STEPS = 100
_HALVINGS = 30
_CONVERGED = 1e-12
"""The score, per vote, at which a fit is taken for done."""

_GAIN = 1e-10
"""A step that would add less than this to the log-likelihood is the last one."""

_FLAT = 1e-7
"""Below this share of the information that even votes would give, the likelihood has no top in some direction."""


class Ties(StrEnum):
    """What a tie is: half a win for both, or an outcome of its own with Davidson's parameter."""

    HALF = "half"
    DAVIDSON = "davidson"


class Fit(Struct, frozen=True, eq=False):
    """Estimates: K strengths (log-odds, summing to 0), one a control, and Davidson's ln ν where ties are his.

    `bread`: the inverse of the negative log-likelihood's second derivative, in the same order, with strengths summing
    to 0. `residuals` and `tie_residuals` (None without ν): each vote's derivative with respect to the difference in
    strengths, and to ln ν.
    """

    strengths: Floats
    controls: Floats
    log_nu: float | None
    bread: Floats
    residuals: Floats
    tie_residuals: Floats | None
    steps: int


class _Data(Struct, frozen=True, eq=False):
    """Votes as the likelihood sees them; alike votes are one row with a weight."""

    count: int
    first: Ints
    second: Ints
    outcome: Floats
    weight: Floats
    controls: Floats
    tied: bool


class _State(Struct, frozen=True, eq=False):
    likelihood: float
    residuals: Floats
    tie_residuals: Floats
    curvature: Floats
    mixed: Floats
    tie_curvature: Floats


def fit_strengths(votes: Votes, ties: Ties) -> Fit:
    """Maximise the likelihood of the votes; every model must be bounded by the others (`standing_of`).

    P(a over b) = π_a / (π_a + π_b), strengths ln π (Bradley and Terry 1952). Half-wins: a tie is half a vote for each.
    Davidson: P(a), P(tie), P(b) ∝ π_a, ν√(π_a π_b), π_b (Davidson 1970, "On Extending the Bradley–Terry Model to
    Accommodate Ties in Paired Comparison Experiments"). Controls are added to ln π_a − ln π_b. Starts from
    evalica's estimate, and ends with Newton's steps. Raises ConfigError where a control is told by the models alone, or
    decides votes perfectly.
    """
    tally = tally_of(votes)
    tied = ties is Ties.DAVIDSON and bool(tally.ties.any())
    data, cells = _rows(votes, tied)
    start = _start(votes.models, tally)
    extra = np.zeros(data.controls.shape[1])
    point = np.concatenate([start, extra, [_start_nu(tally)] if tied else []])
    point, steps = _climb(data, point, votes)
    state = _look(data, point)
    bread: Floats = np.asarray(np.linalg.inv(_information(data, state) + _anchor(data)), dtype=np.float64)
    residuals = state.residuals if cells is None else state.residuals[cells]
    apart = state.tie_residuals if cells is None else state.tie_residuals[cells]
    count = data.count
    strengths: Floats = point[:count] - float(point[:count].mean())
    controls = point[count : count + data.controls.shape[1]]
    nu = float(point[-1]) if tied else None
    return Fit(strengths, controls, nu, bread, residuals, apart if tied else None, steps)


def _rows(votes: Votes, tied: bool) -> tuple[_Data, Ints | None]:
    """Return the likelihood's rows, and which of them each vote is (None: its own)."""
    count = len(votes.models)
    if votes.controls:
        columns = np.column_stack([one.values for one in votes.controls])
        outcome = votes.outcome.astype(np.float64)
        return _Data(count, votes.first, votes.second, outcome, np.ones(len(votes)), columns, tied), None
    cells = (votes.first * count + votes.second) * 3 + votes.outcome + 1
    weight: Ints = np.bincount(cells, minlength=3 * count * count).astype(np.int64)
    used = np.flatnonzero(weight)
    pair, outcome = np.divmod(used, 3)
    numbers = np.zeros(len(weight), dtype=np.int64)
    numbers[used] = np.arange(len(used))
    first, second = np.divmod(pair, count)
    nothing = np.zeros((len(used), 0))
    data = _Data(count, first, second, outcome - 1.0, weight[used].astype(np.float64), nothing, tied)
    return data, numbers[cells]


def _start(models: tuple[str, ...], tally: Tally) -> Floats:
    """Return evalica's strengths for the added-up votes, ties as half-wins."""
    won, lost = np.nonzero(tally.wins)
    upper = np.triu(tally.ties)
    one, other = np.nonzero(upper)
    weights = np.concatenate([tally.wins[won, lost], upper[one, other]]).astype(np.float64)
    winners = [evalica.Winner.X] * len(won) + [evalica.Winner.Draw] * len(one)
    names = [str(number) for number in range(len(models))]
    result = evalica.bradley_terry(
        [names[number] for number in (*won, *one)],
        [names[number] for number in (*lost, *other)],
        winners,
        weights=list(weights),
    )
    scores = result.scores.to_dict()
    strengths = np.log(np.array([float(scores[name]) for name in names]).clip(min=1e-12))
    found: Floats = (strengths - strengths.mean()).clip(-10, 10)
    return found


def _start_nu(tally: Tally) -> float:
    share = tally.ties.sum() / 2 / max(tally.wins.sum() + tally.ties.sum() / 2, 1)
    return float(np.log(2 * share / max(1 - share, 1e-9)))


def _look(data: _Data, point: Floats) -> _State:
    """Return the log-likelihood at a point, and each row's derivatives (of one vote of its weight)."""
    count = data.count
    between = point[data.first] - point[data.second]
    if data.controls.shape[1]:
        between = between + data.controls @ point[count : count + data.controls.shape[1]]
    tie = (data.outcome == 0).astype(np.float64)
    if not data.tied:
        share = (data.outcome + 1) / 2
        chance = 1 / (1 + np.exp(-between))
        likelihood = float(data.weight @ (share * between - np.logaddexp(0, between)))
        nothing = np.zeros_like(between)
        return _State(likelihood, share - chance, nothing, chance * (1 - chance), nothing, nothing)
    # In units of √(π_a π_b): e^{d/2}, ν, e^{−d/2}.
    log_nu = point[-1]
    terms = np.stack([between / 2, np.full_like(between, log_nu), -between / 2])
    total = np.logaddexp(np.logaddexp(terms[0], terms[1]), terms[2])
    for_first, for_tie, for_second = np.exp(terms - total)
    said = data.outcome / 2
    expected = (for_first - for_second) / 2
    likelihood = float(data.weight @ (said * between + tie * log_nu - total))
    return _State(
        likelihood,
        said - expected,
        tie - for_tie,
        (for_first + for_second) / 4 - expected**2,
        -for_tie * expected,
        for_tie * (1 - for_tie),
    )


def _score(data: _Data, state: _State) -> Floats:
    count = data.count
    each = data.weight * state.residuals
    strengths = np.bincount(data.first, each, count) - np.bincount(data.second, each, count)
    tie = [float(data.weight @ state.tie_residuals)] if data.tied else []
    return np.concatenate([strengths, data.controls.T @ each, tie])


def _information(data: _Data, state: _State) -> Floats:
    count, more = data.count, data.controls.shape[1]
    size = count + more + int(data.tied)
    found = np.zeros((size, size))
    each = data.weight * state.curvature
    pairs = np.bincount(data.first * count + data.second, each, count * count).reshape(count, count)
    pairs = pairs + pairs.T
    found[:count, :count] = np.diag(pairs.sum(axis=1)) - pairs
    columns = [each * column for column in data.controls.T]
    if more:
        found[count : count + more, count : count + more] = data.controls.T @ (each[:, None] * data.controls)
    if data.tied:
        mixed = data.weight * state.mixed
        columns.append(mixed)
        found[-1, -1] = data.weight @ state.tie_curvature
        found[-1, count:-1] = found[count:-1, -1] = data.controls.T @ mixed
    for place, column in enumerate(columns, start=count):
        line = np.bincount(data.first, column, count) - np.bincount(data.second, column, count)
        found[:count, place] = found[place, :count] = line
    return found


def _anchor(data: _Data) -> Floats:
    """Return what makes the information invertible without moving anything: strengths are known up to a constant."""
    size = data.count + data.controls.shape[1] + int(data.tied)
    found = np.zeros((size, size))
    found[: data.count, : data.count] = data.weight.sum() / (4 * data.count**2)
    return found


def _climb(data: _Data, point: Floats, votes: Votes) -> tuple[Floats, int]:
    """Take Newton's steps to the top; return it, and how many it took."""
    state = _look(data, point)
    even = _information(data, _look(data, np.zeros_like(point))) + _anchor(data)
    if data.controls.shape[1]:
        _refuse_collinear(even, votes)
    aim = _CONVERGED * float(data.weight.sum())
    steps = 0
    while steps < _STEPS and np.abs(score := _score(data, state)).max() > aim:
        steps += 1
        move = np.linalg.solve(_information(data, state) + _anchor(data), score)
        before, state = state, _look(data, point + move)
        # Near the top rounding is greater than what a step gains: then it is taken as it is, and is the last.
        last = float(score @ move) < _GAIN
        halvings = 0
        while not last and state.likelihood < before.likelihood and halvings < _HALVINGS:
            halvings += 1
            move = move / 2
            state = _look(data, point + move)
        point = point + move
        if last:
            break
    _refuse_unbounded(even, _information(data, state) + _anchor(data), data, votes)
    return point, steps


def _scaled(matrix: Floats, even: Floats) -> Floats:
    scale = np.sqrt(np.diagonal(even).clip(min=1e-300))
    found: Floats = matrix / np.outer(scale, scale)
    return found


def _refuse_collinear(even: Floats, votes: Votes) -> None:
    values, vectors = np.linalg.eigh(_scaled(even, even))
    if values[0] > 1e-9:
        return
    raise ConfigError(
        f"{_blamed(vectors[:, 0], votes)} says nothing that the models, or the other controls, do not say already, so "
        "its influence cannot be told apart. Leave it out, or add votes in which it differs within the same pair."
    )


def _refuse_unbounded(even: Floats, information: Floats, data: _Data, votes: Votes) -> None:
    values, vectors = np.linalg.eigh(_scaled(information, even))
    smallest = np.linalg.eigvalsh(_scaled(even, even))[0]
    if values[0] > _FLAT * smallest or not data.controls.shape[1]:
        return
    raise ConfigError(
        f"{_blamed(vectors[:, 0], votes)} decides votes perfectly, so its influence has no upper bound. Leave it out, "
        "or add votes."
    )


def _blamed(direction: Floats, votes: Votes) -> str:
    count = len(votes.models)
    weights = np.abs(direction[count : count + len(votes.controls)])
    return f'Control "{votes.controls[int(weights.argmax())].name}"'
