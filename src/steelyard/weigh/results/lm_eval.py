"""Samples of EleutherAI's lm-evaluation-harness (`--log_samples`): `samples_TASK_DATE.jsonl`.

Each line is a document under one filter: doc_id, doc, target, resps, filtered_resps, filter, metrics, hashes, and one
key a metric (lm_eval/evaluator.py). The file does not name the model: `results_DATE.json` beside it does
(`NAME_DATE.json` after `--output_path NAME.json`), and so does its directory, with `__` for `/`
(lm_eval/loggers/evaluation_tracker.py).
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.results.decoded import decoded
from steelyard.weigh.results.sheet import Block
from steelyard.weigh.results.source import Source, apart, chosen, shaped
from steelyard.weigh.results.tables import flattened, sheet_of

__all__ = ["is_lm_eval", "lm_eval_blocks"]

_NAME: Final = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:\-]+)\.jsonl?$")
_TOLD: Final = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
    | {"doc_hash", "prompt_hash", "target_hash"}
)


class _Sample(Struct, frozen=True):
    """What is needed of a sample beside its metrics, which stand there by their names."""

    doc_id: int | str
    doc: JsonValue = None
    resps: JsonValue = None
    filter: str = "none"
    metrics: list[str] | None = None
    doc_hash: str | None = None
    prompt_hash: str | None = None
    target_hash: str | None = None

    @property
    def suffix(self) -> str:
        """Return what follows a metric's name under this filter: `exact_match,strict-match`."""
        return f",{self.filter}" if self.filter != "none" else ""

    @property
    def said(self) -> str | None:
        """Return what the model answered; None where it only weighed given answers, and where it answered often."""
        match self.resps:
            case [[str() as said]] | [str() as said]:
                return said
        return None

    def told(self) -> dict[str, object]:
        """Return the document's columns; what is called like a model's output there gets a prefix."""
        return apart(flattened(self.doc), "doc") if isinstance(self.doc, Mapping) else {}

    def hashes(self) -> dict[str, object]:
        """Return the hashes that are there."""
        told = {"doc_hash": self.doc_hash, "prompt_hash": self.prompt_hash, "target_hash": self.target_hash}
        return {name: value for name, value in told.items() if value is not None}


class _Beside(Struct, frozen=True):
    """What `results_DATE.json` says of the run."""

    model_name: str | None = None
    versions: JsonObject | None = None
    lm_eval_version: JsonValue = None


def is_lm_eval(row: object) -> bool:
    """Say whether an object is a sample of lm-evaluation-harness."""
    return isinstance(row, Mapping) and "doc_id" in row and ("filtered_resps" in row or "resps" in row)


def lm_eval_blocks(
    source: Source, rows: Sequence[Mapping[str, JsonValue]], places: Sequence[int], unit: str
) -> list[Block]:
    """Return the scores of one task and model, under one metric and filter. Raises ConfigError."""
    samples = [shaped(_Sample, row, source.where(unit, place)) for row, place in zip(rows, places, strict=True)]
    named = [f"{name}{one.suffix}" for row, one in zip(rows, samples, strict=True) for name in _metrics(row, one)]
    metric = chosen(source, list(dict.fromkeys(named)))
    name = _NAME.search(Path(source.file).name)
    task = name["task"] if name else ""
    beside = _results(source, name["date"] if name else None)
    scorer = _scorer(task, metric, beside)
    cells: list[dict[str, object]] = []
    kept: list[int] = []
    spoken = any(one.said is not None for one in samples)
    for row, one, place in zip(rows, samples, places, strict=True):
        key = metric.removesuffix(one.suffix) if metric.endswith(one.suffix) else ""
        if key not in row:
            continue
        output = {"output": one.said} if spoken else {}
        item = f"{task}:{one.doc_id}" if task else str(one.doc_id)
        told = {"task": task or None, **one.told(), **output, **one.hashes()}
        cells.append({**told, "item": item, "scorer": scorer, metric: row[key]})
        kept.append(place)
    sheet = sheet_of(source.file, unit, kept, cells)
    return [Block(_model(source, beside), sheet, np.arange(len(cells)), "item", metric)]


def _metrics(row: Mapping[str, JsonValue], sample: _Sample) -> list[str]:
    if sample.metrics is not None:
        return [name for name in sample.metrics if name in row]
    return [name for name, value in row.items() if name not in _TOLD and isinstance(value, int | float)]


def _results(source: Source, date: str | None) -> _Beside:
    """Return what was written beside the samples in the same run; nothing where there is no such file."""
    folder = Path(source.file).parent
    beside = [] if date is None else [folder / f"results_{date}.json", *sorted(folder.glob(f"*_{date}.json"))]
    for file in beside:
        # Where it cannot be read, the directory names the model still, and versions stay unknown.
        with suppress(OSError, ValueError):
            return msgspec.convert(decoded(file.read_bytes()), _Beside)
    return _Beside()


def _model(source: Source, beside: _Beside) -> str:
    if source.model is not None:
        return source.model
    named = beside.model_name or Path(source.file).resolve().parent.name.replace("__", "/")
    if not named:
        raise ConfigError(f"{source.file}: samples do not name their model. Write MODEL={source.file}.")
    return named


def _scorer(task: str, metric: str, beside: _Beside) -> str | None:
    version = (beside.versions or {}).get(task)
    if version is None:
        return None
    return f"{metric}, task version {version}, lm_eval {beside.lm_eval_version or 'of unknown version'}"
