"""A request, written (Anthropic API reference, "Create a Message")."""

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Part, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.anthropic.blocks_out import Blocks, cache_control
from steelyard.dialects.anthropic.settings_out import (
    LEAST_BUDGET,
    choice,
    foreign_thinking,
    output_format,
    own_thinking,
    tools,
)
from steelyard.dialects.anthropic.words import NAME
from steelyard.dialects.dialect import Facts
from steelyard.dialects.effort import budget_of
from steelyard.dialects.members import wrong
from steelyard.dialects.turns import instructions, merged

__all__ = ["encode_request"]

_encode = msgspec.json.Encoder().encode
_MOST_OUTPUT = 4096

# Settings that the API lacks, and the values by which they ask for nothing.
_LACKING: dict[str, tuple[object, ...]] = {
    "n": (None, 1),
    "seed": (None,),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "metadata": (None, {}),
    "store": (None, False),
    "previous_id": (None,),
    "cache_key": (None,),
}
# Objects whose members without a name in the core are kept under `OUTER.INNER`.
_OUTER = ("cache_control", "metadata", "output_config", "tool_choice")
_TIERS = {"auto": "auto", "default": "standard_only"}


def encode_request(request: Request, facts: Facts, losses: Losses) -> bytes:
    """Return the body that asks an upstream for an answer to `request`."""
    own = request.dialect == NAME
    body: Fields = {"model": facts.model, "max_tokens": _max_tokens(request, facts, losses)}
    body.update(_conversation(request, Blocks(own, losses), losses))
    if request.tools and (given := tools(request, losses)):
        body["tools"] = given
    # A choice without tools is refused.
    if ("tools" in body or own) and (chosen := choice(request, losses)) is not None:
        body["tool_choice"] = chosen
    if request.stop:
        stop = _stop(request, losses)
        if stop:
            body["stop_sequences"] = stop
    if request.stream:
        body["stream"] = True
    if request.cache is not None:
        body["cache_control"] = cache_control(request.cache, request.extra if own else {})
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if own:
        _add_own(body, request, losses)
    else:
        _add_foreign(body, request, facts, losses)
    return _encode(body)


def _max_tokens(request: Request, facts: Facts, losses: Losses) -> int:
    if request.max_tokens is not None:
        return request.max_tokens
    most = facts.most_output
    if most is None:
        most = _MOST_OUTPUT + _thought(request)
    losses.added("max_tokens", f"Anthropic demands the most tokens that an answer may have: {most} are allowed")
    return most


def _thought(request: Request) -> int:
    """Return how many tokens thinking may take: they count toward `max_tokens`."""
    asked = request.reasoning
    if asked is None:
        return 0
    budget = asked.budget if asked.budget is not None else budget_of(asked.effort or "none")
    return max(budget or 0, 0)


def _conversation(request: Request, blocks: Blocks, losses: Losses) -> Fields:
    own = request.dialect == NAME
    if own:
        system, rest = _own_turns(request.messages)
    else:
        system, rest = _foreign_turns(request.messages, losses)
    found: Fields = {}
    if system:
        texts = blocks.content((part for message in system for part in message.parts), "system")
        if texts:
            found["system"] = texts
    messages = []
    for message in rest:
        content = blocks.content(message.parts, message.role)
        if content or own:
            wire = {"role": message.role, "content": content}
            messages.append({**wire, **message.extra} if own and message.extra else wire)
    if not messages:
        raise wrong(
            request.path_of("messages"),
            "Anthropic demands a message of the user's besides instructions.",
            "empty_messages",
        )
    if messages[0]["role"] == "assistant" and not own:
        # The API's own words: 'messages: first message must use the "user" role'.
        raise wrong(
            rest[0].at, "Anthropic's conversations begin with the user. Put a user's message first.", "invalid_order"
        )
    found["messages"] = messages
    return found


def _own_turns(messages: tuple[Message, ...]) -> tuple[list[Message], list[Message]]:
    """Return instructions and conversation as they are: later instructions stay where they stand."""
    first = 0
    while first < len(messages) and messages[first].role == "system":
        first += 1
    return list(messages[:first]), list(messages[first:])


def _foreign_turns(messages: tuple[Message, ...], losses: Losses) -> tuple[list[Message], list[Message]]:
    for message in messages:
        if message.name is not None:
            losses.dropped(f"{message.at}.name", "Anthropic's messages have no names")
        for name in message.extra:
            losses.dropped(f"{message.at}.{name}", "Anthropic has no such field")
    leading, rest, late = instructions(messages)
    for message in late:
        # Only the latest models take instructions in mid-conversation ("Mid-conversation system messages").
        losses.approximated(message.at, "instructions in mid-conversation are sent in front of it")
    return [*leading, *late], [_results_first(turn) for turn in merged(rest)]


def _results_first(turn: Message) -> Message:
    """Return a turn with results of tools in front: the API refuses those behind text ("Handle tool calls")."""
    if turn.role != "user":
        return turn
    parts: tuple[Part, ...] = turn.parts
    seen_other = False
    for part in parts:
        if not isinstance(part, ToolResult):
            seen_other = True
        elif seen_other:
            ordered = sorted(parts, key=lambda one: not isinstance(one, ToolResult))
            return msgspec.structs.replace(turn, parts=tuple(ordered))
    return turn


def _stop(request: Request, losses: Losses) -> list[str]:
    if request.dialect == NAME:
        return list(request.stop)
    stop = [one for one in request.stop if one.strip()]
    if len(stop) < len(request.stop):
        losses.dropped(request.path_of("stop"), "Anthropic takes no stop sequences of nothing but white space")
    return stop


def _add_own(body: Fields, request: Request, losses: Losses) -> None:
    body.update(_said(request, "temperature", "top_p", "top_k", "service_tier"))
    if request.reasoning is not None:
        thinking = own_thinking(request.reasoning)
        if thinking is not None:
            body["thinking"] = thinking
        if request.reasoning.effort is not None:
            body.setdefault("output_config", {})["effort"] = request.reasoning.effort
    form = output_format(request, losses)
    if form is not None and request.path_of("output") == "output_format":
        body["output_format"] = form
    elif form is not None:
        body.setdefault("output_config", {})["format"] = form
    for path, value in request.extra.items():
        outer, dot, inner = path.partition(".")
        if not dot or outer not in _OUTER:
            body[path] = value
        elif outer != "cache_control":
            body.setdefault(outer, {})[inner] = value


def _said(request: Request, *names: str) -> Fields:
    return {name: value for name in names if (value := getattr(request, name)) is not None}


def _add_foreign(body: Fields, request: Request, facts: Facts, losses: Losses) -> None:
    for name, nothing in _LACKING.items():
        if getattr(request, name) not in nothing:
            losses.dropped(request.path_of(name), "Anthropic has no such setting")
    fields = [*request.extra]
    if request.reasoning is not None:
        fields += [f"{request.path_of('reasoning')}.{name}" for name in request.reasoning.extra]
    for path in fields:
        losses.dropped(path, "Anthropic has no such field")
    _add_sampling(body, request, losses)
    thinking, effort = _thinking(body, request, facts, losses)
    if thinking is not None:
        body["thinking"] = thinking
    form = output_format(request, losses)
    config = {name: value for name, value in (("effort", effort), ("format", form)) if value is not None}
    if config:
        body["output_config"] = config
    if request.service_tier is not None:
        tier = _TIERS.get(request.service_tier)
        if tier is None:
            losses.dropped(request.path_of("service_tier"), "Anthropic has no such tier")
        else:
            body["service_tier"] = tier


def _thinking(body: Fields, request: Request, facts: Facts, losses: Losses) -> tuple[Fields | None, str | None]:
    """Return `thinking` and `output_config.effort`; take out of `body` what they exclude."""
    noted = Losses()
    thinking, effort = foreign_thinking(request, facts.model, noted)
    if thinking is not None:
        thinking = _possible(thinking, body, request, losses)
    if thinking is None:
        return None, None
    for loss in noted.all():
        getattr(losses, loss.how)(loss.path, loss.reason)
    if thinking["type"] != "disabled":
        _drop_sampling(body, request, losses)
    return thinking, effort


def _add_sampling(body: Fields, request: Request, losses: Losses) -> None:
    body.update(_said(request, "temperature", "top_p", "top_k"))
    if (request.temperature or 0) > 1:
        losses.approximated(request.path_of("temperature"), "Anthropic's highest temperature is 1")
        body["temperature"] = 1


def _drop_sampling(body: Fields, request: Request, losses: Losses) -> None:
    """Leave out what cannot be said with thinking ("Extended thinking", "Feature compatibility": no temperature, no
    top_k; top_p between 0.95 and 1)."""
    told = (
        ("temperature", body.get("temperature", 1) != 1),
        ("top_k", "top_k" in body),
        ("top_p", body.get("top_p", 1) < 0.95),
    )
    for name, refused in told:
        if refused:
            del body[name]
            losses.dropped(request.path_of(name), "Anthropic does not take it together with thinking")


def _possible(thinking: Fields, body: Fields, request: Request, losses: Losses) -> Fields | None:
    """Return thinking as the rest of the request allows it, or None ("Extended thinking")."""
    path = request.path_of("reasoning")
    if thinking["type"] == "disabled":
        return thinking
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        losses.dropped(path, "Anthropic's models do not think where a tool must be called")
        return None
    if thinking["type"] != "enabled":
        return thinking
    if _resumes_unthought(request.messages):
        losses.dropped(path, "a turn that calls tools goes on with thinking only where it began with its thoughts")
        return None
    most = body["max_tokens"]
    if thinking["budget_tokens"] >= most:
        if most <= LEAST_BUDGET:
            losses.dropped(path, f"thinking takes {LEAST_BUDGET} tokens at least, {most} are allowed in all")
            return None
        losses.approximated(path, f"thinking must be below the {most} tokens that are allowed in all")
        return {**thinking, "budget_tokens": max(LEAST_BUDGET, most // 2)}
    return thinking


def _resumes_unthought(messages: tuple[Message, ...]) -> bool:
    """Say whether the conversation ends in a turn that calls tools and lacks Anthropic's thoughts: with a budget, the
    API refuses it ("Preserving thinking blocks")."""
    called = False
    for message in reversed(messages):
        if message.role == "user" and any(isinstance(part, Text) for part in message.parts):
            break
        if message.role == "assistant":
            called = called or any(isinstance(part, ToolCall) for part in message.parts)
            if any(isinstance(part, Thinking) and part.dialect == NAME for part in message.parts):
                return False
    return called
