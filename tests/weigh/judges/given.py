"""Answers, judgements and labels that tests start from."""

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.weigh.calls.caller import Reply
from steelyard.weigh.judges.answers import Answered, Answers, digest_of
from steelyard.weigh.judges.asks import Ask, Way, judged
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.template import shipped_template
from steelyard.weigh.labels.label import Label, Said

PAIR = ("large", "small")


def answers_of(*worths: tuple[int, int], rows: Sequence[Mapping[str, Any]] | None = None) -> Answers:
    """Return answers of `large` and `small`, an item a pair of worths; an output says its worth."""
    items = tuple(
        Answered(
            item=f"i{place}",
            prompt=f"Question {place}?",
            outputs={
                model: f"Answer {place} of {model}, worth {worth}." for model, worth in zip(PAIR, pair, strict=True)
            },
            place=f"items.csv:{place + 2}",
            row=dict(rows[place]) if rows is not None else {},
        )
        for place, pair in enumerate(worths)
    )
    return Answers(source="items.csv", sha256="0" * 64, models=PAIR, items=items)


def way(*judges: str, **more: Any) -> Way:
    """Return the usual way of judging pairs."""
    return Way(judges=judges or ("judge",), template=shipped_template("pairwise"), **more)


def reply(text: str | None, **more: Any) -> Reply:
    """Return a reply that says this."""
    told: dict[str, Any] = {"exchange": "req_1", "status": 200, "started_at": 0.0, "took_s": 0.1, **more}
    return Reply(text=text, **told)


def answered(asks: Sequence[Ask], how: Way, texts: Sequence[str | None]) -> list[Judgement]:
    """Return the judgements where the judge replied with these texts, one an ask."""
    return [judged(ask, how, reply(text)) for ask, text in zip(asks, texts, strict=True)]


def label(answers: Answers, item: str, said: Said, rater: str = "ann", **more: Any) -> Label:
    """Return the label of a pair, shown as `large`, `small` unless `models` says otherwise."""
    models = more.pop("models", PAIR)
    (found,) = [one for one in answers.items if one.item == item]
    told: dict[str, Any] = {"kind": "pairwise", "at": "2026-01-01T00:00:00+00:00", "seed": 0, **more}
    digests = tuple(digest_of(found.outputs[model]) for model in models)
    return Label(rater=rater, item=item, models=models, answers=digests, said=said, **told)
