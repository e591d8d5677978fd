"""litellm's SDK, speaking OpenAI's and Anthropic's dialects to the gateway."""
# mypy: disable-error-code="import-not-found"

import json
import os
from collections.abc import Callable
from typing import Any

# Its table of prices comes with the package: nothing is to be fetched.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from pydantic import BaseModel

__all__ = ["CHECKS"]

litellm.suppress_debug_info = True
ASK: Any = [{"role": "user", "content": "Hi there"}]
LOOK: Any = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SPOKEN = ("openai", "anthropic")


class Place(BaseModel):
    name: str
    population: int


def _fields(url: str, upstream: str, spoken: str, scene: str, **more: Any) -> dict[str, Any]:
    fields = {
        "model": f"{spoken}/{upstream}/scene:{scene}:{upstream}-litellm-{spoken}",
        "api_base": f"{url}/v1" if spoken == "openai" else url,
        "api_key": "unused",
        "max_retries": 0,
        "messages": ASK,
    }
    return {**fields, **more}


def _each(check: Callable[[str], Any]) -> Any:
    return {spoken: check(spoken) for spoken in SPOKEN}


def plain(url: str, upstream: str) -> Any:
    def ask(spoken: str) -> Any:
        answer = litellm.completion(**_fields(url, upstream, spoken, "plain"))
        return [answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.completion_tokens]

    return _each(ask)


def stream(url: str, upstream: str) -> Any:
    def ask(spoken: str) -> Any:
        usage = {"stream_options": {"include_usage": True}}
        told = list(litellm.completion(**_fields(url, upstream, spoken, "plain", stream=True, **usage)))
        whole = litellm.stream_chunk_builder(told, messages=ASK)
        return [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.completion_tokens]

    return _each(ask)


def tools(url: str, upstream: str) -> Any:
    def ask(spoken: str) -> Any:
        first = litellm.completion(**_fields(url, upstream, spoken, "parallel-tools", tools=[LOOK]))
        # Without litellm's own `provider_specific_fields` beside them, which OpenAI refuses.
        said = first.choices[0].message.model_dump(include={"role", "content", "tool_calls"})
        calls = said["tool_calls"]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "mild"} for call in calls]
        turns = [*ASK, said, *results]
        second = litellm.completion(**_fields(url, upstream, spoken, "parallel-tools", tools=[LOOK], messages=turns))
        arguments = [json.loads(call["function"]["arguments"]) for call in calls]
        return [arguments, second.choices[0].message.content]

    return _each(ask)


def structured(url: str, upstream: str) -> Any:
    answer = litellm.completion(**_fields(url, upstream, "openai", "json-schema", response_format=Place))
    return Place.model_validate_json(answer.choices[0].message.content).model_dump()


def errors(url: str, upstream: str) -> Any:
    def limited(spoken: str) -> str | None:
        try:
            litellm.completion(**_fields(url, upstream, spoken, "rate-limited"))
        except litellm.RateLimitError as error:
            return type(error).__name__
        return None

    def cut(spoken: str) -> str | None:
        try:
            list(litellm.completion(**_fields(url, upstream, spoken, "cut-stream", stream=True)))
        except litellm.exceptions.APIError as error:
            return type(error).__name__
        except litellm.exceptions.MidStreamFallbackError as error:
            return type(error).__name__
        return None

    return {"limited": _each(limited), "cut": _each(cut)}


async def asynchronous(url: str, upstream: str) -> Any:
    told = {}
    for spoken in SPOKEN:
        answer = await litellm.acompletion(**_fields(url, upstream, spoken, "plain"))
        chunks = await litellm.acompletion(**_fields(url, upstream, spoken, "plain", stream=True))
        pieces = [chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices]
        told[spoken] = [answer.choices[0].message.content, "".join(pieces)]
    return told


CHECKS = (plain, stream, tools, structured, errors, asynchronous)
