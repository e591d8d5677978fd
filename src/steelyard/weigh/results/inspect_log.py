"""Logs of Inspect: `.eval` archives and JSON (inspect_ai.log, "Log Files"; header and summaries of version 2).

The archive keeps a summary of every sample, which holds its scores. The samples themselves, with all their messages,
are unpacked for the model's last words, unless they are larger than 64 MB together. A log of an older Inspect, or of a
run that was killed, keeps the same under other names. Scores are read as Inspect's own `value_to_float` does: C is 1,
P ½, I and N 0, yes and true 1, no and false 0. A sample that failed has none.

A model that was called through a gateway, as `openai-api/steelyard/NAME` (docs/guides/other-tools.md), is NAME here, as
the gateway calls it.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.results.decoded import decoded
from steelyard.weigh.results.sheet import Block, text_of
from steelyard.weigh.results.source import Source, apart, chosen, shaped
from steelyard.weigh.results.tables import flattened, sheet_of
from steelyard.weigh.results.zip_members import member

__all__ = ["inspect_blocks", "is_inspect", "read_archive", "run_note"]

_LETTERS: Final[Mapping[str, float]] = {
    **{"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0},
    **{"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0},
}
_HEADS: Final = ("header.json", "_journal/start.json", "start.json")
_ITEM: Final = "item"
_EPOCH: Final = "epoch"
_THROUGH_US: Final = "openai-api/steelyard/"
_MOST_UNPACKED: Final = 64 << 20


class _Run(Struct, frozen=True):
    """What the head of a log says of the run."""

    model: str
    task: str = ""
    packages: JsonObject | None = None


class _Sample(Struct, frozen=True):
    id: int | str
    epoch: int = 1
    input: JsonValue = None
    scores: JsonObject | None = None
    metadata: JsonObject | None = None
    output: JsonValue = None

    @property
    def said(self) -> str | None:
        """Return the model's last words; None where the log does not tell."""
        said = self.output.get("completion") if isinstance(self.output, Mapping) else None
        return said if isinstance(said, str) else None

    def values(self) -> dict[str, object]:
        """Return the values by scorer; those of a scorer that gives several, as `scorer.part`."""
        values: dict[str, object] = {}
        for name, score in (self.scores or {}).items():
            value = score.get("value") if isinstance(score, Mapping) else score
            if isinstance(value, Mapping):
                values |= {f"{name}.{part}": inner for part, inner in value.items()}
            else:
                values[name] = value
        return values


class _Log(Struct, frozen=True):
    eval: _Run
    samples: list[_Sample] | None = None
    status: str = "unknown"
    error: JsonValue = None


def is_inspect(document: object) -> bool:
    """Say whether a JSON document is a log of Inspect."""
    return isinstance(document, Mapping) and isinstance(document.get("eval"), Mapping) and "samples" in document


def run_note(source: Source) -> str | None:
    """Return how the run of a `.eval` archive ended, where it did not end well. Raises ConfigError."""
    head, _, _ = _opened(source)
    return _note(source.file, shaped(_Log, {name: head[name] for name in head if name != "samples"}, source.file))


def read_archive(source: Source) -> list[Block]:
    """Read a `.eval` archive. Raises ConfigError."""
    head, archive, part = _opened(source)
    held = archive.namelist()
    samples = part("summaries.json") or part("summary.json")
    if samples is None:
        parts = sorted(name for name in held if "summaries/" in name and name.endswith(".json"))
        samples = [sample for name in parts for sample in part(name) or ()]
    whole = sorted(name for name in held if name.startswith("samples/") and name.endswith(".json"))
    if not samples:
        samples = [part(name) for name in whole]
    elif sum(archive.getinfo(name).file_size for name in whole) <= _MOST_UNPACKED:
        samples = _with_outputs(samples, map(part, whole))
    return inspect_blocks(source, {**head, "samples": samples})


def _opened(source: Source) -> tuple[Mapping[str, JsonValue], zipfile.ZipFile, Callable[[str], JsonValue]]:
    """Return the head of an archive, the archive, and what reads its parts."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.content))
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source.file}: the archive is broken: {error}") from error
    held = set(archive.namelist())

    def part(name: str) -> JsonValue:
        content = member(archive, source.content, name, held, source.file)
        if content is None:
            return None
        try:
            return decoded(content)
        except ValueError as error:
            raise ConfigError(f"{source.file}: {name} is no JSON: {error}") from error

    head = next(filter(None, map(part, _HEADS)), None)
    if not isinstance(head, Mapping):
        raise ConfigError(f"{source.file}: an archive, but no log of Inspect: it has no header")
    return head, archive, part


def _with_outputs(samples: object, whole: Iterable[JsonValue]) -> object:
    """Return summaries with what the samples say that they lack; what has another form is left as it is."""
    if not isinstance(samples, list):
        return samples
    outputs = {
        (text_of(one.get("id")), one.get("epoch")): one.get("output") for one in whole if isinstance(one, Mapping)
    }
    return [
        {"output": outputs.get((text_of(one.get("id")), one.get("epoch"))), **one} if isinstance(one, Mapping) else one
        for one in samples
    ]


def inspect_blocks(source: Source, log: Mapping[str, JsonValue]) -> list[Block]:
    """Return the scores of a log: one block, since a log is of one model. Raises ConfigError."""
    known = shaped(_Log, log, source.file)
    samples = known.samples or []
    if not samples:
        raise ConfigError(f"{source.file}: the log holds no samples (its status is {known.status})")
    score = chosen(source, list(dict.fromkeys(name for sample in samples for name in sample.values())))
    scorer = f"{score}, inspect_ai {(known.eval.packages or {}).get('inspect_ai', 'of unknown version')}"
    said = any(sample.said is not None for sample in samples)
    rows: list[dict[str, object]] = [
        {
            "task": known.eval.task,
            **apart(flattened(sample.metadata or {}), "metadata"),
            **({"output": sample.said} if said else {}),
            "input": sample.input if isinstance(sample.input, str) else None,
            "scorer": scorer,
            _ITEM: f"{known.eval.task}:{sample.id}",
            _EPOCH: sample.epoch,
            score: _number(sample.values().get(score)),
        }
        for sample in samples
    ]
    sheet = sheet_of(source.file, "sample", [f"{sample.id}, epoch {sample.epoch}" for sample in samples], rows)
    model = source.model or known.eval.model.removeprefix(_THROUGH_US)
    return [Block(model, sheet, np.arange(len(rows)), _ITEM, score, _EPOCH, note=_note(source.file, known))]


def _note(file: str, log: _Log) -> str | None:
    """Return how a run ended that did not end well; None for one that did, and where nothing is told of its end."""
    if log.status in ("success", "unknown"):
        return None
    why = log.error.get("message") if isinstance(log.error, Mapping) else None
    told = f": {' '.join(str(why).split())[:200]}" if why else ""
    return f'{file}: the run did not end well (status "{log.status}"{told}): samples may be missing.'


def _number(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _LETTERS.get(value, _LETTERS.get(value.lower(), value) if len(value) > 1 else value)
