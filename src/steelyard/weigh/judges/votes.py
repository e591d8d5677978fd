"""Judges' verdicts as votes that `weigh rank` reads: one row a verdict, the judge as the rater."""

from collections.abc import Iterable

from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.judgement import Judgement

__all__ = ["VOTE_HEADS", "vote_rows"]

VOTE_HEADS = ("model_a", "model_b", "winner", "prompt", "rater", "length_a", "length_b")


def vote_rows(judgements: Iterable[Judgement], answers: Answers) -> list[dict[str, object]]:
    """Return the verdicts that were read; `model_a` is the model that was shown first, lengths are in characters."""
    items = {item.item: item.outputs for item in answers.items}
    winners = {"A": "a", "B": "b", "tie": "tie"}
    last = {one.asked: one for one in judgements}.values()
    return [
        {
            "model_a": one.models[0],
            "model_b": one.models[1],
            "winner": winners[one.choice],
            "prompt": one.item,
            "rater": one.judge,
            "length_a": len(items[one.item][one.models[0]]),
            "length_b": len(items[one.item][one.models[1]]),
        }
        for one in last
        if one.choice is not None and len(one.models) == 2
    ]
