"""Conversations that are kept here: what OpenAI does for `previous_response_id`, for any upstream.

API reference, "Create a model response": the input and output of the previous response come in front of the new input;
"the instructions from a previous response will not be carried over to the next response".
"""

from collections.abc import Sequence
from typing import Any

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Fields
from steelyard.dialects.members import wrong
from steelyard.dialects.responses.names import made_id

__all__ = ["input_items_page", "kept_input", "with_previous"]

_MOST_OF_A_PAGE = 100

# The ids that OpenAI gives: the beginning says what kind of item it is.
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}


def kept_input(request_body: Fields) -> list[Fields]:
    """Return the items of a request's input, in the form that has a type and an array of content. Raises BadRequest."""
    given = request_body.get("input")
    if given is None:
        return []
    if isinstance(given, str):
        return [_spelt({"role": "user", "content": given})]
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise wrong("input", "expected a string or an array of items", "invalid_type")
    return [_spelt(one) for one in given]


def _spelt(item: Fields) -> Fields:
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    spelt = {"type": kind, **item}
    content = item.get("content")
    if kind == "message" and isinstance(content, str):
        said = item.get("role") == "assistant"
        part: Fields = {"type": "output_text" if said else "input_text", "text": content}
        spelt["content"] = [{**part, "annotations": []} if said else part]
    return spelt


def with_previous(request_body: Fields, previous_items: Sequence[Fields]) -> Fields:
    """Return a request that says by itself what `previous_response_id` stands for: `previous_items` are the input and
    output items of all turns before it, in order. Raises BadRequest."""
    rest = {name: value for name, value in request_body.items() if name != "previous_response_id"}
    return {**rest, "input": [*previous_items, *kept_input(request_body)]}


def input_items_page(items: Sequence[Fields], exchange: str, query: Fields) -> Fields:
    """Return a page of a response's input items (API reference, "List input items"). `query` has `after` (an item's
    id), `limit` (1 to 100, 20 if absent) and `order` ("desc" if absent), as the strings of an address. Items without an
    id get one, always the same. Raises BadRequest."""
    limit = _limit(query.get("limit"))
    order = query.get("order") or "desc"
    if order not in ("asc", "desc"):
        raise wrong("order", f'unknown order "{order}". Use asc or desc.')
    named = [_named(item, exchange, number) for number, item in enumerate(items)]
    if order == "desc":
        named.reverse()
    after = query.get("after")
    if after is not None:
        ids = [one["id"] for one in named]
        if after not in ids:
            raise wrong("after", f'the response has no input item "{after}". Give an id of an earlier page.')
        named = named[ids.index(after) + 1 :]
    page = named[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(named) > limit,
    }


def _limit(given: Any) -> int:
    if given is None:
        return 20
    if not str(given).isascii() or not str(given).isdecimal() or not 1 <= int(given) <= _MOST_OF_A_PAGE:
        raise _bad_limit(given)
    return int(given)


def _bad_limit(given: Any) -> BadRequest:
    return wrong("limit", f'"{given}" is no number from 1 to {_MOST_OF_A_PAGE}.')


def _named(item: Fields, exchange: str, number: int) -> Fields:
    kind = str(item.get("type"))
    named = {"id": made_id(_PREFIXES.get(kind, "item"), exchange, number), "status": "completed", **item}
    if kind not in _PREFIXES or kind == "reasoning":
        named = {**item, "id": named["id"]} if item.get("id") is None else dict(item)
    return named
