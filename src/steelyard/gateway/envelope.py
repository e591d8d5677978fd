"""What a body in Gemini's dialect says of the length of its answer: the path names its model, so that nothing else of
it is read."""

import msgspec
from msgspec import Struct

__all__ = ["longest_answer"]


class _GenerationConfig(Struct):
    # Gemini API reference, "GenerationConfig"; Google's APIs take members in either spelling.
    maxOutputTokens: int | None = None  # noqa: N815
    max_output_tokens: int | None = None
    candidateCount: int | None = None  # noqa: N815
    candidate_count: int | None = None


class _Envelope(Struct):
    generationConfig: _GenerationConfig | None = None  # noqa: N815
    generation_config: _GenerationConfig | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


def longest_answer(raw: bytes) -> tuple[int, int]:
    """Return how many tokens a candidate may have (-1: it is not said), and how many candidates are asked for."""
    try:
        envelope = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return -1, 1
    given = envelope.generationConfig or envelope.generation_config
    if given is None:
        return -1, 1
    return given.maxOutputTokens or given.max_output_tokens or -1, given.candidateCount or given.candidate_count or 1
