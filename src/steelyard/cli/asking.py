"""Ask a gateway one question over HTTP, and time the answer as it streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from steelyard.core.errors import EngineError

__all__ = ["Answer", "Question", "ask"]

_LONGEST_LINE = 1024 * 1024


class Question(Struct, frozen=True):
    """What is asked of the gateway at `address`; `key` where callers need one."""

    address: str
    model: str
    text: str
    key: str | None = None
    max_tokens: int = 120
    timeout_s: float = 300.0


class Answer(Struct, frozen=True):
    """`tokens_per_s` counts what came after the first token, in the time after it; None for fewer than two tokens."""

    exchange: str
    text: str
    first_token_s: float
    tokens: int | None
    tokens_per_s: float | None


class _Delta(Struct, frozen=True):
    content: str | None = None


class _Choice(Struct, frozen=True):
    delta: _Delta = _Delta()


class _Usage(Struct, frozen=True):
    completion_tokens: int | None = None


class _Error(Struct, frozen=True):
    message: str = "unknown error"


class _Chunk(Struct, frozen=True):
    """OpenAI API reference, "Chat completion chunk"; an event may hold an error instead."""

    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: _Error | None = None


class _Refusal(Struct, frozen=True):
    error: _Error


async def ask(question: Question, on_text: Callable[[str], None]) -> Answer:
    """Return the answer; `on_text` gets its pieces as they come. Raises EngineError when there is none."""
    try:
        async with asyncio.timeout(question.timeout_s):
            return await _converse(question, on_text)
    except TimeoutError:
        raise EngineError(f"{question.model} did not answer within {question.timeout_s:g} s.") from None
    except (OSError, EOFError, ValueError) as error:
        raise EngineError(f"The answer of {question.address} broke off: {error or type(error).__name__}.") from error


async def _converse(question: Question, on_text: Callable[[str], None]) -> Answer:
    place = urlsplit(question.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=_LONGEST_LINE)
    try:
        began = time.monotonic()
        writer.write(_request(question, place.netloc))
        status, fields = await _head(reader)
        if status != 200:
            raise EngineError(_refusal(question, status, await _all(reader, fields)))
        pieces: list[str] = []
        first = last = 0.0
        tokens: int | None = None
        async for chunk in _chunks(_lines(reader, fields)):
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
            text = "".join(choice.delta.content or "" for choice in chunk.choices)
            if text:
                last = time.monotonic()
                first = first or last
                pieces.append(text)
                on_text(text)
        if not pieces:
            raise EngineError(f"{question.model} answered nothing. Its log is in the data directory, under logs/.")
        speed = (tokens - 1) / (last - first) if tokens and tokens > 1 and last > first else None
        return Answer(fields.get("x-request-id", ""), "".join(pieces), first - began, tokens, speed)
    finally:
        writer.close()


def _request(question: Question, authority: str) -> bytes:
    body = msgspec.json.encode(
        {
            "model": question.model,
            "messages": [{"role": "user", "content": question.text}],
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"Host: {authority}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if question.key is not None:
        lines.append(f"Authorization: Bearer {question.key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(first.split(" ")[1]), fields


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> AsyncIterator[bytes]:
    """Yield the body's bytes without transfer coding (RFC 9112, sections 6.3 and 7.1)."""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        return
    if "content-length" in fields:
        yield await reader.readexactly(int(fields["content-length"]))
        return
    while content := await reader.read(65536):
        yield content


async def _lines(reader: asyncio.StreamReader, fields: dict[str, str]) -> AsyncIterator[bytes]:
    rest = b""
    async for content in _body(reader, fields):
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")


async def _chunks(lines: AsyncIterator[bytes]) -> AsyncIterator[_Chunk]:
    """Yield the events' chunks up to the terminator; without it the answer is not whole."""
    async for line in lines:
        if not line.startswith(b"data:"):
            continue
        payload = line[5:].strip()
        if payload == b"[DONE]":
            return
        chunk = msgspec.json.decode(payload, type=_Chunk)
        if chunk.error is not None:
            raise EngineError(f"The answer broke off: {chunk.error.message}")
        yield chunk
    raise EOFError("it ended without [DONE]")


async def _all(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    return b"".join([content async for content in _body(reader, fields)])


def _refusal(question: Question, status: int, body: bytes) -> str:
    try:
        message = msgspec.json.decode(body, type=_Refusal).error.message
    except msgspec.MsgspecError:
        message = body[:200].decode(errors="replace")
    return f"The gateway answered HTTP {status} when asked for {question.model}: {message}"
