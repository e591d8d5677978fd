"""Labels as a table: written for `weigh rank` and for spreadsheets, read from what people labelled elsewhere."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.loose import JsonValue, Members
from steelyard.documents.findings import shown
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.labels.label import Label, Said
from steelyard.weigh.labels.standing import standing
from steelyard.weigh.runs.folder import Folder
from steelyard.weigh.tasks.rows import Row, read_rows

__all__ = ["label_rows", "read_labels"]

_WINNERS: Final[Mapping[str, Said]] = {"a": "first", "b": "second", "tie": "tie", "draw": "tie", "skip": "skip"}
_MOST_TOLD: Final = 20


def read_labels(path: Path, answers: Answers) -> list[Label]:
    """Return labels: ours as lines of JSON, or a table (.csv, .tsv, .jsonl) of `item, model_a, model_b, winner` with
    winner a, b or tie, or of `item, model, score`; a column `rater` is optional.

    Raises ConfigError or StoreError with file and line; also for an item or a model that is not judged here."""
    if path.suffix == ".jsonl" and _is_ours(path):
        return Folder(path.parent).read(path.name, Label)
    items, wrong, found = {item.item for item in answers.items}, [], []
    for row in read_rows(path):
        label = _label(row)
        if isinstance(label, str):
            wrong.append(f"{row.place}: {label}")
        elif label.item not in items:
            wrong.append(f'{row.place}: no item is called "{label.item[:80]}" in {answers.source}')
        elif unknown := [model for model in label.models if model not in answers.models]:
            wrong.append(f'{row.place}: no model is called "{unknown[0][:80]}"; there are {", ".join(answers.models)}')
        else:
            found.append(label)
    if wrong:
        raise ConfigError(*wrong[:_MOST_TOLD])
    return found


def label_rows(labels: Iterable[Label]) -> list[dict[str, object]]:
    """Return the labels that stand as rows, the columns those of votes; skipped ones are left out."""
    return [_row(label) for label in standing(labels) if label.said != "skip"]


def _row(label: Label) -> dict[str, object]:
    told = {"item": label.item, "rater": label.rater, "at": label.at, "seed": label.seed}
    if label.kind == "score":
        return {**told, "model": label.models[0], "score": label.score}
    winner = {"first": "a", "second": "b"}.get(label.said, "tie")
    return {
        "model_a": label.models[0], "model_b": label.models[1], "winner": winner, "prompt": label.item, **told,
    }  # fmt: skip


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            first = file.readline()
    except OSError as error:
        raise StoreError(f"{shown(path)}: {error.strerror or error}. Check the path and its mode.") from error
    if not first.endswith(b"\n"):
        return True  # nothing, or one torn line of ours
    try:
        msgspec.json.decode(first, type=Label)
    except msgspec.MsgspecError:
        return False
    return True


def _label(row: Row) -> Label | str:
    values = row.values
    item = values.get("item")
    if item is None:
        return "no item; labels need item, model_a, model_b, winner, or item, model, score"
    told: Members = {"rater": str(values.get("rater") or "unnamed"), "at": "", "item": str(item), "seed": 0}
    if "winner" in values:
        said = _WINNERS.get(str(values["winner"]).strip().lower())
        models = tuple(str(values.get(name) or "") for name in ("model_a", "model_b"))
        if said is None or "" in models or models[0] == models[1]:
            return "a label needs two models in model_a and model_b, and a winner: a, b or tie"
        return Label(kind="pairwise", models=models, answers=(), said=said, **told)
    model, score = values.get("model"), _whole(values.get("score"))
    if not model or score is None:
        return "a label needs model_a, model_b, winner, or model and a whole number as score"
    return Label(kind="score", models=(str(model),), answers=(), said="score", score=score, **told)


def _whole(value: JsonValue) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None
