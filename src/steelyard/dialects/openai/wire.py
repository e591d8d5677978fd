"""What is decoded of OpenAI's dialect. This room holds msgspec's Structs, which mypyc does not compile; the
garbage collector need not look at them (`gc=False`): there are no circles in what comes from JSON."""

from msgspec import Raw, Struct

__all__ = ["Answer", "Chunk", "Envelope", "InputDetails", "Metadata", "OutputDetails", "WireUsage"]

_ABSENT = Raw()


class _StreamOptions(Struct, gc=False):
    include_usage: bool | None = None


class Metadata(Struct, gc=False):
    """The member of that name in Anthropic's dialect."""

    user_id: str | None = None


class Envelope(Struct, gc=False):
    """What the gateway reads of a request; all else passes unread."""

    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None


class _Choice(Struct, gc=False):
    finish_reason: str | None = None
    usage: Raw = _ABSENT


class Answer(Struct, gc=False):
    """What the gateway reads of a complete answer."""

    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = _ABSENT
    error: Raw = _ABSENT

    @property
    def finish_reason(self) -> str | None:
        return self.choices[0].finish_reason if self.choices else None


class Chunk(Struct, gc=False):
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


class InputDetails(Struct, gc=False):
    """Parts of the input."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class OutputDetails(Struct, gc=False):
    """Parts of the output."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(Struct, gc=False):
    """Usage as it is told by those who speak this dialect."""

    # Chat and completions say prompt/completion; images and transcriptions say input/output.
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek API docs, "Context caching"
    cached_tokens: int | None = None  # Moonshot API docs, "usage"
