"""Log probabilities, in Gemini's words (Gemini API reference, "LogprobsResult")."""

from collections.abc import Sequence
from typing import Any

from steelyard.core.answer import TokenLogprob
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields

__all__ = ["logprobs_json", "logprobs_of"]


def logprobs_of(told: Any) -> tuple[TokenLogprob, ...]:
    """Return the tokens that were chosen, each with the likeliest in its place."""
    if not isinstance(told, dict):
        return ()
    chosen = told.get("chosenCandidates") or []
    tops = told.get("topCandidates") or []
    return tuple(
        _token(one, tops[number].get("candidates") or [] if number < len(tops) else ())
        for number, one in enumerate(chosen)
    )


def _token(one: Fields, top: Sequence[Fields]) -> TokenLogprob:
    return TokenLogprob(
        one.get("token") or "",
        one.get("logProbability") or 0.0,
        top=tuple(_token(each, ()) for each in top),
        token_id=one.get("tokenId"),
    )


def logprobs_json(logprobs: Sequence[TokenLogprob], losses: Losses) -> Fields:
    """Return `logprobsResult`."""
    for one in logprobs:
        if one.bytes is not None and bytes(one.bytes) != one.token.encode():
            losses.dropped("answer.logprobs.bytes", "Gemini tells tokens as text only")
    found: Fields = {"chosenCandidates": [_json(one) for one in logprobs]}
    if any(one.top for one in logprobs):
        found["topCandidates"] = [{"candidates": [_json(each) for each in one.top]} for one in logprobs]
    return found


def _json(one: TokenLogprob) -> Fields:
    number = {"tokenId": one.token_id} if one.token_id is not None else {}
    return {"token": one.token, **number, "logProbability": one.logprob}
