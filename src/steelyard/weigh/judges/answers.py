"""What models answered, side by side: from a weighing's directory, or from a file of recorded outputs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.documents.findings import nearest, shown
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.tasks.outputs import found_columns
from steelyard.weigh.tasks.rows import Row, read_rows

__all__ = ["Answered", "Answers", "answers_in_file", "answers_in_folder", "digest_of"]

_PROMPTS: Final = ("prompt", "question", "input", "instruction")
_REFERENCES: Final = ("target", "answer", "reference")
_RUNS: Final = ("epoch", "repeat", "trial")


class Answered(Struct, frozen=True, kw_only=True):
    """One item, as text, and what each model answered; who answered nothing is not in `outputs`.

    `reference` None: the item has none. `row` holds the item's columns, `place` is FILE:LINE or an exchange."""

    item: str
    prompt: str
    outputs: dict[str, str]
    place: str
    reference: str | None = None
    row: JsonObject = {}


class Answers(Struct, frozen=True, kw_only=True):
    """All items. `sha256` is of what was read; `repeats` counts answers beyond a model's first one, which are left out;
    `unseen` counts contents that are no text, which no judge here sees; `deployments` are those that answered.
    `varying` are columns in which rows of one item differ, each with the first place where they do."""

    source: str
    sha256: str
    models: tuple[str, ...]
    items: tuple[Answered, ...]
    repeats: int = 0
    unseen: int = 0
    deployments: dict[str, tuple[str, ...]] = {}
    varying: dict[str, str] = {}

    def missing(self, model: str) -> int:
        """Return how many items lack an answer of a model."""
        return sum(model not in item.outputs for item in self.items)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text."""
    return sha256(text.encode()).hexdigest()


def answers_in_folder(folder: Folder) -> Answers:
    """Return a weighing's answers: of each model to each item the first run that has one. Raises StoreError."""
    plan = folder.plan()
    calls: dict[tuple[str, str], Call] = {}
    runs: dict[tuple[str, str], set[int]] = {}
    for call in folder.read("calls.jsonl", Call):
        if call.output is None:
            continue
        key = (call.item, call.model)
        runs.setdefault(key, set()).add(call.repeat)
        held = calls.get(key)
        if held is None or call.repeat <= held.repeat:
            calls[key] = call
    answered, unseen = [], 0
    for item in folder.items():
        prompt, lost = _asked(item)
        unseen += lost
        outputs = {model: _said(calls[item.id, model]) for model in plan.models if (item.id, model) in calls}
        reference = item.target if isinstance(item.target, str) else None
        answered.append(
            Answered(item=item.id, prompt=prompt, outputs=outputs, place=item.place, reference=reference, row=item.row)
        )
    deployments = {
        model: tuple(sorted({one.deployment for (_, name), one in calls.items() if name == model and one.deployment}))
        for model in plan.models
    }
    return Answers(
        source=folder.id,
        sha256=_of_answers(answered),
        models=plan.models,
        items=tuple(answered),
        repeats=sum(len(found) - 1 for found in runs.values()),
        unseen=unseen,
        deployments=deployments,
    )


def answers_in_file(path: Path, wanted: Mapping[str, str | None]) -> Answers:
    """Return recorded answers, one a row: item, model, prompt, output; `wanted` names columns by those words.

    An empty output of CSV, and null, is no answer. Raises ConfigError with file and line, also where the rows of one
    item were asked differently, or give one model two answers that no column of runs tells apart.
    """
    rows = read_rows(path)
    columns = found_columns(rows, wanted)
    prompts = _column(rows, wanted.get("prompt"), _PROMPTS)
    if prompts is None:
        raise ConfigError(f"{shown(path)}: no column is called {' or '.join(_PROMPTS)}; name it with --prompt")
    reference = _column(rows, None, _REFERENCES)
    gathered = _Gathered(columns.item, columns.model, columns.output, prompts, reference)
    for row in rows:
        gathered.take(row)
    if gathered.wrong:
        raise ConfigError(*gathered.wrong[:20])
    items = tuple(gathered.items.values())
    return Answers(
        source=shown(path),
        sha256=_of_answers(items),
        models=tuple(gathered.models),
        items=items,
        repeats=gathered.repeats,
        varying=gathered.varying,
    )


class _Gathered:
    """The rows of a file by item."""

    def __init__(self, item: str, model: str, output: str, prompt: str, reference: str | None) -> None:
        self._item, self._model, self._output, self._prompt = item, model, output, prompt
        self._reference = reference
        self.items: dict[str, Answered] = {}
        self.models: dict[str, None] = {}
        self.repeats = 0
        self.wrong: list[str] = []
        self.varying: dict[str, str] = {}

    def take(self, row: Row) -> None:
        """Take one row, or note what is wrong with it."""
        cells = {name: row.values.get(name) for name in (self._item, self._model, self._prompt)}
        lacking = [name for name, cell in cells.items() if cell is None or isinstance(cell, dict | list)]
        if lacking:
            self.wrong.append(f'{row.place}: "{lacking[0]}" is empty or no text, and every row needs it')
            return
        name, model, prompt = (str(cell) for cell in cells.values())
        output = row.values.get(self._output)
        if output is not None and not isinstance(output, str):
            self.wrong.append(f'{row.place}: the output in "{self._output}" is no text')
            return
        self.models[model] = None
        held = self.items.get(name)
        if held is None:
            reference = row.values.get(self._reference) if self._reference is not None else None
            own = {key: value for key, value in row.values.items() if key not in (self._output, self._model)}
            self.items[name] = held = Answered(
                item=name,
                prompt=prompt,
                outputs={},
                place=row.place,
                reference=None if reference is None else str(reference),
                row=own,
            )
        elif held.prompt != prompt:
            self.wrong.append(f'{row.place}: the item "{name[:80]}" has another prompt than at {held.place}')
            return
        else:
            self._compare(held, row)
        if output is not None:
            self._answer(held, model, output, row)

    def _compare(self, held: Answered, row: Row) -> None:
        """Note the columns in which a row says something else of an item than its first row."""
        for name, value in row.values.items():
            if value not in (None, "") and held.row.get(name, value) not in (value, None, ""):
                self.varying.setdefault(name, row.place)

    def _answer(self, held: Answered, model: str, output: str, row: Row) -> None:
        if model not in held.outputs:
            held.outputs[model] = output
        elif any(row.values.get(run) is not None for run in _RUNS) or held.outputs[model] == output:
            self.repeats += 1
        else:
            self.wrong.append(
                f'{row.place}: a second answer of {model} to the item "{held.item[:80]}", which is at {held.place}. '
                f"Tell runs apart by a column {' or '.join(_RUNS)}, or give each item a name of its own."
            )


def _asked(item: Planned) -> tuple[str, int]:
    """Return what an item asks, as text, and how many of its contents are none."""
    said, lost = [], 0
    for message in item.messages:
        text, gone = _text(message.get("content"))
        lost += gone
        said.append((str(message.get("role", "user")), text))
    if len(said) == 1 and said[0][0] == "user":
        return said[0][1], lost
    return "\n\n".join(f"[{role}]\n{text}" for role, text in said), lost


def _text(content: JsonValue) -> tuple[str, int]:
    if content is None:
        return "", 0
    if isinstance(content, str):
        return content, 0
    parts = [part if isinstance(part, dict) else {} for part in content]
    texts = [str(part["text"]) if part.get("type") == "text" and "text" in part else None for part in parts]
    shown_parts = [
        text if text is not None else f"[{part.get('type', 'content')} that is not shown]"
        for text, part in zip(texts, parts, strict=True)
    ]
    return "\n".join(shown_parts), texts.count(None)


def _said(call: Call) -> str:
    """Return what a model said, with its tool calls written out behind it."""
    called = [f"[calls a tool: {msgspec.json.encode(one).decode()}]" for one in call.tool_calls]
    return "\n".join([*((call.output,) if call.output else ()), *called])


def _column(rows: Sequence[Row], wanted: str | None, usual: Iterable[str]) -> str | None:
    seen = dict.fromkeys(name for row in rows for name in row.values)
    if wanted is None:
        return next((name for name in usual if name in seen), None)
    if wanted not in seen:
        known = f"; there are {', '.join(seen)}"
        raise ConfigError(f'no column is called "{wanted}"{nearest(wanted, seen, known)}')
    return wanted


def _of_answers(items: Sequence[Answered]) -> str:
    """Return the digest of everything that judges and people get to see."""
    told = [(one.item, one.prompt, sorted(one.outputs.items()), one.reference) for one in items]
    twice = [name for name, times in Counter(one.item for one in items).items() if times > 1]
    if twice:
        raise ConfigError(f'The item "{twice[0][:80]}" is there twice. Give each item a name of its own.')
    return sha256(msgspec.json.encode(told)).hexdigest()
