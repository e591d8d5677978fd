"""`steelyard weigh rank`: many models by scores or by votes, each with the ranks that it may have."""

from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path

import click
from msgspec import UNSET, Struct
from msgspec.structs import replace

from steelyard.cli.jsons import print_json
from steelyard.cli.options import OptionValue, json_option
from steelyard.cli.ranges import RealRange, SeedRange
from steelyard.cli.shown import table
from steelyard.core.errors import ConfigError
from steelyard.weigh.figure import figure
from steelyard.weigh.ranking.fit import Ties
from steelyard.weigh.ranking.means import Mean, rank_means
from steelyard.weigh.ranking.report import Ranking, ranking_of_scores, ranking_of_votes
from steelyard.weigh.ranking.scores_file import ScoresRead, ScoresWanted, read_scores
from steelyard.weigh.ranking.simultaneous import Chances
from steelyard.weigh.ranking.standing import Side
from steelyard.weigh.ranking.strengths import Strength, rank_votes
from steelyard.weigh.ranking.votes_file import VotesRead, Wanted, holds_votes, read_votes
from steelyard.weigh.results.sheet import Flag

__all__ = ["rank"]

_MOST_NAMED = 5


class _Asked(Struct, frozen=True, kw_only=True):
    """The options, under their own names."""

    cluster: tuple[str, ...]
    ties: str | None
    control: tuple[str, ...]
    model: tuple[str, ...]
    item: str | None
    score: str | None
    missing: str | None
    alpha: float
    seed: int
    draws: int
    pairs: bool
    as_json: bool


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "--cluster",
    metavar="COLUMN",
    multiple=True,
    help="Column of what observations share. Votes: repeat it for two ways; without it, prompt and rater are taken. "
    "Scores: without it, a column source or cluster is; none: items are independent.",
)
@click.option("--ties", type=click.Choice([one.value for one in Ties]), help="Votes: what a tie is. Default: half.")
@click.option(
    "--control",
    metavar="NAME",
    multiple=True,
    help="Votes: take the influence of NAME_a and NAME_b (length, …) out; `position` needs no column. Repeat.",
)
@click.option("--model", metavar="NAME", multiple=True, help="Scores: rank only these models. Repeat.")
@click.option("--item", metavar="COLUMN", help="Scores: the column that names the items.")
@click.option("--score", metavar="COLUMN", help="Scores: the column that holds them.")
@click.option(
    "--missing",
    type=click.Choice(["leave-out", "fail"]),
    help="Scores: what an item is that some model has no score for. Default: leave-out.",
)
@click.option(
    "--alpha",
    type=RealRange(0.0001, 0.5),
    default=0.05,
    show_default=True,
    metavar="A",
    help="Chance that any statement is wrong.",
)
@click.option("--seed", type=SeedRange(), default=0, show_default=True, metavar="N", help="Seed of what is simulated.")
@click.option(
    "--draws",
    type=click.IntRange(1000, 1_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="How much is simulated.",
)
@click.option("--pairs", is_flag=True, help="Tell every pair's difference too.")
@json_option
def rank(files: tuple[str, ...], **options: OptionValue) -> int:
    """Rank models by scores or by votes.

    FILE holds scores (whatever `weigh recorded` reads), or votes: CSV, JSON lines or Parquet with model_a, model_b,
    winner (a, b or tie), and perhaps prompt, rater, length_a, length_b. All intervals hold at once with confidence
    1 − A, and so do all ranks; a control's interval stands alone.
    """
    asked = _Asked(**options)
    chances = Chances(asked.alpha, asked.seed, asked.draws)
    of_votes = [holds_votes(Path(name)) for name in files]
    if any(of_votes) and not all(of_votes):
        scores = files[of_votes.index(False)]
        raise ConfigError(f"{files[of_votes.index(True)]} holds votes and {scores} does not. Rank them one by one.")
    found = _by_votes(files, asked, chances) if all(of_votes) else _by_scores(files, asked, chances)
    if not asked.pairs:
        found = replace(found, pairs=UNSET)
    if asked.as_json:
        print_json(found)
    else:
        _show(found)
    return 0


def _by_votes(files: Sequence[str], asked: _Asked, chances: Chances) -> Ranking:
    for name in ("model", "item", "score", "missing"):
        if getattr(asked, name):
            raise ConfigError(f"--{name} is about scores, and {files[0]} holds votes. Leave it out.")
    paths = [Path(name) for name in files]
    read = read_votes(paths, Wanted(asked.cluster or None, asked.control))
    ties = Ties(asked.ties or Ties.HALF)
    ranked = rank_votes(read.votes, ties, chances)
    return ranking_of_votes(ranked, read.votes, ties, chances, _vote_flags(read), _digest(paths))


def _by_scores(files: Sequence[str], asked: _Asked, chances: Chances) -> Ranking:
    for name in ("ties", "control"):
        if getattr(asked, name):
            raise ConfigError(
                f"--{name} is about votes, and {files[0]} holds none: those have columns model_a, model_b, winner."
            )
    if len(asked.cluster) > 1:
        raise ConfigError("Scores are clustered by one column. Name the coarser one.")
    cluster = asked.cluster[0] if asked.cluster else None
    wanted = ScoresWanted(asked.item, asked.score, cluster, asked.model, asked.missing == "fail")
    read = read_scores(files, wanted)
    column = None if read.scores.clusters is None else read.scores.clusters.name
    return ranking_of_scores(rank_means(read.scores, chances), column, chances, _score_flags(read, asked), read.sha256)


def _vote_flags(read: VotesRead) -> list[Flag]:
    found = []
    for name, count in read.unsourced.items():
        found.append(Flag("no_source", f'{count} votes have no "{name}"; each of them counts as a source of its own.'))
    if read.without_control:
        found.append(Flag("no_control", f"{read.without_control} votes lack a control's value, and do not count."))
    if read.repeated:
        found.append(Flag("repeated", f"{read.repeated} votes repeat one of the same rater, prompt and models."))
    return found


def _score_flags(read: ScoresRead, asked: _Asked) -> list[Flag]:
    found = []
    if read.skipped:
        named = ", ".join(f'"{name}"' for name in read.skipped[:_MOST_NAMED])
        more = f" and {len(read.skipped) - _MOST_NAMED} more" if len(read.skipped) > _MOST_NAMED else ""
        found.append(Flag("columns_skipped", f"No models, for they hold texts or are clustered by: {named}{more}."))
    if read.repeated:
        found.append(Flag("repeats", f"{read.repeated} items have several runs of a model; their mean counts."))
    if read.sourced and read.scores.clusters is not None:
        name, count = read.scores.clusters.name, read.scores.clusters.count
        told = f'Items share {count} values of "{name}", so they are clustered by it.'
        found.append(Flag("clusters", f"{told} Where they are independent all the same: --cluster none."))
    if read.duplicates:
        found.append(Flag("duplicates", f"{read.duplicates} scores say again what another row says; they count once."))
    if read.missing and asked.missing == "fail":
        found.append(Flag("missing_failed", f"{read.missing} scores are missing, and count as 0."))
    return found


def _digest(paths: Sequence[Path]) -> str:
    """Return the file's SHA-256; of several files, that of their digests, one a line."""
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()


def _show(found: Ranking) -> None:
    """Print the ranking as a table, what is to be known of it below."""
    if found.kind == "scores":
        rows = [_mean_row(row) for row in found.models if isinstance(row, Mean)]
        table(("rank", "model", "mean", "interval"), rows, right=("mean",))
    else:
        votes = [_strength_row(row) for row in found.models if isinstance(row, Strength)]
        table(
            ("rank", "model", "strength", "interval", "won", "lost", "tied"),
            votes,
            right=("strength", "won", "lost", "tied"),
        )
    if found.influences is not UNSET:
        for one in found.influences:
            click.echo(f"{one.control}: {one.estimate:+.3f} [{one.ci[0]:+.3f}, {one.ci[1]:+.3f}] log-odds; {one.text}")
    if found.pairs is not UNSET:
        click.echo()
        pairs = [
            (one.first, one.second, _figure(one.difference), _interval(one.ci), "yes" if one.apart else "no")
            for one in found.pairs
        ]
        table(("first", "second", "difference", "interval", "apart"), pairs, right=("difference",))
    for flag in found.flags:
        click.echo(f"note: {flag.text}", err=True)
    what = "items" if found.kind == "scores" else "votes"
    groups = "".join(f', {one.count} of "{one.column}"' for one in found.clusters if one.column is not None)
    ties = "" if found.ties is UNSET else f" Ties: {found.ties}."
    click.echo(
        f"{found.n} {what}{groups}. {found.method[0].upper()}{found.method[1:]}.{ties} All intervals hold at once with "
        f"confidence {1 - found.alpha:g}, and so do all ranks. Seed {found.seed}, {found.draws} draws.",
        err=True,
    )


def _mean_row(row: Mean) -> tuple[str, ...]:
    return (_ranks(row.rank), row.model, _figure(row.mean), _interval(row.ci))


def _strength_row(row: Strength) -> tuple[str, ...]:
    unbounded = {Side.ABOVE: "above all", Side.BELOW: "below all", Side.APART: "unknown", Side.CORE: "unknown"}
    strength = unbounded[row.side] if row.strength is None else f"{row.strength:+.3f}"
    return (_ranks(row.rank), row.model, strength, _interval(row.ci), str(row.wins), str(row.losses), str(row.ties))


def _ranks(rank: tuple[int, int]) -> str:
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def _figure(value: float | None) -> str:
    return "unknown" if value is None else figure(value)


def _interval(ci: tuple[float, float] | None) -> str:
    return "unknown" if ci is None else f"{figure(ci[0])} … {figure(ci[1])}"
