"""A whole answer, in Gemini's words (Gemini API reference, "GenerateContentResponse", "Candidate")."""

from collections.abc import Sequence

import msgspec

from steelyard.core.answer import Answer, Choice, Finish
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.usage import Usage
from steelyard.dialects.dialect import Asked
from steelyard.dialects.gemini.citations import Cite, Said, grounding_json
from steelyard.dialects.gemini.finish import finish_json
from steelyard.dialects.gemini.logprobs import logprobs_json
from steelyard.dialects.gemini.parts_out import arguments_of, call_json, media_json
from steelyard.dialects.gemini.proto import spread
from steelyard.dialects.gemini.thoughts import signature_of
from steelyard.dialects.gemini.usage import usage_json

__all__ = ["blocked_prompt", "call_told", "encode_answer", "malformed", "part_told", "put_extra", "usage_told"]

_encode = msgspec.json.Encoder().encode


def encode_answer(answer: Answer, asked: Asked, losses: Losses) -> bytes:
    """Return the body that tells a client the answer."""
    own = answer.dialect == "gemini"
    body: Fields = {}
    candidates = []
    for index, choice in enumerate(answer.choices):
        feedback = blocked_prompt(choice.finish) if not choice.parts else None
        if feedback is not None:
            body["promptFeedback"] = feedback
        else:
            candidates.append(_candidate(choice, index, own=own, losses=losses))
    if candidates:
        body = {"candidates": candidates, **body}
    usage = usage_told(answer.usage, answer.usage_raw, answer.usage_extra, own=own, losses=losses)
    if usage is not None:
        body["usageMetadata"] = usage
    body["modelVersion"] = answer.model or asked.request.model
    body["responseId"] = answer.id or asked.id
    put_extra(answer.extra, body, own=own, losses=losses)
    return _encode(body)


def blocked_prompt(finish: Finish | None) -> Fields | None:
    """Return what is said of a prompt that was blocked; None for a finish that is a candidate's."""
    if finish is None or finish.dialect != "gemini":
        return None
    found = finish.extra.get("promptFeedback")
    return found if isinstance(found, dict) else None


def usage_told(
    usage: Usage | None, raw: bytes | None, extra: Fields, *, own: bool, losses: Losses
) -> Fields | msgspec.Raw | None:
    """Return `usageMetadata`: as it came, where it came in Gemini's words."""
    if own and raw is not None:
        return msgspec.Raw(raw)
    for name in extra:
        losses.dropped(f"answer.usage.{name}", "Gemini has no such field")
    return usage_json(usage, losses) if usage is not None else None


def put_extra(extra: Fields, into: Fields, *, own: bool, losses: Losses) -> None:
    """Write fields of an answer that have no name in the core again, or report them."""
    if own:
        spread(extra, into)
        return
    for name in extra:
        losses.dropped(f"answer.{name}", "Gemini has no such field")


def _candidate(choice: Choice, index: int, *, own: bool, losses: Losses) -> Fields:
    parts: list[Fields] = []
    cites: list[Cite] = []
    failed: str | None = None
    for number, part in enumerate(choice.parts):
        if isinstance(part, ToolCall):
            told = call_told(part, losses)
            if told is None:
                failed = malformed(part)
        else:
            told = part_told(part, f"answer.choices[{index}].parts[{number}]", losses)
        if told is None:
            continue
        if isinstance(part, Text):
            cites += _foreign(part.citations, Said(number, len(parts), part.text))
        put_part_extra(part, told, own=own, losses=losses)
        parts.append(told)
    found: Fields = {"content": {"parts": parts, "role": "model"}}
    if choice.finish is not None:
        _merge(found, finish_json(choice.finish, losses))
    if failed is not None:
        found |= {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": failed}
    grounding = grounding_json(cites, losses)
    if grounding is not None:
        found["groundingMetadata"] = grounding
    if choice.logprobs is not None:
        _merge(found, {"logprobsResult": logprobs_json(choice.logprobs, losses)})
    return {**found, "index": index}


def _merge(into: Fields, more: Fields) -> None:
    for name, value in more.items():
        before = into.get(name)
        into[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value


def _foreign(citations: Sequence[Citation], said: Said) -> list[Cite]:
    """Return the citations that are not Gemini's own: those stand whole beside the finish reason."""
    return [Cite(said, one) for one in citations if one.dialect != "gemini"]


def put_part_extra(part: Part, into: Fields, *, own: bool, losses: Losses) -> None:
    """Write a part's fields that have no name in the core again, or report them."""
    if not isinstance(part, Opaque) and part.extra:
        put_extra(part.extra, into, own=own, losses=losses)


def part_told(part: Part, path: str, losses: Losses) -> Fields | None:
    """Return the part that tells one other than a call to a client; None for what cannot be told and was reported."""
    match part:
        case Text():
            signature = {"thoughtSignature": part.signature} if part.signature is not None else {}
            return {"text": part.text, **signature}
        case Thinking():
            seal = signature_of(part)
            return {"text": part.text, "thought": True, **({"thoughtSignature": seal} if seal is not None else {})}
        case Refusal():
            return {"text": part.text}
        case Media():
            told = media_json(part, losses)
            if told is None:
                losses.dropped(path, "Gemini cannot name a file of another provider's")
            return told
        case Opaque():
            if part.dialect == "gemini":
                return part.native
            losses.dropped(path, f"only the dialect {part.dialect} has {part.kind}")
            return None
        case ToolResult():
            losses.dropped(path, "an answer of Gemini's has no results of functions")
            return None
        case ToolCall():
            return call_told(part, losses)


def call_told(part: ToolCall, losses: Losses) -> Fields | None:
    """Return the part that tells a call; None where its arguments are no JSON object: Gemini's own models end with
    MALFORMED_FUNCTION_CALL then, and the call stands in `finishMessage`."""
    if part.custom:
        losses.approximated("answer.tool_calls", 'Gemini has no free-form input: it is told as the argument "input"')
        return call_json(part, {"input": part.arguments})
    arguments = arguments_of(part.arguments)
    if arguments is None:
        losses.approximated("answer.tool_calls", "a call whose arguments are no JSON object is told as malformed")
        return None
    return call_json(part, arguments)


def malformed(part: ToolCall) -> str:
    """Return what is said of a call whose arguments are no JSON object."""
    return f"Malformed function call: {part.name}({part.arguments})"
