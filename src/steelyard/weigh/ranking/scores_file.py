"""Scores of many models, from files of recorded results."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import FEWEST_CLUSTERS, Clusters
from steelyard.weigh.ranking.means import Scores
from steelyard.weigh.results.pairs import NO_CLUSTER, SOURCES
from steelyard.weigh.results.read import read_results
from steelyard.weigh.results.scores import number_of, score_of
from steelyard.weigh.results.sheet import Block, Results, mistaken

__all__ = ["ScoresRead", "ScoresWanted", "read_scores"]


class ScoresWanted(Struct, frozen=True):
    """Which columns hold what (None: by their usual names), which models (none named: all), and what a missing score
    is: 0 where `failing`, else unknown. `cluster` None: a column `source` or `cluster`; "none": none."""

    item: str | None = None
    score: str | None = None
    cluster: str | None = None
    models: tuple[str, ...] = ()
    failing: bool = False


class ScoresRead(Struct, frozen=True, eq=False):
    """Scores, and what was noticed: columns that are no scores, items with several runs, scores that were missing, and
    rows that say again what another said (`duplicates`). `sourced`: a column told of clusters, unasked."""

    scores: Scores
    skipped: tuple[str, ...]
    repeated: int
    missing: int
    duplicates: int
    sourced: bool
    sha256: str


class _Column:
    """One model's scores by item; of several runs of an item the mean counts."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.scores: dict[str, list[float]] = {}
        self.duplicates = 0

    def take(self, block: Block) -> list[str]:
        """Take a block's scores; return what is wrong, a line each."""
        wrong = []
        values = zip(block.rows, block.cells(block.item), block.cells(block.score), strict=True)
        for row, item, cell in values:
            name = _text(item)
            number = score_of(cell)
            if not name:
                wrong.append(f"{block.sheet.where(row)}: no item is named")
            elif number is None:
                wrong.append(f'{block.sheet.where(row)}: "{cell}" is no score of "{self.model}"')
            elif name in self.scores and block.repeat is None:
                if _same(self.scores[name][0], number):
                    self.duplicates += 1
                else:
                    wrong.append(f'{block.sheet.where(row)}: item "{name}" of "{self.model}" has another score above')
            else:
                self.scores.setdefault(name, []).append(number)
        return wrong


def read_scores(files: Sequence[str], wanted: ScoresWanted) -> ScoresRead:
    """Read the scores of all models, or of those wanted, on the union of their items.

    In a wide table, columns that hold texts are no models, unless they are wanted by name. Raises ConfigError with file
    and line for a cell that is no score, also in a column that holds mostly numbers; for an item that stands twice, or
    has two sources.
    """
    results = read_results(files, wanted.item, wanted.score)
    unknown = [name for name in wanted.models if name not in results.models]
    if unknown:
        raise ConfigError(f'No model is called "{unknown[0]}"; there are {", ".join(results.models)}.')
    sourced = None if wanted.cluster is not None else _source_column(results)
    given = None if wanted.cluster == NO_CLUSTER and not _has(results, NO_CLUSTER) else wanted.cluster
    wanted = replace(wanted, cluster=sourced if given is None else given)
    columns, skipped = _columns(results, wanted)
    items = list(dict.fromkeys(name for column in columns for name in column.scores))
    numbers = {name: place for place, name in enumerate(items)}
    values = np.full((len(items), len(columns)), np.nan)
    for place, column in enumerate(columns):
        rows = [numbers[name] for name in column.scores]
        values[rows, place] = [_mean(runs) for runs in column.scores.values()]
    if len(columns) == 1 and skipped:
        raise ConfigError(
            f'Only "{columns[0].model}" holds numbers, and there is nothing to rank. No models, for they hold words or '
            f"are clustered by: {', '.join(skipped)}. Name the models by --model."
        )
    missing = int(np.isnan(values).sum())
    if wanted.failing:
        values = np.nan_to_num(values, nan=0.0)
    repeated = sum(len(runs) > 1 for column in columns for runs in column.scores.values())
    clusters = None if wanted.cluster is None else _clusters(results, wanted.cluster, items, columns)
    if sourced is not None:
        clusters = _sharing(clusters, len(items))
    scores = Scores(tuple(column.model for column in columns), values, clusters)
    duplicates = sum(column.duplicates for column in columns)
    told = sourced is not None and clusters is not None
    return ScoresRead(scores, tuple(skipped), repeated, missing, duplicates, told, results.sha256)


def _has(results: Results, name: str) -> bool:
    return any(name in block.sheet for block in results.blocks)


def _source_column(results: Results) -> str | None:
    """Return the column that says which source an item is from, as `weigh recorded` takes it unasked."""
    return next((name for name in SOURCES if _has(results, name)), None)


def _sharing(clusters: Clusters | None, items: int) -> Clusters | None:
    """Return clusters that nobody asked for, where items share them. Raises ConfigError for too few."""
    if clusters is None or not 1 < clusters.count < items:
        return None
    if clusters.count < FEWEST_CLUSTERS:
        raise ConfigError(
            f'{items} items share {clusters.count} values of "{clusters.name}", and an interval needs at least '
            f"{FEWEST_CLUSTERS} sources. Collect more of them; where items are independent all the same: "
            f"--cluster {NO_CLUSTER}."
        )
    return clusters


def _columns(results: Results, wanted: ScoresWanted) -> tuple[list[_Column], list[str]]:
    columns: list[_Column] = []
    skipped: list[str] = []
    wrong: list[str] = []
    for model in wanted.models or results.models:
        blocks = results.of(model)
        # In a wide table any column may be a model: those that others are asked for by, and texts, are none.
        wide = all(block.score == model for block in blocks)
        if wide and not wanted.models:
            source = model == wanted.cluster or model in SOURCES
            texts = [] if source else _among_numbers(blocks)
            wrong += texts or ()
            if source or texts is not None:
                skipped.append(model)
                continue
        column = _Column(model)
        for block in blocks:
            wrong += column.take(block)
        columns.append(column)
    if wrong:
        raise mistaken(wrong)
    if not columns:
        raise ConfigError(f"No column holds scores: {', '.join(skipped)} are texts. Name the models by --model.")
    return columns, skipped


def _among_numbers(blocks: Iterable[Block]) -> list[str] | None:
    """Return what is wrong with a column of a wide table: None, where all cells are numbers or empty; nothing, where it
    holds mostly texts, and is no model's; else a line for each text among the numbers."""
    known = [(block, block.column(block.score)) for block in blocks]
    numbers = [[number_of(value) for value in column.values] for _, column in known]
    if not any(None in values for values in numbers):
        return None
    wrong: list[str] = []
    counted = 0
    for (block, column), values in zip(known, numbers, strict=True):
        for row, code in zip(block.rows.tolist(), column.codes.tolist(), strict=True):
            number = values[code]
            counted += number is not None and not math.isnan(number)
            if number is None:
                wrong.append(
                    f'{block.sheet.where(row)}: "{column.texts[code][:40]}" is no score, and "{block.score}" holds '
                    "numbers elsewhere. Mend it, or name the models by --model."
                )
    return wrong if len(wrong) < counted else []


def _clusters(results: Results, name: str, items: Sequence[str], columns: Sequence[_Column]) -> Clusters:
    sources: dict[str, str] = {}
    wrong = []
    found = False
    for model in (column.model for column in columns):
        for block in results.of(model):
            if name not in block.sheet.columns:
                continue
            found = True
            for row, item, cell in zip(block.rows, block.cells(block.item), block.cells(name), strict=True):
                source = _text(cell)
                if not source:
                    continue
                if sources.setdefault(_text(item), source) != source:
                    wrong.append(
                        f'{block.sheet.where(row)}: item "{item}" has the source "{source}", and elsewhere '
                        f'"{sources[_text(item)]}"'
                    )
    if not found:
        raise ConfigError(f'There is no column "{name}" to cluster by. Leave out --cluster, or name another column.')
    if wrong:
        raise mistaken(wrong)
    numbers: dict[str, int] = {}
    # An item without a source stands alone.
    codes = [numbers.setdefault(sources.get(item) or f"\0{item}", len(numbers)) for item in items]
    return Clusters(name, np.array(codes, dtype=np.int64), len(numbers))


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _mean(runs: Sequence[float]) -> float:
    known = [run for run in runs if not math.isnan(run)]
    return math.fsum(known) / len(known) if known else math.nan


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
