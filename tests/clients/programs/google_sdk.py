"""The official Google SDK: content, streams, chats that call functions, structured output, counts, models, errors."""
# mypy: disable-error-code="import-not-found, import-untyped"

import functools
from collections.abc import Callable
from typing import Any

from google.genai import Client, types
from google.genai import errors as genai_errors
from pydantic import BaseModel

__all__ = ["CHECKS"]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6364f8cf500f00038601805a347d6b"
    "0000000049454e44ae426082"
)


class Place(BaseModel):
    name: str
    population: int


@functools.cache
def _client(url: str) -> Client:
    return Client(api_key="unused", http_options={"base_url": url, "timeout": 20_000})


def _model(upstream: str, scene: str) -> str:
    return f"{upstream}/scene:{scene}:{upstream}-google-sdk"


def look(city: str) -> str:
    """Look how the weather is."""
    return f"mild in {city}"


def content(url: str, upstream: str) -> Any:
    config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.5, max_output_tokens=100)
    answer = _client(url).models.generate_content(model=_model(upstream, "plain"), contents="Hi", config=config)
    usage = answer.usage_metadata
    return [answer.text, answer.candidates[0].finish_reason.name, usage.prompt_token_count, usage.total_token_count]


def stream(url: str, upstream: str) -> Any:
    told = list(_client(url).models.generate_content_stream(model=_model(upstream, "plain"), contents="Hi"))
    pieces = [chunk.text for chunk in told if chunk.text]
    ends = [one.finish_reason.name for chunk in told for one in chunk.candidates or () if one.finish_reason]
    return ["".join(pieces), len(pieces) > 1, ends, told[-1].usage_metadata.candidates_token_count]


def functions_called_by_a_chat(url: str, upstream: str) -> Any:
    config = types.GenerateContentConfig(tools=[look])
    chat = _client(url).chats.create(model=_model(upstream, "parallel-tools"), config=config)
    answer = chat.send_message("How is the weather?")
    return [answer.text, [content.role for content in chat.get_history()]]


def functions_called_by_hand(url: str, upstream: str) -> Any:
    config = types.GenerateContentConfig(
        tools=[look],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024),
    )
    chat = _client(url).chats.create(model=_model(upstream, "thinking-tools"), config=config)
    told = list(chat.send_message_stream("How is the weather?"))
    contents = [one.content for chunk in told for one in chunk.candidates or () if one.content]
    parts = [part for one in contents for part in one.parts or ()]
    calls = [part.function_call for part in parts if part.function_call]
    reply = types.FunctionResponse(id=calls[0].id, name=calls[0].name, response={"output": "18 degrees"})
    answer = chat.send_message([types.Part(function_response=reply)])
    return ["".join(part.text for part in parts if part.thought and part.text), calls[0].args, answer.text]


def structured(url: str, upstream: str) -> Any:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    answer = _client(url).models.generate_content(model=_model(upstream, "json-schema"), contents="Hi", config=config)
    return answer.parsed.model_dump()


def image(url: str, upstream: str) -> Any:
    parts = [types.Part.from_bytes(data=PIXEL, mime_type="image/png"), "What is this?"]
    return _client(url).models.generate_content(model=_model(upstream, "image"), contents=parts).text


def count(url: str, upstream: str) -> Any:
    return _client(url).models.count_tokens(model=_model(upstream, "plain"), contents="one two three").total_tokens


def models(url: str, upstream: str) -> Any:
    listed = sorted(model.name for model in _client(url).models.list())
    return [listed, _client(url).models.get(model=f"tools-{upstream}").name]


def errors(url: str, upstream: str) -> Any:
    ask = _client(url).models.generate_content
    stream = _client(url).models.generate_content_stream
    strange = {"role": "user", "parts": [{"function_response": {"name": "f", "response": {}}}]}
    return {
        "unknown model": _raised(lambda: ask(model="nowhere", contents="Hi")),
        "result without a call": _raised(lambda: ask(model=_model(upstream, "plain"), contents=[strange])),
        "limited": _raised(lambda: ask(model=_model(upstream, "rate-limited"), contents="Hi")),
        "limited stream": _raised(lambda: list(stream(model=_model(upstream, "rate-limited"), contents="Hi"))),
        "broken": _raised(lambda: list(stream(model=_model(upstream, "mid-stream-error"), contents="Hi"))),
        "cut": _raised(lambda: list(stream(model=_model(upstream, "cut-stream"), contents="Hi"))),
    }


def _raised(call: Callable[[], Any]) -> Any:
    try:
        call()
    except genai_errors.APIError as error:
        return [type(error).__name__, error.code, error.status]
    return None


async def asynchronous(url: str, upstream: str) -> Any:
    client = Client(api_key="unused", http_options={"base_url": url, "timeout": 20_000})
    whole = await client.aio.models.generate_content(model=_model(upstream, "plain"), contents="Hi")
    told = await client.aio.models.generate_content_stream(model=_model(upstream, "plain"), contents="Hi")
    pieces = [chunk.text async for chunk in told if chunk.text]
    await client.aio.aclose()
    return [whole.text, "".join(pieces)]


CHECKS = (
    content,
    stream,
    functions_called_by_a_chat,
    functions_called_by_hand,
    structured,
    image,
    count,
    models,
    errors,
    asynchronous,
)
