"""Logs of OpenAI's evals (`oaieval`): JSON lines of events (evals/record.py: LocalRecorder).

The first line is the run's spec, which names the model (`completion_fns`); then come events with `sample_id`, `type`
and `data`. A `match` event is right or wrong; a `metrics` event holds numbers by name, of which --score chooses one. A
sample of which only an error or the model's text is on record has no score.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonValue
from steelyard.weigh.results.sheet import Block
from steelyard.weigh.results.source import Source, chosen, shaped
from steelyard.weigh.results.tables import sheet_of

__all__ = ["is_openai_evals", "openai_evals_blocks"]

_CORRECT: Final = "correct"


class _Spec(Struct, frozen=True):
    completion_fns: list[str]
    base_eval: str | None = None
    eval_name: str | None = None


class _Head(Struct, frozen=True):
    spec: _Spec


class _Event(Struct, frozen=True):
    sample_id: int | str | None = None
    type: str | None = None
    data: JsonValue = None

    @property
    def said(self) -> str | None:
        """Return what the model said; None for events that do not tell, and where it was asked for several answers."""
        said = self.data.get("sampled") if isinstance(self.data, Mapping) else None
        match said:
            case str() | [str()]:
                return said if isinstance(said, str) else said[0]
        return None

    def values(self) -> dict[str, object]:
        """Return the scores of an event by name."""
        if not isinstance(self.data, Mapping):
            return {}
        if self.type == "match":
            return {_CORRECT: self.data.get(_CORRECT)}
        if self.type == "metrics":
            return {str(name): value for name, value in self.data.items() if isinstance(value, int | float)}
        return {}


def is_openai_evals(row: object) -> bool:
    """Say whether an object is the head of a log: the spec of a run."""
    return isinstance(row, Mapping) and isinstance(row.get("spec"), Mapping) and "completion_fns" in row["spec"]


def openai_evals_blocks(
    source: Source, rows: Sequence[Mapping[str, JsonValue]], places: Sequence[int], unit: str
) -> list[Block]:
    """Return the scores of the run's model. Raises ConfigError."""
    spec = shaped(_Head, rows[0], source.where(unit, places[0])).spec
    found = [(shaped(_Event, row, source.where(unit, place)), place) for row, place in zip(rows, places, strict=True)]
    events = [(event, place) for event, place in found if event.sample_id is not None]
    held = list(dict.fromkeys(name for event, _ in events for name in event.values()))
    score = _CORRECT if source.score is None and _CORRECT in held else chosen(source, held)
    scorer = f"{score}, {spec.base_eval or spec.eval_name or 'unknown eval'}"
    spoken = any(event.said is not None for event, _ in events)
    cells: dict[str, dict[str, object]] = {}
    lines: dict[str, int] = {}
    for event, place in events:
        sample, value = str(event.sample_id), event.values().get(score)
        row = cells.setdefault(sample, {"item": sample, score: None, "scorer": scorer})
        lines.setdefault(sample, place)
        if spoken:
            row["output"] = event.said if event.said is not None else row.get("output")
        if value is None:
            continue
        if row[score] is not None and row[score] != value:
            where = source.where(unit, place)
            raise ConfigError(f"{where}: sample {sample} has a second score, {value}, after {row[score]}")
        row[score] = value
        lines[sample] = place
    sheet = sheet_of(source.file, unit, list(lines.values()), list(cells.values()))
    model = source.model or next(iter(spec.completion_fns), "")
    if not model:
        raise ConfigError(f"{source.where(unit, places[0])}: the spec names no model. Write MODEL={source.file}.")
    return [Block(model, sheet, np.arange(len(cells)), "item", score)]
