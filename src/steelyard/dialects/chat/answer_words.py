"""The words that whole answers and chunks of a stream share (API reference, "The chat completion object")."""

from typing import Any

from steelyard.core.answer import Finish, TokenLogprob
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Fields, Media, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.chat.content import media_part
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.chat.tools import write_call, write_signature

__all__ = ["annotation_of", "finish_extra", "finish_word", "image_of", "told_call", "told_logprobs", "told_usage"]

_WORDS = {"stop": "stop", "stop_sequence": "stop", "length": "length", "content_filter": "content_filter"}


def finish_word(finish: Finish, losses: Losses, *, refused: bool, legacy: bool) -> str:
    """Return the `finish_reason`. `refused`: the refusal was told in words; `legacy`: calls are told as
    `function_call`."""
    reason = finish.reason
    if finish.stop_sequence is not None and finish.dialect != NAME:
        losses.dropped("answer.stop_sequence", "the dialect does not say which stop sequence came")
    if reason == "tool_calls":
        return "function_call" if legacy else "tool_calls"
    if reason == "refusal":
        return "stop" if refused else "content_filter"
    word = _WORDS.get(reason)
    if word is not None:
        return word
    if finish.dialect == NAME and finish.native is not None:
        return finish.native  # a compatible server's own word
    losses.approximated("answer.finish_reason", f'"{finish.native or reason}" has no word here')
    return "stop"


def finish_extra(finish: Finish, losses: Losses) -> tuple[Fields, Fields]:
    """Return what a choice and its message say beside what has a name, if it came in this dialect."""
    if finish.dialect != NAME:
        for name in finish.extra:
            losses.dropped(f"answer.{name}", "the dialect has no such field")
        return {}, {}
    beside = {name: value for name, value in finish.extra.items() if not name.startswith("message.")}
    inside = {name[8:]: value for name, value in finish.extra.items() if name.startswith("message.")}
    if finish.stop_sequence is not None:
        beside["stop_reason"] = finish.stop_sequence
    return beside, inside


def told_usage(usage: Usage) -> Fields:
    """Return `usage`: figures that are not known are left out."""
    told: Fields = {}
    if usage.input is not None:
        told["prompt_tokens"] = usage.input
    if usage.output is not None:
        told["completion_tokens"] = usage.output
    if usage.input is not None and usage.output is not None:
        told["total_tokens"] = usage.input + usage.output
    before = {
        "cached_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "audio_tokens": usage.input_audio,
    }
    after = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.output_audio}
    for name, details in (("prompt_tokens_details", before), ("completion_tokens_details", after)):
        known = {key: value for key, value in details.items() if value is not None}
        if known:
            told[name] = known
    return told


def told_logprobs(logprobs: tuple[TokenLogprob, ...]) -> list[Fields]:
    """Return the entries of `logprobs.content`."""
    return [{**_logprob(one), "top_logprobs": [_logprob(top) for top in one.top]} for one in logprobs]


def _logprob(one: TokenLogprob) -> Fields:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.bytes}


def annotation_of(citation: Citation, losses: Losses, *, before: int, length: int) -> Fields | None:
    """Return an annotation; None, reported, for what cannot be one. `before` characters of the choice's text stand
    before the part that it cites for, which is `length` long."""
    if citation.dialect == NAME:
        return citation.native
    if citation.url is None:
        losses.dropped("answer.citations", "the dialect cites web pages only")
        return None
    if citation.quoted is not None:
        losses.dropped("answer.citations.quoted", "the dialect has no such field")
    if citation.start is None or citation.end is None:
        losses.approximated("answer.citations", "it counts for the text so far")
    start = citation.start if citation.start is not None else 0
    end = citation.end if citation.end is not None else length
    told: dict[str, Any] = {
        "start_index": before + start,
        "end_index": before + end,
        "title": citation.title or "",
        "url": citation.url,
    }
    return {"type": "url_citation", "url_citation": told}


def image_of(media: Media, losses: Losses) -> Fields | None:
    """Return one of `images` (OpenRouter docs, "Image Generation"); None, reported, for other media."""
    wire = media_part(media) if media.kind == "image" else None
    if wire is None:
        losses.dropped(f"answer.{media.kind}", "the dialect has no such part of an answer")
    return wire


def told_call(call: ToolCall) -> Fields:
    """Return one of an answer's `tool_calls`. A client that gives Gemini's signature back as it came makes the next
    turn work (ai.google.dev/gemini-api/docs/thought-signatures)."""
    wire = write_call(call)
    write_signature(wire, call.signature)
    return wire
