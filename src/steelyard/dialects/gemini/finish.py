"""Why an answer ended, in Gemini's words (Gemini API reference, "FinishReason", "PromptFeedback.BlockReason")."""

from steelyard.core.answer import Finish, FinishReason
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.dialects.gemini.proto import spread

__all__ = ["finish_json", "finish_of"]

_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "CONTINUATION": "pause",
}
"""All else is "other": LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, TOO_MANY_TOOL_CALLS,
MISSING_THOUGHT_SIGNATURE, MALFORMED_RESPONSE, NO_IMAGE, IMAGE_OTHER, and what may come."""

_WORDS: dict[FinishReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    # Gemini's models refuse in plain text; SAFETY tells a program that this answer is none.
    "refusal": "SAFETY",
    "pause": "OTHER",
    "other": "OTHER",
}


def finish_of(native: str, extra: Fields, *, called: bool) -> Finish:
    """Return why a candidate ended. STOP after calls of functions is `tool_calls`, in whichever chunk it came."""
    reason = _REASONS.get(native, "other")
    if reason == "stop" and called:
        reason = "tool_calls"
    return Finish(reason, dialect="gemini", native=native, extra=extra)


def finish_json(finish: Finish, losses: Losses) -> Fields:
    """Return `finishReason` and what stands beside it in a candidate."""
    if finish.dialect == "gemini":
        found: Fields = {"finishReason": finish.native or _WORDS[finish.reason]}
        spread(finish.extra, found)
        return found
    if finish.reason in ("pause", "other"):
        losses.approximated("answer.finish_reason", f'Gemini has no reason "{finish.native or finish.reason}"')
    if finish.stop_sequence is not None:
        losses.dropped("answer.stop_sequence", "Gemini does not say which sequence came")
    for name in finish.extra:
        losses.dropped(f"answer.{name}", "Gemini has no such field")
    return {"finishReason": _WORDS[finish.reason]}
