"""The response object: what a response says of itself, beside its output (API reference, "The response object"). The
settings in it repeat the request's; where the request said nothing stands the API's own default."""

from typing import Any

from steelyard.core.answer import Finish, TokenLogprob
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked
from steelyard.dialects.responses.names import NAME, response_id
from steelyard.dialects.responses.request_out import format_out, instructions_of
from steelyard.dialects.responses.tools import choice_out, tools_out

__all__ = ["Head", "ended_as", "logprobs_out"]

# What others than OpenAI's dialects call a tier is none here. (None: not said; only these tell it of the whole answer.)
_TIERS_OF = ("openai", NAME, None)


class Head:
    """What a response's object says from its beginning on. `id` and `created_at` are settled once."""

    def __init__(self, asked: Asked, losses: Losses) -> None:
        self._asked = asked
        self._losses = losses
        self.id = response_id(asked.id)
        self.model = asked.request.model
        self.created = asked.created
        self.extra: Fields = {}
        self._settings = _settings(asked.request)

    def take(self, given: str | None, model: str | None, created: int | None) -> None:
        """Take what the upstream says of itself; its id only where it looks like one of this API."""
        if given is not None and given.startswith("resp_"):
            self.id = given
        self.model = model or self.model
        self.created = created if created is not None else self.created

    def take_extra(self, extra: Fields, dialect: str | None) -> None:
        """Take fields that have no name, from an answer of `dialect`."""
        if dialect == NAME:
            self.extra.update(extra)
            return
        for name, value in extra.items():
            if name == "service_tier" and dialect in _TIERS_OF:
                self.extra[name] = value
            else:
                self._losses.dropped(f"answer.{name}", "a response has no such field")

    def object(self, status: str, output: list[Fields], **rest: Any) -> Fields:
        """Return the response object."""
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            **self._settings,
            "model": self.model,
            "output": output,
            "usage": None,
            **self.extra,
            **rest,
        }


def _settings(request: Request) -> Fields:
    unheard = Losses()
    output, reasoning = request.output, request.reasoning
    text: Fields = {"format": format_out(output) if output is not None else {"type": "text"}}
    extra = {}
    for path, value in request.extra.items():
        whole, dot, below = path.partition(".")
        if dot and whole == "text":
            text[below] = value
        elif path in _REPEATED:
            extra[path] = value
    return {
        "background": False,
        "instructions": instructions_of(request)[0],
        "max_output_tokens": request.max_tokens,
        "max_tool_calls": None,
        "parallel_tool_calls": request.parallel_tools is not False,
        "previous_response_id": request.previous_id,
        "prompt_cache_key": request.cache_key,
        "reasoning": {
            **(reasoning.extra if reasoning is not None else {}),
            "effort": reasoning.effort if reasoning is not None else None,
            "summary": reasoning.summary if reasoning is not None else None,
        },
        "safety_identifier": request.user if request.path_of("user") == "safety_identifier" else None,
        "service_tier": request.service_tier,
        "store": request.store is not False,
        "temperature": request.temperature,
        "text": text,
        "tool_choice": choice_out(request, unheard) or "auto",
        "tools": tools_out(request, unheard),
        "top_logprobs": request.top_logprobs or 0,
        "top_p": request.top_p,
        "truncation": "disabled",
        "user": request.user if request.path_of("user") == "user" else None,
        "metadata": request.metadata or {},
        **extra,
    }


_REPEATED = ("max_tool_calls", "truncation", "prompt", "prompt_cache_retention", "prompt_cache_options", "user")


def ended_as(finish: Finish | None, losses: Losses, *, refused: bool) -> tuple[str, str | None]:
    """Return the status that an answer ends with, and why it is incomplete. `refused`: the answer has a refusal
    in words; else a refusal is told as OpenAI tells of content that was held back."""
    if finish is None:
        return "completed", None
    if finish.dialect == NAME and finish.native is not None:
        return ("completed", None) if finish.native == "completed" else ("incomplete", finish.native)
    match finish.reason:
        case "length":
            return "incomplete", "max_output_tokens"
        case "content_filter":
            return "incomplete", "content_filter"
        case "refusal" if not refused:
            return "incomplete", "content_filter"
        case "pause" | "other":
            losses.approximated("answer.finish_reason", f'"{finish.native or finish.reason}" is told as completed')
    return "completed", None


def logprobs_out(found: tuple[TokenLogprob, ...] | list[TokenLogprob]) -> list[Fields]:
    """Return log probabilities as the wire has them."""
    return [{**_logprob(one), "top_logprobs": [_logprob(top) for top in one.top]} for one in found]


def _logprob(one: TokenLogprob) -> Fields:
    # `bytes` is demanded; where it was not told it is the token's text.
    spelt = list(one.bytes) if one.bytes is not None else list(one.token.encode())
    return {"token": one.token, "logprob": one.logprob, "bytes": spelt}
