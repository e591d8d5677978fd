"""OpenAI's dialect: Chat Completions, Completions, Embeddings and what shares their envelope.

Sources: OpenAI API reference, "Create chat completion", "The chat completion object", "The chat completion chunk
object", "Create embeddings", "Error codes". Fields beyond those that are decoded here are never looked at: a body is
forwarded as the bytes that came, with the model's name spliced in.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.core.errors import BadRequest, CallError
from steelyard.core.usage import Usage

__all__ = [
    "Answer",
    "Chunk",
    "Request",
    "decode_answer",
    "decode_chunk",
    "encode_error",
    "is_error_body",
    "usage_of",
    "without_usage",
]


_ABSENT = Raw()


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Metadata(Struct):
    user_id: str | None = None


class _Envelope(Struct):
    """What the gateway reads of a request; all else passes unread."""

    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None


class Request:
    """A request's body, taken apart at its top level only: every value keeps the bytes it came with.

    `model`, `stream`, `wants_usage` (the client asked for usage in its stream) and `user` are all that is decoded.
    """

    __slots__ = ("_fields", "model", "stream", "user", "wants_usage")

    def __init__(self, body: bytes) -> None:
        """Raise BadRequest that names the field, for malformed JSON or a wrong type."""
        try:
            self._fields = fields = _decode_fields(body)
            self.model: str = _decode_text(fields["model"])
            self.user: str | None = None
            self.stream = False
            self.wants_usage = False
            if "stream" in fields or "user" in fields:
                self._read_options(_decode_envelope(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
            raise _complaint(body) from None

    def _read_options(self, envelope: _Envelope) -> None:
        self.user = envelope.user
        self.stream = envelope.stream is True
        options = envelope.stream_options
        self.wants_usage = options is not None and options.include_usage is True

    def text(self, name: str) -> str | None:
        """Return a member that is a string; None where it is absent, or something else."""
        raw = self._fields.get(name)
        return _decode_text(raw) if raw is not None and bytes(raw).startswith(b'"') else None

    def has(self, name: str) -> bool:
        """Say whether there is a member, and not null."""
        raw = self._fields.get(name)
        return raw is not None and bytes(raw) != b"null"

    def whole(self, name: str) -> int | None:
        """Return a member that is a whole number; None where it is absent, or something else."""
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return _decode_whole(raw)
        except msgspec.DecodeError:
            return None

    def length_of(self, name: str) -> int:
        """Return how many elements a member has; 1 where it is no list."""
        raw = self._fields.get(name)
        if raw is None or not bytes(raw).startswith(b"["):
            return 1
        try:
            return max(1, len(_decode_list(raw)))
        except (msgspec.DecodeError, RecursionError):
            return 1

    def end_user(self) -> str | None:
        """Return whom the caller calls for, by the other names that `user` has: OpenAI's `safety_identifier`,
        Anthropic's `metadata.user_id` (Messages API, "metadata")."""
        named = self.text("safety_identifier")
        if named is not None or "metadata" not in self._fields:
            return named
        try:
            return _decode_metadata(self._fields["metadata"]).user_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def wire(self, model: Raw, *, include_usage: bool | None = None) -> bytes:
        """Return the body for an upstream that knows the model as `model` (an encoded JSON string).

        `include_usage` sets `stream_options.include_usage` (API reference, `stream_options`: usage then comes in a last
        chunk whose `choices` is empty), or takes it out for a provider that does not know it; None leaves it as it is.
        Other stream options are kept.
        """
        fields = self._fields
        fields["model"] = model
        if include_usage is None:
            return _encode(fields)
        given = fields.get("stream_options")
        options: dict[str, Any] = {} if given is None or bytes(given) == b"null" else _decode_fields(given)
        if include_usage:
            options["include_usage"] = True
        else:
            options.pop("include_usage", None)
        if options:
            return _encode({**fields, "stream_options": options})
        return _encode({name: value for name, value in fields.items() if name != "stream_options"})


class _Choice(Struct):
    finish_reason: str | None = None
    usage: Raw = _ABSENT


class Answer(Struct):
    """What the gateway reads of a complete answer."""

    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = _ABSENT
    error: Raw = _ABSENT

    @property
    def finish_reason(self) -> str | None:
        return self.choices[0].finish_reason if self.choices else None


class Chunk(Struct):
    """What the gateway reads of one event of a stream."""

    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = _ABSENT
    error: Raw = _ABSENT

    @property
    def reported_usage(self) -> Raw:
        """The usage in this event, wherever it stands. Moonshot reports it inside the last choice
        (github.com/northes/go-moonshot/issues/17 quotes its documentation; github.com/higress-group/higress/pull/1568
        shows an answer)."""
        return self.usage or (self.choices[0].usage if self.choices else _ABSENT)


class _InputDetails(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _WireUsage(Struct):
    # Chat and completions say prompt/completion; images and transcriptions say input/output.
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek API docs, "Context caching"
    cached_tokens: int | None = None  # Moonshot API docs, "usage"


_decode_text = msgspec.json.Decoder(str).decode
_decode_whole = msgspec.json.Decoder(int).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_metadata = msgspec.json.Decoder(_Metadata).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_usage = msgspec.json.Decoder(_WireUsage).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def _complaint(body: bytes) -> BadRequest:
    """Say what is wrong with a body that could not be taken apart."""
    try:
        _decode_envelope(body)
    except msgspec.ValidationError as error:
        return BadRequest(_type_text(error), code="invalid_type", param=_path(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BadRequest(f"The body is not JSON: {error}. Send one JSON object, in UTF-8.", code="invalid_json")
    except RecursionError:
        return BadRequest("The body is nested too deeply. Flatten it.", code="invalid_json")
    return BadRequest("The body is not a JSON object with a model.", code="invalid_json")


def _type_text(error: msgspec.ValidationError) -> str:
    text = str(error)
    if "missing required field `model`" in text:
        return 'The body has no "model". Name a route or a deployment ("openai/gpt-4.1"); GET /v1/models lists them.'
    return f"The body has a wrong type: {text}."


def _path(error: msgspec.ValidationError) -> str | None:
    text = str(error)
    if "field `model`" in text:
        return "model"
    _, found, path = text.partition(" - at `$.")
    return path.rstrip("`") if found else None


def decode_answer(body: bytes) -> Answer | None:
    """Decode a complete answer; None when it is not a JSON object of this dialect."""
    try:
        return _decode_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_chunk(event: bytes) -> Chunk | None:
    """Decode the payload of one event of a stream; None when it is not a JSON object of this dialect."""
    try:
        return _decode_chunk(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def without_usage(event: bytes) -> bytes:
    """Return a chunk's JSON without its `usage` member; other values keep their bytes."""
    try:
        fields = _decode_fields(event)
    except UnicodeDecodeError:
        return event  # in the name of a member that nobody knows; it is relayed as it came
    fields.pop("usage", None)
    return _encode(fields)


def usage_of(raw: Raw | bytes) -> Usage | None:
    """Return the tokens in a `usage` object; None when there is none or it is not understood. Cached tokens are a part
    of the prompt's, reasoning tokens a part of the completion's (API reference, "usage")."""
    if not raw:
        return None
    try:
        wire = _decode_usage(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    given = wire.prompt_tokens if wire.prompt_tokens is not None else wire.input_tokens
    made = wire.completion_tokens if wire.completion_tokens is not None else wire.output_tokens
    if made is None and given is not None and wire.total_tokens == given:
        made = 0  # embeddings report no completion tokens, and a total that equals the prompt's
    if given is None and made is None:
        return None
    before, after = wire.prompt_tokens_details, wire.completion_tokens_details
    cached = before.cached_tokens if before else None
    if cached is None:
        cached = wire.prompt_cache_hit_tokens if wire.prompt_cache_hit_tokens is not None else wire.cached_tokens
    return Usage(
        given,
        made,
        cached,
        before.cache_write_tokens if before else None,
        after.reasoning_tokens if after else None,
        before.audio_tokens if before else None,
        after.audio_tokens if after else None,
    )


def is_error_body(body: bytes) -> bool:
    """Say whether a body is an error of this dialect: a JSON object with a member `error`."""
    found = decode_answer(body)
    return found is not None and bool(found.error)


def encode_error(error: CallError) -> bytes:
    """Return the body of an error (API reference, "Errors"): `{"error": {"message", "type", "param", "code"}}`."""
    fields = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    return _encode({"error": fields})
