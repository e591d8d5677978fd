"""AlpacaEval's annotations (`annotations.json`): a judge's preference between two models on each instruction.

`preference` is 1 where output_1 is preferred, 2 where output_2 is, between them where the judge's odds count, and 1.5
(in old files 0) for a draw (alpaca_eval/metrics/helpers.py). A preference p gives generator_2 the score p − 1 and
generator_1 the rest, 2 − p: their difference is the share of wins less the share of losses.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonValue
from steelyard.weigh.results.sheet import Block
from steelyard.weigh.results.source import Source, shaped
from steelyard.weigh.results.tables import sheet_of

__all__ = ["alpaca_blocks", "is_alpaca"]

_SIDES = ("generator_1", "generator_2")


class _Annotation(Struct, frozen=True):
    instruction: str
    generator_1: str
    generator_2: str
    preference: JsonValue
    dataset: str | None = None
    annotator: str | None = None
    preference_version: str | None = None

    @property
    def scorer(self) -> str | None:
        """Return the judge's configuration, and where it is told the version of AlpacaEval that called it."""
        return ", ".join(filter(None, (self.annotator, self.preference_version))) or None


def is_alpaca(row: object) -> bool:
    """Say whether an object is an annotation of AlpacaEval."""
    return isinstance(row, Mapping) and {"preference", "instruction", *_SIDES} <= row.keys()


def alpaca_blocks(
    source: Source, rows: Sequence[Mapping[str, JsonValue]], places: Sequence[int], unit: str
) -> list[Block]:
    """Return the scores of both sides. Raises ConfigError for a preference that is none."""
    if source.model is not None:
        raise ConfigError(f"{source.file}: annotations are of two models, which the file names: give it as FILE alone")
    cells: list[dict[str, object]] = []
    held: dict[tuple[str, str], list[int]] = {}
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        where = source.where(unit, place)
        one = shaped(_Annotation, row, where)
        second = _second(one.preference, where)
        scores = dict(zip(_SIDES, (None if second is None else 1 - second, second), strict=True))
        cells.append({"item": one.instruction, "dataset": one.dataset, "scorer": one.scorer, **scores})
        for model, side in zip((one.generator_1, one.generator_2), _SIDES, strict=True):
            held.setdefault((model, side), []).append(number)
    sheet = sheet_of(source.file, unit, places, cells)
    return [
        Block(model, sheet, np.array(numbers), "item", side, judged=True) for (model, side), numbers in held.items()
    ]


def _second(preference: object, where: str) -> float | None:
    """Return the score of the second side; None where the judge said nothing that could be read."""
    if preference is None:
        return None
    if isinstance(preference, int | float) and not isinstance(preference, bool):
        if preference == 0:
            return 0.5
        if 1 <= preference <= 2:
            return float(preference) - 1
    raise ConfigError(f"{where}: the preference {preference!r} is none: 1 to 2, or 0 for a draw")
