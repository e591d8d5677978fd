"""A request of OpenAI's dialect, taken apart at its top level only."""

from typing import Final

import msgspec
from msgspec import Raw

from steelyard.core.errors import BadRequest
from steelyard.dialects.openai.wire import Envelope, Metadata

__all__ = ["Request"]

_decode_fields: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode
_decode_whole: Final = msgspec.json.Decoder(int).decode
_decode_list: Final = msgspec.json.Decoder(list[Raw]).decode
_decode_metadata: Final = msgspec.json.Decoder(Metadata).decode
_decode_envelope: Final = msgspec.json.Decoder(Envelope).decode
_encode: Final = msgspec.json.Encoder().encode
_TRUE: Final = Raw(b"true")


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

    def _read_options(self, envelope: Envelope) -> None:
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
        options = {} if given is None or bytes(given) == b"null" else _decode_fields(given)
        if include_usage:
            options["include_usage"] = _TRUE
        else:
            options.pop("include_usage", None)
        if options:
            return _encode({**fields, "stream_options": options})
        return _encode({name: value for name, value in fields.items() if name != "stream_options"})


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
