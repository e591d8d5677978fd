"""What a call consumed, in Gemini's words (Gemini API reference, "UsageMetadata": the total is the sum of
`promptTokenCount`, `candidatesTokenCount`, `toolUsePromptTokenCount` and `thoughtsTokenCount`; `promptTokenCount`
includes the cached tokens)."""

from typing import Any

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.usage import Usage

__all__ = ["usage_extra", "usage_json", "usage_of"]

_COUNTS = frozenset(
    ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount")
)
_DETAILS = frozenset(("promptTokensDetails", "candidatesTokensDetails"))
_PLAIN = frozenset(("TEXT", "AUDIO"))


def usage_of(told: Fields) -> Usage | None:
    """Return the tokens in `usageMetadata`; None where it has no counts. What tools gave is input, thoughts are
    output."""
    prompt, total = _count(told, "promptTokenCount"), _count(told, "totalTokenCount")
    if prompt is None and total is None:
        return None
    tools = _count(told, "toolUsePromptTokenCount")
    given = prompt if tools is None else (prompt or 0) + tools
    made, thought = _count(told, "candidatesTokenCount"), _count(told, "thoughtsTokenCount")
    if made is not None or thought is not None:
        output: int | None = (made or 0) + (thought or 0)
    elif total is not None and given is not None and total >= given:
        output = total - given  # proto-JSON leaves zeros out
    else:
        output = None
    return Usage(
        given,
        output,
        cached=_count(told, "cachedContentTokenCount"),
        reasoning=thought,
        input_audio=_audio(told.get("promptTokensDetails")),
        output_audio=_audio(told.get("candidatesTokensDetails")),
    )


def usage_extra(told: Fields) -> Fields:
    """Return what `usageMetadata` says that `Usage` has no name for."""
    if told.keys() <= _COUNTS:
        return {}
    return {
        name: value
        for name, value in told.items()
        if name not in _COUNTS and not (name in _DETAILS and _is_plain(value))
    }


def _is_plain(details: Any) -> bool:
    return isinstance(details, list) and all(isinstance(one, dict) and one.get("modality") in _PLAIN for one in details)


def _count(told: Fields, name: str) -> int | None:
    value = told.get(name)
    return value if type(value) is int else None


def _audio(details: Any) -> int | None:
    if not isinstance(details, list):
        return None
    for one in details:
        if isinstance(one, dict) and one.get("modality") == "AUDIO":
            return _count(one, "tokenCount")
    return None


def usage_json(usage: Usage, losses: Losses) -> Fields:
    """Return `usageMetadata`. Audio's share is told as the reference's "ModalityTokenCount" has it."""
    found: Fields = {}
    if usage.input is not None:
        found["promptTokenCount"] = usage.input
    if usage.cached is not None:
        found["cachedContentTokenCount"] = usage.cached
    if usage.output is not None:
        found["candidatesTokenCount"] = usage.output - (usage.reasoning or 0)
    if usage.reasoning is not None:
        found["thoughtsTokenCount"] = usage.reasoning
    if usage.input is not None and usage.output is not None:
        found["totalTokenCount"] = usage.input + usage.output
    if usage.input_audio:
        found["promptTokensDetails"] = _details(usage.input, usage.input_audio)
    if usage.output_audio:
        found["candidatesTokensDetails"] = _details(found.get("candidatesTokenCount"), usage.output_audio)
    if usage.cache_write:
        losses.dropped("answer.usage.cache_write", "Gemini does not count what was written to a cache")
    return found


def _details(whole: int | None, audio: int) -> list[Fields]:
    text = [{"modality": "TEXT", "tokenCount": whole - audio}] if whole is not None and whole > audio else []
    return [*text, {"modality": "AUDIO", "tokenCount": audio}]
