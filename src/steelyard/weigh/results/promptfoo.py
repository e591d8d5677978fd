"""promptfoo's output: `promptfoo eval --output results.json` or `.jsonl` (src/types/index.ts, EvaluateResult).

A result belongs to a test (`testIdx`), a prompt and a provider, which is the model. `score` is read, or with --score
`success` or one of the named scores. Where the call failed (failureReason 2), the score is missing: promptfoo writes 0.
Tests with the same variables are runs of one test (`--repeat`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.results.sheet import Block
from steelyard.weigh.results.source import Source, apart, chosen, shaped
from steelyard.weigh.results.tables import flattened, sheet_of

__all__ = ["is_promptfoo", "promptfoo_blocks", "promptfoo_results"]

_ERROR: Final = 2
"""ResultFailureReason.ERROR."""
_SCORE: Final = "score"
_SUCCESS: Final = "success"


class _Result(Struct, frozen=True, rename="camel"):
    test_idx: int
    provider: JsonValue
    success: JsonValue = None
    score: JsonValue = None
    error: JsonValue = None
    failure_reason: JsonValue = None
    prompt: JsonValue = None
    vars: JsonObject | None = None
    named_scores: JsonObject | None = None
    response: JsonValue = None

    @property
    def said(self) -> str | None:
        """Return what the provider answered, JSON as text; None for a call that failed."""
        said = self.response.get("output") if isinstance(self.response, Mapping) else None
        return said if said is None or isinstance(said, str) else msgspec.json.encode(said).decode()

    @property
    def model(self) -> str:
        """Return the provider's label, or its id."""
        if isinstance(self.provider, Mapping):
            return str(self.provider.get("label") or self.provider.get("id"))
        return str(self.provider)

    @property
    def asked(self) -> str:
        """Return the prompt's label, or the prompt."""
        if isinstance(self.prompt, Mapping):
            return str(self.prompt.get("label") or self.prompt.get("raw"))
        return str(self.prompt)

    @property
    def test(self) -> bytes:
        """Return what makes two tests the same: the variables, or the number where there are none."""
        return msgspec.json.encode(self.vars or self.test_idx, order="deterministic")

    def value(self, score: str) -> object:
        """Return a score by name; None for a call that failed."""
        if self.failure_reason == _ERROR or (self.error and self.failure_reason is None):
            return None
        if score == _SCORE:
            return self.score
        return self.success if score == _SUCCESS else (self.named_scores or {}).get(score)


def is_promptfoo(row: object) -> bool:
    """Say whether an object is one result of promptfoo."""
    return isinstance(row, Mapping) and {"testIdx", "provider", "success"} <= row.keys()


def promptfoo_results(document: object) -> list[Mapping[str, JsonValue]] | None:
    """Return the results in an output file; None where the document is no such file."""
    if not isinstance(document, Mapping):
        return None
    outer = document.get("results")
    inner = outer.get("results") if isinstance(outer, Mapping) else outer
    return inner if isinstance(inner, list) and inner and is_promptfoo(inner[0]) else None


def promptfoo_blocks(
    source: Source, rows: Sequence[Mapping[str, JsonValue]], places: Sequence[int], unit: str
) -> list[Block]:
    """Return the scores of each provider. Raises ConfigError."""
    results = [shaped(_Result, row, source.where(unit, place)) for row, place in zip(rows, places, strict=True)]
    named = dict.fromkeys(name for result in results for name in result.named_scores or {})
    score = chosen(source, [_SCORE, _SUCCESS, *named]) if source.score is not None else _SCORE
    several = len({result.asked for result in results}) > 1
    spoken = any(result.said is not None for result in results)
    first: dict[bytes, int] = {}
    cells: list[dict[str, object]] = []
    held: dict[str, list[int]] = {}
    for number, result in enumerate(results):
        test = str(first.setdefault(result.test, result.test_idx))
        item = f"{test}/{result.asked}" if several else test
        told = apart(flattened(result.vars or {}), "vars")
        output = {"output": result.said} if spoken else {}
        cells.append({**told, **output, "item": item, "repeat": result.test_idx, score: result.value(score)})
        held.setdefault(source.model or result.model, []).append(number)
    sheet = sheet_of(source.file, unit, places, cells)
    return [Block(model, sheet, np.array(numbers), "item", score, "repeat") for model, numbers in held.items()]
