"""How long ranking many models by many votes takes; and, by simulation, what its intervals and ranks promise.

`python -m bench.weigh_rank FILE ROUNDS` prints seconds and megabytes of each round, as JSON. `python -m
bench.weigh_rank --grid` draws votes again and again with strengths that are known, and says how often all intervals
hold at once, how often all ranks do, and how often equal models are called apart.
"""

import resource
import sys
import time
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from subprocess import run
from typing import Final

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.contest import Bench
from bench.figures import Ask, BenchError, Row, missing, value_row
from steelyard.weigh.ranking.clusters import Clusters
from steelyard.weigh.ranking.fit import Ties, fit_strengths
from steelyard.weigh.ranking.simultaneous import Chances
from steelyard.weigh.ranking.strengths import Strengths, rank_votes
from steelyard.weigh.ranking.votes import Votes
from steelyard.weigh.ranking.votes_file import Wanted, read_votes

__all__ = ["RANK", "main", "ranked", "simulated"]

RANK: Final = Ask(
    "weigh-rank",
    "CPU of ranking 100 models by a file of 1,000,000 votes, clustered two ways, within 1 GB",
    "s",
    "<=",
    10.0,
)

_MOST_MB = 1000
_VOTES, _MODELS, _PROMPTS, _RATERS = 1_000_000, 100, 200_000, 50_000


def ranked(bench: Bench) -> list[Row]:
    """Measure reading votes and ranking by them: strengths, intervals and ranges of ranks, in one process a round.

    Starting Python and importing numpy, scipy and evalica are not counted in the time, but in the memory."""
    if not (find_spec("scipy") and find_spec("evalica")):
        return [missing(RANK, "needs the extra: pip install 'steelyard[weigh]'")]
    file = _table(bench.fresh() / "votes.csv")
    seconds, megabytes = [], []
    for _ in range(bench.rounds):
        done = run([sys.executable, "-m", "bench.weigh_rank", str(file)], capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"ranking failed: {done.stderr.strip().splitlines()[-1]}")
        spent, held = msgspec.json.decode(done.stdout, type=tuple[float, float])
        seconds.append(spent)
        megabytes.append(held)
    if max(megabytes) > _MOST_MB:
        raise BenchError(f"ranking took {max(megabytes):.0f} MB of memory, and {_MOST_MB} are the most")
    return [value_row(RANK, seconds, f"a file of {file.stat().st_size / 1e6:.0f} MB; {max(megabytes):.0f} MB resident")]


def _table(path: Path) -> Path:
    """Write votes of which one in seven is a tie, each on one of 200,000 prompts by one of 50,000 raters."""
    rng = np.random.default_rng(0)
    strengths = np.linspace(-1.5, 1.5, _MODELS)
    first = rng.integers(0, _MODELS, _VOTES)
    second = (first + rng.integers(1, _MODELS, _VOTES)) % _MODELS
    chance = 1 / (1 + np.exp(-(strengths[first] - strengths[second])))
    winner = np.where(rng.random(_VOTES) < 1 / 7, "tie", np.where(rng.random(_VOTES) < chance, "a", "b"))
    columns = (first, second, winner, rng.integers(0, _PROMPTS, _VOTES), rng.integers(0, _RATERS, _VOTES))
    with path.open("w") as file:
        file.write("model_a,model_b,winner,prompt,rater\n")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        file.writelines(f"model-{a},model-{b},{won},prompt-{p},rater-{r}\n" for a, b, won, p, r in rows)
    return path


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--grid", is_flag=True, help="Simulate how often intervals and ranks hold.")
@click.option("--tries", default=1000, show_default=True, help="Draws of each cell of the grid.")
def main(file: Path | None, grid: bool, tries: int) -> None:
    """Rank by the votes of FILE and print [CPU seconds, megabytes]; or simulate."""
    if grid:
        _simulate(tries)
    if file is None:
        return
    begun = time.process_time()
    found = rank_votes(read_votes([file], Wanted()).votes, Ties.HALF, Chances())
    spent = time.process_time() - begun
    if len(found.rows) != _MODELS:
        raise click.ClickException(f"{len(found.rows)} models were ranked, and the file has {_MODELS}")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    click.echo(msgspec.json.encode((spent, held)).decode())


def _simulate(tries: int) -> None:
    click.echo("models  clusters  votes each  effect   intervals hold  ranks hold  equals called apart")
    cells = product((3, 6, 12), ((12, 20), (20, 10), (50, 6), (200, 3)), (0.0, 1.0))
    for models, (clusters, each), effect in cells:
        rng = np.random.default_rng((models, clusters, int(effect)))
        spread = np.linspace(-0.7, 0.7, models)
        truth = fit_strengths(simulated(spread, 20_000, each, effect, rng), Ties.HALF).strengths
        hold, right, apart = [], [], []
        for _ in range(tries):
            found = rank_votes(simulated(spread, clusters, each, effect, rng), Ties.HALF, Chances(draws=999))
            hold.append(_holds(found, truth))
            right.append(_ranks_hold(found, truth))
            equal = simulated(np.zeros(models), clusters, each, effect, rng)
            apart.append(rank_votes(equal, Ties.HALF, Chances(draws=999)).greater.any())
        figures = (np.mean(one) for one in (hold, right, apart))
        click.echo(
            f"{models:6}  {clusters:8}  {each:10}  {effect:6}   " + "  ".join(f"{figure:.3f}" for figure in figures)
        )


def simulated(
    strengths: NDArray[np.float64], clusters: int, each: int, effect: float, rng: np.random.Generator
) -> Votes:
    """Return votes in clusters that each prefer some models by chance: `effect` is its standard deviation."""
    count, votes = len(strengths), clusters * each
    first = rng.integers(0, count, votes)
    second = (first + rng.integers(1, count, votes)) % count
    codes = np.repeat(np.arange(clusters), each)
    taste = rng.normal(0, effect, (clusters, count))
    between = strengths[first] - strengths[second] + taste[codes, first] - taste[codes, second]
    won = rng.random(votes) < 1 / (1 + np.exp(-between))
    names = tuple(f"model-{number}" for number in range(count))
    return Votes(names, first, second, np.where(won, 1, -1).astype(np.int8), (Clusters("prompt", codes, clusters),))


def _holds(found: Strengths, truth: NDArray[np.float64]) -> bool:
    """Say whether all intervals hold; a model without one counts as held, for nothing is claimed of it."""
    rows = zip(found.rows, found.index, strict=True)
    return all(row.ci is None or row.ci[0] <= truth[place] <= row.ci[1] for row, place in rows)


def _ranks_hold(found: Strengths, truth: NDArray[np.float64]) -> bool:
    rows = zip(found.rows, found.index, strict=True)
    return all(row.rank[0] <= 1 + int((truth > truth[place]).sum()) <= row.rank[1] for row, place in rows)


if __name__ == "__main__":
    main()
