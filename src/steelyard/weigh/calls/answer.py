"""Read what a gateway answers to a chat completion.

Sources: OpenAI API reference, "The chat completion object" and "Errors"; `docs/reference/errors.md`.
"""

from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.loose import JsonObject

__all__ = ["Answered", "Failed", "read_answer", "read_failure"]

_LONGEST_QUOTED: Final = 300


class Answered(Struct, frozen=True):
    """What a model said. A model that said nothing has the text "". Tokens None: not reported."""

    text: str
    tool_calls: tuple[JsonObject, ...]
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None


class Failed(Struct, frozen=True):
    """Why there is no answer; `code` None: nobody gave one."""

    message: str
    code: str | None = None


class _Part(Struct, frozen=True):
    """Some compatible providers answer in parts, of which those of type `text` are what is said."""

    type: str = ""
    text: str = ""


class _Message(Struct, frozen=True):
    content: str | tuple[_Part, ...] | None = None
    refusal: str | None = None
    tool_calls: tuple[JsonObject, ...] | None = None


class _Choice(Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(Struct, frozen=True):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None


class _Error(Struct, frozen=True):
    message: str = ""
    code: str | int | None = None


class _Body(Struct, frozen=True):
    error: _Error | str


_completion: Final = msgspec.json.Decoder(_Completion)
_body: Final = msgspec.json.Decoder(_Body)


def read_answer(body: bytes) -> Answered | Failed:
    """Return what the body of a 200 says."""
    try:
        completion = _completion.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Failed(f"The answer is no chat completion: {error}")
    if not completion.choices:
        return Failed("The answer has no choice.")
    choice = completion.choices[0]
    usage = completion.usage or _Usage()
    return Answered(
        _text(choice.message),
        choice.message.tool_calls or (),
        choice.finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
    )


def read_failure(status: int, body: bytes) -> Failed:
    """Return what the body of another status says."""
    try:
        error = _body.decode(body).error
    except (msgspec.MsgspecError, RecursionError):
        return Failed(f"HTTP {status}: {body[:_LONGEST_QUOTED].decode(errors='replace')}".rstrip(": "))
    if isinstance(error, str):
        return Failed(f"HTTP {status}: {error}")
    code = None if error.code is None else str(error.code)
    return Failed(f"HTTP {status}{f' {code}' if code else ''}: {error.message}", code)


def _text(message: _Message) -> str:
    match message.content:
        case str() as text if text or message.refusal is None:
            return text
        case tuple() as parts:
            return "".join(part.text for part in parts if part.type == "text")
        case _:
            return message.refusal or ""
