"""Items from a file of rows: CSV, TSV or JSON lines, with a prompt or messages in each row."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.documents.findings import nearest
from steelyard.weigh.items.chosen import Chosen, checked
from steelyard.weigh.results.sheet import mistaken
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.tasks.rows import Row, read_rows

__all__ = ["Named", "items_of_rows"]

_ITEMS: Final = ("item", "id", "key")
_TARGETS: Final = ("target", "answer")
_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
"""OpenAI API reference, "Create chat completion", `messages`; not `function`, which is no longer taken."""


class Named(Struct, frozen=True, kw_only=True):
    """Which columns hold what; None: the one with the usual name (`item`, `id` or `key`; `prompt`; `target` or
    `answer`)."""

    item: str | None = None
    prompt: str | None = None
    target: str | None = None


def items_of_rows(path: Path, request: Mapping[str, JsonValue], named: Named | None = None) -> Chosen:
    """Return the items of a file. `request` goes along with every call.

    An item without an id gets the number of its row. Raises ConfigError with file and line for rows that ask nothing,
    for two items with one id, and for a file without items."""
    rows = read_rows(path)
    seen = dict.fromkeys(column for row in rows for column in row.values)
    source = str(path)
    columns = _columns(named or Named(), seen, source)
    wrong: list[str] = []
    items = tuple(_items(rows, columns, request, wrong))
    if wrong:
        raise mistaken(wrong)
    return Chosen(items=checked(items, source), title=path.name, source=source, held=len(items))


def _columns(named: Named, seen: Mapping[str, None], source: str) -> Named:
    for option, name in (("item", named.item), ("prompt", named.prompt), ("target", named.target)):
        if name is not None and name not in seen:
            known = f"; there are {', '.join(seen)}"
            raise ConfigError(f'{source}: --{option} {name}: no column is called "{name}"{nearest(name, seen, known)}')
    prompt = named.prompt or next((name for name in ("messages", "prompt") if name in seen), None)
    if prompt is None:
        raise ConfigError(
            f"{source}: no column is called prompt or messages, so nobody knows what to ask. Name it by --prompt. "
            f"Columns: {', '.join(seen)}"
        )
    return Named(
        item=named.item or next((name for name in _ITEMS if name in seen), None),
        prompt=prompt,
        target=named.target or next((name for name in _TARGETS if name in seen), None),
    )


def _items(
    rows: Iterable[Row], columns: Named, request: Mapping[str, JsonValue], wrong: list[str]
) -> Iterator[Planned]:
    assert columns.prompt is not None
    for number, row in enumerate(rows, 1):
        asked = row.values.get(columns.prompt)
        messages = _messages(asked) if columns.prompt == "messages" else _prompt(asked)
        if isinstance(messages, str):
            wrong.append(f"{row.place}: {columns.prompt}: {messages}")
            continue
        name = str(number) if columns.item is None else row.values.get(columns.item)
        if name is None or name == "" or isinstance(name, dict | list):
            wrong.append(f"{row.place}: {columns.item}: the item has no name there")
            continue
        yield Planned(
            id=str(name),
            place=row.place,
            messages=messages,
            request=dict(request),
            target=None if columns.target is None else row.values.get(columns.target),
            row={key: value for key, value in row.values.items() if key != "messages"},
        )


def _prompt(asked: object) -> tuple[JsonObject, ...] | str:
    """Return the messages of a prompt, or what is wrong with it."""
    if not isinstance(asked, str):
        return "a prompt is text, and this is none" if asked is not None else "nothing is asked"
    return ({"role": "user", "content": asked},) if asked.strip() else "nothing is asked"


def _messages(asked: object) -> tuple[JsonObject, ...] | str:
    """Return messages, in CSV written as JSON, or what is wrong with them."""
    if isinstance(asked, str):
        try:
            asked = msgspec.json.decode(asked)
        except (msgspec.DecodeError, RecursionError) as error:
            return f"no JSON: {error}"
    if not isinstance(asked, list) or not asked:
        return "expected a list of messages"
    for number, message in enumerate(asked, 1):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return f"message {number} has no role of {', '.join(sorted(_ROLES))}"
        if message.get("content") is None and not message.get("tool_calls"):
            return f"message {number} has no content"
    return tuple(asked)
