"""All that judges are going to be asked, in an order that a seed draws."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from random import Random

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, Members
from steelyard.weigh.calls.caller import CameBack, Reply, Request
from steelyard.weigh.judges.answers import Answered
from steelyard.weigh.judges.fence import fenced, mark_for
from steelyard.weigh.judges.judgement import Judgement, Order
from steelyard.weigh.judges.reading import read_score, read_verdict
from steelyard.weigh.judges.rubric import Rubric
from steelyard.weigh.judges.template import Template

__all__ = ["Ask", "Way", "asks_for", "judged"]


class Way(Struct, frozen=True, kw_only=True):
    """How judges are asked: by a template, in pairs or one by one by a rubric; `fields` go along with every call."""

    judges: tuple[str, ...]
    template: Template
    rubric: Rubric | None = None
    fields: JsonObject = {}
    seed: int = 0


class Ask(Struct, frozen=True):
    """One call to be made."""

    item: str
    models: tuple[str, ...]
    order: Order
    request: Request
    asked: str


def asks_for(
    items: Sequence[Answered], groups: Sequence[tuple[str, ...]], way: Way, most: int | None = None
) -> tuple[Ask, ...]:
    """Return what is asked: with pairs in `groups` both orders of each, with single models one call each.

    Items come in an order that the seed draws, so that the first ones, at `most` so many, are a random sample of all;
    items without an answer of each model of a group are left out of it. Raises ConfigError where a template asks for a
    reference that an item lacks.
    """
    places = [place for place, item in enumerate(items) if any(True for _ in _shown(item, groups))]
    Random(way.seed).shuffle(places)  # noqa: S311  # a sample, and no secret
    return tuple(
        _ask(items[place], models, order, judge, way)
        for place in places[:most]
        for models, order in _shown(items[place], groups)
        for judge in way.judges
    )


def judged(ask: Ask, way: Way, reply: Reply) -> Judgement:
    """Return the line for a reply, with what could be read of it."""
    choice = score = unread = None
    if reply.text is not None and way.rubric is None:
        verdict = read_verdict(reply.text)
        choice, unread = verdict.choice, verdict.why
    elif reply.text is not None and way.rubric is not None:
        found = read_score(reply.text, way.rubric.lowest, way.rubric.highest)
        score, unread = found.score, found.why
    if unread is not None and reply.finish_reason == "length":
        unread = "cut off at the limit of tokens"
    told: Members = {name: getattr(reply, name) for name in CameBack.__struct_fields__}
    return Judgement(
        judge=ask.request.model,
        kind=way.template.kind,
        item=ask.item,
        models=ask.models,
        order=ask.order,
        template=way.template.sha256,
        rubric=way.rubric.sha256 if way.rubric is not None else None,
        asked=ask.asked,
        reply=reply.text,
        choice=choice,
        score=score,
        unread=unread,
        **told,
    )


def _shown(item: Answered, groups: Sequence[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Order]]:
    for models in groups:
        if any(model not in item.outputs for model in models):
            continue
        if len(models) == 1:
            yield models, "alone"
        else:
            yield models, "straight"
            yield models[::-1], "swapped"


def _ask(item: Answered, models: tuple[str, ...], order: Order, judge: str, way: Way) -> Ask:
    outputs = [item.outputs[model] for model in models]
    reference = item.reference or ""
    if way.template.asks_for("reference") and item.reference is None:
        raise ConfigError(
            f'{item.place}: the template asks for {{reference}}, and the item "{item.item[:80]}" has none'
        )
    mark = mark_for(way.seed, [item.prompt, reference, *outputs])
    names = ("ANSWER",) if len(models) == 1 else ("ANSWER A", "ANSWER B")
    keys = ("answer",) if len(models) == 1 else ("answer_a", "answer_b")
    values = {
        "mark": mark,
        "question": fenced("REQUEST", item.prompt, mark),
        "reference": fenced("REFERENCE", reference, mark),
        **{key: fenced(name, text, mark) for key, name, text in zip(keys, names, outputs, strict=True)},
        **_scale(way.rubric),
    }
    request = Request(judge, way.template.messages(values), way.fields)
    # The same answers of two models make the same prompt, and are two calls all the same.
    told = [judge, item.item, models, request.messages, request.fields]
    digest = sha256(msgspec.json.encode(told, order="deterministic"))
    return Ask(item.item, models, order, request, digest.hexdigest())


def _scale(rubric: Rubric | None) -> dict[str, str]:
    if rubric is None:
        return {}
    ends = ("lowest", "highest", "lowest_means", "highest_means")
    return {"criteria": rubric.lines(), **{name: str(getattr(rubric, name)) for name in ends}}
