"""What a call may take at most: the bound that limits and budgets reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.envelope import longest_answer
from steelyard.limits import Ceiling, Facts, Hold, ceiling_of, refers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.gateway.account import Account, Body
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.way import Way

__all__ = ["NO_OUTPUT", "bind", "bound", "facts_of", "size_of"]

NO_OUTPUT: Final = frozenset(("embeddings", "rerank"))
"""Endpoints whose answers have no tokens."""
_STORED: Final = ("previous_response_id", "conversation", "prompt")


def facts_of(lane: Lane) -> Facts:
    """Return what is known of a deployment's prices and lengths."""
    target = lane.target
    return Facts(target.tariff, target.most_output, target.context)


def size_of(gateway: Gateway, call: Account, body: Body) -> int:
    """Return the bytes of a body; of one that is still coming in, as many as it may have."""
    if isinstance(body, (JsonBody, PathBody)):
        return body.size
    length = call.incoming.length  # a form, which is still coming in
    return length if length is not None else gateway.max_body_bytes


def bind(hold: Hold, call: Call, way: Way, *, priced: bool) -> Sequence[Lane] | None:
    """Say what a call may take at most on its way; return the lanes that have a price, where only these may be used and
    they are not all. `priced`: what has no known price will not do."""
    body = call.sending
    assert body is not None
    lanes: Sequence[Lane] | None = None
    ceiling = way.ceiling
    if ceiling is None:
        ceiling = way.ceiling = ceiling_of([facts_of(lane) for lane in way.lanes])
    if priced and not ceiling.priced and not ceiling.unpriced:
        lanes = [lane for lane in way.lanes if lane.target.tariff is not None]
        ceiling = ceiling_of([facts_of(lane) for lane in lanes])
    bound(hold, call, body, ceiling)
    return lanes


def bound(hold: Hold, call: Account, body: Body, ceiling: Ceiling) -> None:
    """Say what a call may take at most."""
    if call.endpoint.counts:
        return
    tokens = hold.size
    if _is_more_than_text(call, body):
        tokens = max(tokens, ceiling.context) if ceiling.context >= 0 else -1
    hold.output = output = _most_output(call, body, ceiling)
    hold.priced = not ceiling.unpriced
    if tokens < 0 or output < 0:
        hold.tokens = hold.atto = -1
    else:
        hold.tokens = tokens + output
        hold.atto = tokens * ceiling.input_atto + output * ceiling.output_atto + ceiling.call_atto
    if not hold.priced:
        hold.atto = 0


def _is_more_than_text(call: Account, body: Body) -> bool:
    if isinstance(body, JsonBody):
        name = call.endpoint.name
        if name == "responses" and any(body.has(one) for one in _STORED):
            return True
        return (name == "chat/completions" and _has_searched(body)) or refers(body.raw, "")
    return isinstance(body, PathBody) and refers(body.raw, "gemini")


def _has_searched(body: JsonBody) -> bool:
    """Say whether a chat has the provider search, by a member of its own: what is found is read by the model, too.
    OpenAI API reference, "Create chat completion"; xAI API reference, "Chat completions"; OpenRouter documentation,
    "Web search"."""
    return body.has("web_search_options") or body.has("search_parameters") or body.has("plugins")


def _most_output(call: Account, body: Body, ceiling: Ceiling) -> int:
    """Return how many tokens an answer may have; -1 where nothing says it."""
    name = call.endpoint.name
    if name in NO_OUTPUT:
        return 0
    most, times = -1, 1
    if isinstance(body, JsonBody):
        most = _asked(body, name)
        times = max(body.whole("n") or 1, body.whole("best_of") or 1)
        if name == "completions":
            times *= body.length_of("prompt")
    elif isinstance(body, PathBody):
        most, times = longest_answer(body.raw)
    if most <= 0:
        most = ceiling.most_output
    return most * max(1, times) if most >= 0 else -1


def _asked(body: JsonBody, endpoint: str) -> int:
    if endpoint == "responses":
        return body.whole("max_output_tokens") or -1
    if endpoint == "chat/completions":
        # Both are honoured by someone; who knows both goes by one of them.
        return max(body.whole("max_completion_tokens") or -1, body.whole("max_tokens") or -1)
    return body.whole("max_tokens") or -1
