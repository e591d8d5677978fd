"""The official Anthropic SDK: messages, streams, its tool runner, types, counts, errors, async calls."""
# mypy: disable-error-code="import-not-found, untyped-decorator"

import functools
from collections.abc import Callable
from typing import Any

import anthropic
from pydantic import BaseModel

__all__ = ["CHECKS"]

ASK: Any = [{"role": "user", "content": "Hi there"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOOK: Any = {
    "name": "look",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Place(BaseModel):
    name: str
    population: int


@functools.cache
def _client(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key="unused", max_retries=0, timeout=20)


def _fields(upstream: str, scene: str, **more: Any) -> dict[str, Any]:
    return {"model": f"{upstream}/scene:{scene}:{upstream}-anthropic-sdk", "max_tokens": 4096, "messages": ASK, **more}


def _blocks(message: Any) -> list[dict[str, Any]]:
    return [block.to_dict() for block in message.content]


def plain(url: str, upstream: str) -> Any:
    message = _client(url).messages.create(**_fields(upstream, "plain", system="Be brief."))
    request = str(message._request_id)
    return [message.content[0].text, message.stop_reason, message.usage.output_tokens, message.id[:4], request[:4]]


def stream(url: str, upstream: str) -> Any:
    with _client(url).messages.stream(**_fields(upstream, "plain")) as events:
        pieces = list(events.text_stream)
        message = events.get_final_message()
    usage = message.usage
    return ["".join(pieces), len(pieces) > 1, message.stop_reason, usage.input_tokens, usage.output_tokens]


def events(url: str, upstream: str) -> Any:
    with _client(url).messages.create(**_fields(upstream, "tools", tools=[LOOK], stream=True)) as told:
        kinds = [event.type for event in told]
    return [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]


def tool_round_trip(url: str, upstream: str) -> Any:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    fields = _fields(upstream, "thinking-tools", tools=[LOOK], thinking=thinking)
    with _client(url).messages.stream(**fields) as events:
        first = events.get_final_message()
    call = first.content[-1]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
    fields["messages"] = [*ASK, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = _client(url).messages.create(**fields)
    return [first.stop_reason, call.name, call.input, second.content[-1].text]


def tool_runner(url: str, upstream: str) -> Any:
    asked: list[str] = []

    @anthropic.beta_tool
    def look(city: str) -> str:
        """Look how the weather is.

        Args:
            city: Where to look.
        """
        asked.append(city)
        return f"mild in {city}"

    runner = _client(url).beta.messages.tool_runner(**_fields(upstream, "parallel-tools", tools=[look]))
    return [asked, runner.until_done().content[-1].text]


def streaming_tool_runner(url: str, upstream: str) -> Any:
    @anthropic.beta_tool
    def look(city: str) -> str:
        """Look how the weather is."""
        return f"mild in {city}"

    runner = _client(url).beta.messages.tool_runner(**_fields(upstream, "tools", tools=[look], stream=True))
    return ["".join(stream.text_stream) for stream in runner]


def structured(url: str, upstream: str) -> Any:
    message = _client(url).messages.parse(**_fields(upstream, "json-schema"), output_format=Place)
    return message.parsed_output.model_dump()


def image(url: str, upstream: str) -> Any:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    asked = _fields(upstream, "image", messages=[{"role": "user", "content": content}])
    return _client(url).messages.create(**asked).content[0].text


def count(url: str, upstream: str) -> Any:
    model = _fields(upstream, "plain")["model"]
    return _client(url).messages.count_tokens(model=model, messages=ASK).input_tokens


def models(url: str, upstream: str) -> Any:
    return sorted(model.id for model in _client(url).models.list())


def errors(url: str, upstream: str) -> Any:
    messages = _client(url).messages
    strange = [{"role": "user", "content": [{"type": "hologram"}]}]
    return {
        "unknown model": _raised(lambda: messages.create(model="nowhere", max_tokens=9, messages=ASK)),
        "strange content": _raised(lambda: messages.create(**_fields(upstream, "plain", messages=strange))),
        "limited": _raised(lambda: messages.create(**_fields(upstream, "rate-limited"))),
        "limited stream": _raised(lambda: messages.create(**_fields(upstream, "rate-limited", stream=True))),
        "broken": _raised(lambda: list(messages.create(**_fields(upstream, "mid-stream-error", stream=True)))),
        "cut": _raised(lambda: list(messages.create(**_fields(upstream, "cut-stream", stream=True)))),
    }


def _raised(call: Callable[[], Any]) -> Any:
    try:
        call()
    except anthropic.APIStatusError as error:
        retry = "retry-after" in error.response.headers
        return [type(error).__name__, error.status_code, error.type, str(error.request_id)[:4], retry]
    return None


async def asynchronous(url: str, upstream: str) -> Any:
    async with anthropic.AsyncAnthropic(base_url=url, api_key="unused", max_retries=0, timeout=20) as client:
        whole = await client.messages.create(**_fields(upstream, "plain"))
        async with client.messages.stream(**_fields(upstream, "tools", tools=[LOOK])) as stream:
            pieces = [piece async for piece in stream.text_stream]
            final = await stream.get_final_message()
    return [whole.content[0].text, "".join(pieces), final.content[-1].input]


CHECKS = (
    plain,
    stream,
    events,
    tool_round_trip,
    tool_runner,
    streaming_tool_runner,
    structured,
    image,
    count,
    models,
    errors,
    asynchronous,
)
