"""A file that is to be read, and what its reader has been told."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest

__all__ = [
    "ITEMS", "MODELS", "OUTPUTS", "REPEATS", "SCORES", "TEXTS", "Source", "apart", "chosen", "column_of", "shaped",
]  # fmt: skip

TEXTS: Final = ("prompt", "question", "instruction", "input")
"""What holds an item's text; where no column names the items, the text does."""

ITEMS: Final = (
    *("item", "item_id", "id", "question_id", "doc_id", "sample_id", "example_id", "task_id", "prompt_id", "index", ""),
    *TEXTS,
)
MODELS: Final = ("model", "model_name", "model_id", "system")
SCORES: Final = ("score", "correct", "is_correct", "value", "accuracy", "acc", "exact_match", "passed", "success")
REPEATS: Final = ("epoch", "repeat", "trial")
OUTPUTS: Final = ("output", "response", "completion")
"""What holds a model's own words."""


_Shape = TypeVar("_Shape", bound=Struct)


class Source(Struct, frozen=True):
    """`file` is how the file is named to the user. `model` takes the place of what the file says (NAME=FILE).

    `item` and `score` name columns, where the usual names do not lead to them."""

    file: str
    content: bytes
    model: str | None = None
    item: str | None = None
    score: str | None = None

    def where(self, unit: str, place: object) -> str:
        """Return how a row is told: FILE:LINE, or FILE and the entry's number."""
        return f"{self.file}: {unit} {place}" if unit else f"{self.file}:{place}"


def apart(told: Mapping[str, object], prefix: str) -> dict[str, object]:
    """Return what a data set tells of an item, by names that are not taken for a model's own words."""
    return {f"{prefix}.{name}" if name in OUTPUTS else name: cell for name, cell in told.items()}


def column_of(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the first of the usual names that is a column, whatever its case."""
    by_lower = {column.strip().lower(): column for column in reversed(columns)}
    return next((by_lower[name] for name in usual if name in by_lower), None)


def shaped(shape: type[_Shape], row: object, where: str) -> _Shape:
    """Return what a tool wrote, as the Struct that says what is needed of it. Raises ConfigError for anything else."""
    try:
        return msgspec.convert(row, shape)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error


def chosen(source: Source, held: Sequence[str], what: str = "scores") -> str:
    """Return which of several scores is meant: the only one, or that of `--score`. Raises ConfigError."""
    listed = ", ".join(held)
    if source.score is not None:
        if source.score in held:
            return source.score
        near = nearest(source.score, held, f"; it has {listed}" if held else "")
        raise ConfigError(f'{source.file}: no score is called "{source.score}"{near}')
    if len(held) == 1:
        return held[0]
    if not held:
        raise ConfigError(f"{source.file}: it holds no {what}")
    raise ConfigError(f"{source.file}: it holds several {what}: choose one by --score: {listed}")
