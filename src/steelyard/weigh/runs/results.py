"""A live weighing's calls as results that can be weighed, and what is to be known of them before a score counts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import numpy as np

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.results.sheet import Block, Flag, Results, Sheet
from steelyard.weigh.results.source import TEXTS
from steelyard.weigh.runs.call import Call, settled
from steelyard.weigh.runs.folder import Folder
from steelyard.weigh.runs.plan import Plan, Planned

__all__ = ["results_of"]

_OWN: Final = ("item", "model", "repeat", "score", "parsed", "output", "scorer", "scorer_version")
_OFTEN: Final = 0.05
"""Share of the outputs above which a copied prompt is told."""
_SHORTEST_COPIED: Final = 20
"""A prompt of fewer characters may well be said again by chance ("Hello")."""


def results_of(folder: Folder) -> Results:
    """Return what a live weighing has found so far, as `weighed` takes it.

    Columns are those of the items, and `item`, `model`, `repeat`, `score`, `parsed`, `output`, `scorer` and
    `scorer_version`; a column of the items that is called like one of these is `row.NAME`. A row is a call: of a call
    that was made again only the line that counts. Rows stand in the order of the items, whatever came back first. The
    digest is that of two digests, one a line: of `items.jsonl`, and of the calls as they were written. Raises
    ConfigError where no call has come back, StoreError for what cannot be read.
    """
    plan = folder.plan()
    items = {item.id: item for item in folder.items()}
    calls = folder.read("calls.jsonl", Call)
    if not calls:
        raise ConfigError(
            f"{folder.path}: no call has come back as yet. Go on: steelyard weigh run --resume {folder.id}"
        )
    lines = _in_order(plan, items, calls, folder)
    held = [calls[line] for line in lines]
    columns = _columns(held, items)
    sheet = Sheet(f"{folder.id}/calls.jsonl", "", [line + 1 for line in lines], columns)
    return Results(tuple(_blocks(plan, sheet, held)), _digest(plan, folder), tuple(_flags(plan, items, held)))


def _prompt_of(item: Planned) -> str:
    """Return what the user asked last in an item, as text; "" where that was no text."""
    for message in reversed(item.messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else []
            return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))
    return ""


def _in_order(plan: Plan, items: Mapping[str, Planned], calls: Sequence[Call], folder: Folder) -> list[int]:
    item_at = {name: place for place, name in enumerate(items)}
    model_at = {name: place for place, name in enumerate(plan.models)}
    for place, call in enumerate(calls):
        if call.item not in item_at or call.model not in model_at:
            raise StoreError(f"{folder.path / 'calls.jsonl'}:{place + 1}: a call that the plan does not have")

    def order(place: int) -> tuple[int, int, int]:
        return item_at[calls[place].item], model_at[calls[place].model], calls[place].repeat

    return sorted(settled(calls), key=order)


def _columns(calls: Sequence[Call], items: Mapping[str, Planned]) -> dict[str, Sequence[object]]:
    rows = [items[call.item].row for call in calls]
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, Sequence[object]] = {
        f"row.{name}" if name in _OWN else name: [row.get(name) for row in rows] for name in names
    }
    if not any(name in columns for name in TEXTS):
        columns["prompt"] = [_prompt_of(items[call.item]) for call in calls]
    own: dict[str, Sequence[object]] = {
        "item": [call.item for call in calls],
        "model": [call.model for call in calls],
        "repeat": [call.repeat for call in calls],
        "score": [call.score for call in calls],
        "parsed": [call.parsed for call in calls],
        "output": [call.said for call in calls],
        "scorer": [call.scorer for call in calls],
        "scorer_version": [call.version for call in calls],
    }
    return columns | own


def _blocks(plan: Plan, sheet: Sheet, calls: Sequence[Call]) -> Iterator[Block]:
    repeat = "repeat" if plan.repeats > 1 else None
    for model in plan.models:
        rows = np.array([place for place, call in enumerate(calls) if call.model == model], dtype=np.intp)
        if len(rows):
            yield Block(model, sheet, rows, "item", "score", repeat)


def _digest(plan: Plan, folder: Folder) -> str:
    content = (folder.path / "calls.jsonl").read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    return sha256(f"{plan.items_sha256}\n{sha256(whole).hexdigest()}".encode()).hexdigest()


def _flags(plan: Plan, items: Mapping[str, Planned], calls: Sequence[Call]) -> Iterator[Flag]:
    yield from plan.flags
    wanted = plan.items * plan.repeats * len(plan.models)
    if len(calls) < wanted:
        yield Flag("incomplete", f"{len(calls):,} of {wanted:,} calls were made: it was stopped, and can be resumed.")
    for model in plan.models:
        mine = [call for call in calls if call.model == model]
        yield from _of_model(model, mine, [call for call in mine if call.answered], items)


def _of_model(
    model: str, calls: Sequence[Call], answered: Sequence[Call], items: Mapping[str, Planned]
) -> Iterator[Flag]:
    if len(answered) < len(calls):
        failed = [call for call in calls if not call.answered]
        often, times = Counter(call.error for call in failed).most_common(1)[0]
        told = f"{len(failed)} of {len(calls)} calls of {model} failed, {times} of them so: {str(often)[:200]}"
        yield Flag("failed", told)
    unparsed = sum(not call.parsed for call in answered)
    if unparsed:
        yield Flag("unparsed", f"From {unparsed} of {len(answered)} outputs of {model} nothing could be read.")
    copied = sum(_copies(call, items[call.item]) for call in answered)
    if copied > _OFTEN * len(answered):
        yield Flag("echo", f"{copied} of {len(answered)} outputs of {model} begin with the prompt, word for word.")
    cut = sum(call.finish_reason == "length" for call in answered)
    if cut:
        text = f"{cut} of {len(answered)} outputs of {model} were cut off at the most tokens that were asked for."
        yield Flag("cut", text)
    others = Counter(call.deployment for call in answered if call.deployment is not None)
    if len(others) > 1:
        told = ", ".join(f"{name} {times}" for name, times in others.most_common())
        yield Flag("deployments", f"{model} was answered by several deployments: {told}.")


def _copies(call: Call, item: Planned) -> bool:
    prompt = _plain(_prompt_of(item))
    return len(prompt) >= _SHORTEST_COPIED and _plain(call.output).startswith(prompt)


def _plain(text: object) -> str:
    return " ".join(str(text or "").split()).casefold()
