"""Score recorded outputs: each row's output against its target, as a long table that `weigh recorded` reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.results.source import REPEATS
from steelyard.weigh.scorers.registry import label_of
from steelyard.weigh.scorers.score import Scorer, score_output
from steelyard.weigh.tasks.rows import Row

__all__ = ["Columns", "Scored", "Tally", "found_columns", "joined", "score_rows", "tallies"]

_ITEMS = ("item", "id", "key")
_OUTPUTS = ("output", "response", "completion")
_TARGETS = ("target", "answer")


class Columns(Struct, frozen=True, kw_only=True):
    """Which columns hold what. `target` None: the scorer needs none, or the rows have none. `kept` go along."""

    item: str
    model: str
    output: str
    target: str | None = None
    kept: tuple[str, ...] = ()


class Scored(Struct, frozen=True):
    """One row of the long table. `score` None: unknown; `parsed` False: nothing could be read from the output, or there
    is none. `missing`: there is none. `scorer` and `version` say by which rules."""

    item: str
    model: str
    score: float | None
    parsed: bool
    scorer: str
    version: str
    missing: bool
    kept: dict[str, Any]
    detail: dict[str, Any]

    def cells(self) -> dict[str, Any]:
        """Return the row as `weigh recorded` reads it, the kept columns first."""
        told = ("item", "model", "score", "parsed", "scorer", "version")
        return {**self.kept, **{name: getattr(self, name) for name in told}}


class Tally(Struct, frozen=True):
    """What one model's outputs came to. `unparsed` outputs were there and could not be read; `missing` were not there.

    `mean` is over the `scored` alone, None where there are none; `mean_of_all` counts what has no score as 0.
    """

    model: str
    n: int
    scored: int
    unparsed: int
    missing: int
    mean: float | None
    mean_of_all: float


def found_columns(
    rows: Sequence[Row], wanted: Mapping[str, str | None], kept: Iterable[str] = (), *, model: str | None = None
) -> Columns:
    """Return the columns of rows: those that are `wanted` by name, the others by their usual names.

    `model` says how the one model is called where no column does. Raises ConfigError for a column that no row has.
    """
    seen = dict.fromkeys(column for row in rows for column in row.values)
    item = _column("item", wanted.get("item"), _ITEMS, seen)
    output = _column("output", wanted.get("output"), _OUTPUTS, seen)
    column = "" if model is not None else _column("model", wanted.get("model"), ("model",), seen)
    target = wanted.get("target") or next((name for name in _TARGETS if name in seen), None)
    for name in (*kept, *((target,) if target is not None else ())):
        _check(name, seen)
    return Columns(item=item, model=column, output=output, target=target, kept=tuple(kept))


def joined(rows: Sequence[Row], items: Mapping[str, Mapping[str, Any]], item: str, source: str) -> tuple[Row, ...]:
    """Return the rows with the columns of their items beside their own. Raises ConfigError for an unknown item."""
    found = []
    for row in rows:
        name = str(row.values.get(item, ""))
        if name not in items:
            raise ConfigError(f'{row.place}: the item "{name[:80]}" is not in {source}{nearest(name, items)}')
        found.append(Row(row.place, {**items[name], **row.values}))
    return tuple(found)


def score_rows(
    rows: Iterable[Row], columns: Columns, scorer: Scorer, *, model: str = "", strict: bool = False
) -> tuple[Scored, ...]:
    """Score every row. Raises ConfigError with file and line where a row is not what the scorer needs.

    `model`: the name for rows of which no column says it. `strict`: what is unparsed or missing is worth 0, as asked.
    """
    label, version = label_of(scorer), scorer.version
    scored = []
    seen: dict[tuple[str, ...], tuple[str | None, str]] = {}
    for row in rows:
        output = _output(row, columns.output)
        item, called = _name(row, columns.item), _name(row, columns.model) if columns.model else model
        _check_again(seen, (item, called, *(str(row.values.get(name)) for name in REPEATS)), output, row.place)
        target = row.values.get(columns.target) if columns.target is not None else None
        try:
            score = score_output(scorer, output, target, row.values, strict=strict)
        except ConfigError as error:
            raise ConfigError(*(f"{row.place}: {finding}" for finding in error.findings)) from error
        scored.append(
            Scored(
                item=item,
                model=called,
                score=score.value,
                parsed=score.parsed,
                scorer=label,
                version=version,
                missing=output is None,
                kept={name: row.values.get(name) for name in columns.kept},
                detail=score.detail,
            )
        )
    return tuple(scored)


def _check_again(
    seen: dict[tuple[str, ...], tuple[str | None, str]], run: tuple[str, ...], output: str | None, place: str
) -> None:
    """Raise ConfigError where the same run of an item has another output than before."""
    before, first = seen.setdefault(run, (output, place))
    if before != output:
        raise ConfigError(
            f'{place}: the item "{run[0][:80]}" of {run[1][:80]} has another output at {first}. '
            f"Runs of one item are told apart by a column {', '.join(REPEATS[:-1])} or {REPEATS[-1]}."
        )


def tallies(scored: Sequence[Scored]) -> tuple[Tally, ...]:
    """Return what each model's outputs came to, in the order in which the models appear."""
    models = dict.fromkeys(one.model for one in scored)
    return tuple(_tally(model, [one for one in scored if one.model == model]) for model in models)


def _tally(model: str, rows: Sequence[Scored]) -> Tally:
    values = [row.score for row in rows if row.score is not None]
    missing = sum(row.missing for row in rows)
    return Tally(
        model=model,
        n=len(rows),
        scored=len(values),
        unparsed=sum(not row.parsed for row in rows) - missing,
        missing=missing,
        mean=sum(values) / len(values) if values else None,
        mean_of_all=sum(values) / len(rows),
    )


def _output(row: Row, column: str) -> str | None:
    output = row.values.get(column)
    if output is None or isinstance(output, str):
        return output
    raise ConfigError(f'{row.place}: the output in "{column}" is no text')


def _name(row: Row, column: str) -> str:
    value = row.values.get(column)
    if value is None or value == "" or isinstance(value, dict | list):
        raise ConfigError(f'{row.place}: "{column}" must name the item or the model')
    return str(value)


def _column(what: str, wanted: str | None, usual: tuple[str, ...], seen: Mapping[str, None]) -> str:
    if wanted is not None:
        _check(wanted, seen)
        return wanted
    found = next((name for name in usual if name in seen), None)
    if found is None:
        known = ", ".join(seen) or "none"
        raise ConfigError(f"no column is called {' or '.join(usual)}; name it with --{what}. Columns: {known}")
    return found


def _check(column: str, seen: Mapping[str, None]) -> None:
    if column not in seen:
        known = f"; there are {', '.join(seen)}"
        raise ConfigError(f'no column is called "{column}"{nearest(column, seen, known)}')
