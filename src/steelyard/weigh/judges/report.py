"""What judges and people said of two models' answers, put together: the verdict, each judge's figures, the flags."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, Members
from steelyard.documents.findings import nearest
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.asks import Way
from steelyard.weigh.judges.clusters import clusters_of
from steelyard.weigh.judges.figures import JudgeFigures, order_figures, pair_figures, score_figures
from steelyard.weigh.judges.flags import answer_flags, judge_flags, label_flags
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.said import PairsJudged, ScoresJudged, preferences, scores_of, spent
from steelyard.weigh.judges.slices import JudgedSlice, Material, absent_of, judged_slices, slice_flags
from steelyard.weigh.judges.template import Kind
from steelyard.weigh.judges.verdict import Outcome, Question, outcome
from steelyard.weigh.judging.agreement import Agreement, agreement
from steelyard.weigh.judging.orders import Verdict, both_orders
from steelyard.weigh.judging.proportions import share_of
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.opinions import Opinions, majority, pair_opinions, score_opinions
from steelyard.weigh.results.sheet import Flag

__all__ = ["Asked", "People", "RatersAgree", "Report", "report"]


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked of the judgements. `baseline` and `candidate` None: nothing about two models, judges are only
    looked at. `families` names, by judge, the model that it is of one family with; `slices` are columns of items."""

    baseline: str | None = None
    candidate: str | None = None
    margin: float | None = None
    alpha: float = 0.05
    cluster: str | None = None
    families: dict[str, str] = {}
    slices: tuple[str, ...] = ()


class RatersAgree(Struct, frozen=True):
    """How far two people agree on what both labelled."""

    raters: tuple[str, str]
    agreement: Agreement


class People(Struct, frozen=True, kw_only=True):
    """Who labelled. `labels` are labelled items (of scores: items of which both answers are labelled)."""

    raters: tuple[str, ...] = ()
    labels: int = 0
    skipped: int = 0
    agreement: tuple[RatersAgree, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """All that is told of a judging. `outcome` None: no two models were named."""

    kind: Kind
    source: str
    baseline: str | None
    candidate: str | None
    margin: float | None
    alpha: float
    items: int
    outcome: Outcome | None
    slices: tuple[JudgedSlice, ...]
    judges: tuple[JudgeFigures, ...]
    people: People
    flags: tuple[Flag, ...]
    seed: int
    asked: int
    planned: int
    template_sha256: str
    rubric_sha256: str | None
    inputs_sha256: str

    def row(self) -> JsonObject:
        """Return it for programs: the verdict first, then what it rests on."""
        told = self.outcome
        names = ("verdict", "reason", "labels_needed", "difference", "se", "ci", "method")
        whole = {name: getattr(self, name) for name in self.__struct_fields__ if name != "outcome"}
        counts = ("judged", "labelled", "clusters", "corrected")
        return {
            **{name: getattr(told, name) if told is not None else None for name in names},
            "win_rate": _win_rate(told) if self.kind == "pairwise" else None,
            **{name: getattr(told, name) if told is not None else None for name in counts},
            **whole,
        }


def _win_rate(told: Outcome | None) -> tuple[float, float, float] | None:
    """Return the share of wins as people would give them, a tie half, with both ends of its interval."""
    if told is None or told.ci is None or told.difference is None:
        return None
    return (told.difference + 1) / 2, (told.ci[0] + 1) / 2, (told.ci[1] + 1) / 2


class _Found(Struct, frozen=True):
    outcome: Outcome
    slices: tuple[JudgedSlice, ...]
    judges: tuple[JudgeFigures, ...]
    flags: tuple[Flag, ...]
    of_slices: tuple[Flag, ...]


def report(
    answers: Answers, judgements: Sequence[Judgement], planned: int, labels: Iterable[Label], way: Way, asked: Asked
) -> Report:
    """Return the report. Raises ConfigError where a model or the cluster's column is not there.

    `judgements` are those of this way of judging alone, of `planned` ones. Several judges are one panel: the mean of
    what they say is corrected, and one verdict comes of it.
    """
    opinions, found = Opinions(), None
    models: tuple[str, ...] = answers.models
    if asked.baseline is not None and asked.candidate is not None:
        models = pair = (_model(asked.baseline, answers), _model(asked.candidate, answers))
        opinions = _opinions(labels, pair, answers, way)
        found = _of_pair(answers, judgements, opinions, way, asked)
    judges = found.judges if found else tuple(_alone(answers, judgements, one, way, asked.alpha) for one in way.judges)
    made = len({one.asked for one in judgements})
    told, slices = (None, ()) if found is None else _decided(found, planned - made, planned)
    stopped = Flag("unfinished", f"{planned - made} of {planned} judgements are not there yet; --resume makes them.")
    flags = (
        *(found.of_slices if found is not None and made >= planned else ()),
        *answer_flags(answers, models),
        *judge_flags(judges),
        *label_flags(opinions),
        *(Flag("correction", text) for text in (told.corrected.flags if told and told.corrected else ())),
        *(found.flags if found is not None else ()),
        *((stopped,) if made < planned else ()),
    )
    return Report(
        kind=way.template.kind,
        source=answers.source,
        baseline=asked.baseline,
        candidate=asked.candidate,
        margin=asked.margin,
        alpha=asked.alpha,
        items=len(answers.items),
        outcome=told,
        slices=slices,
        judges=judges,
        people=_people(opinions, told.labelled if told is not None else 0, asked.alpha),
        flags=flags,
        seed=way.seed,
        asked=made,
        planned=planned,
        template_sha256=way.template.sha256,
        rubric_sha256=way.rubric.sha256 if way.rubric is not None else None,
        inputs_sha256=answers.sha256,
    )


def _decided(found: _Found, lacking: int, planned: int) -> tuple[Outcome, tuple[JudgedSlice, ...]]:
    """Return the outcome and the slices: without verdicts where judgements are lacking, for else they could be waited
    for; and DON'T on the whole where a slice is, for who swaps everything swaps the slice too."""
    told, slices = found.outcome, found.slices
    if told.verdict is None:
        return told, slices
    if lacking > 0:
        reason = f"{lacking} of {planned} judgements are lacking, and nothing is decided before all are there."
        undecided = tuple(msgspec.structs.replace(one, verdict="NEED_MORE", reason=reason) for one in slices)
        return msgspec.structs.replace(told, verdict="NEED_MORE", reason=reason), undecided
    worse = [f"{one.name} = {one.value}" for one in slices if one.verdict == "DONT"]
    if worse and told.verdict != "DONT":
        reason = f"It is worse by more than the margin for {', '.join(worse)}."
        told = msgspec.structs.replace(told, verdict="DONT", reason=reason, labels_needed=None)
    return told, slices


def _model(name: str, answers: Answers) -> str:
    if name not in answers.models:
        known = f"; there are {', '.join(answers.models)}"
        raise ConfigError(f'{answers.source}: no model is called "{name}"{nearest(name, answers.models, known)}')
    return name


def _opinions(labels: Iterable[Label], pair: tuple[str, str], answers: Answers, way: Way) -> Opinions:
    if way.rubric is None:
        return pair_opinions(labels, pair, answers)
    return score_opinions(labels, pair, answers)


def _of_pair(answers: Answers, judgements: Sequence[Judgement], opinions: Opinions, way: Way, asked: Asked) -> _Found:
    pair = (str(asked.baseline), str(asked.candidate))
    names = [item.item for item in answers.items]
    place_of = {name: place for place, name in enumerate(names)}
    said: list[PairsJudged | ScoresJudged] = []
    judges = []
    people: dict[int, float]
    if way.rubric is None:
        verdicts = {place_of[item]: majority(one) for item, one in opinions.pairs.items()}
        people = {place: float(_LEAN[verdict]) for place, verdict in verdicts.items()}
        for judge in way.judges:
            seen = preferences(names, judgements, judge, pair)
            own = _own(judge, judgements, answers, asked)
            figures = pair_figures(seen, pair, verdicts, own, asked.alpha)
            judges.append(JudgeFigures(judge=judge, spent=spent(judgements, judge), **figures))
            said.append(seen)
    else:
        scores = {
            model: {place_of[item]: sum(one.values()) / len(one) for item, one in opinions.scores[model].items()}
            for model in pair
        }
        both = [place for place in scores[pair[0]] if place in scores[pair[1]]]
        people = {place: scores[pair[1]][place] - scores[pair[0]][place] for place in both}
        for judge in way.judges:
            marks = scores_of(names, judgements, judge, pair)
            own = _own(judge, judgements, answers, asked)
            figures = score_figures(marks, pair, scores, own, asked.alpha)
            judges.append(JudgeFigures(judge=judge, spent=spent(judgements, judge), **figures))
            said.append(marks)
    places, lean = _panel(said)
    codes, flags = clusters_of(answers.items, asked.cluster)
    material = Material(
        *(answers.items, pair, places, lean),
        people={at: people[place] for at, place in enumerate(places.tolist()) if place in people},
        codes=None if codes is None else codes[places],
    )
    question = Question(
        margin=asked.margin,
        alpha=asked.alpha,
        scale=1.0 if way.rubric is None else float(way.rubric.highest - way.rubric.lowest),
        absent=absent_of(answers.items, pair),
    )
    told = outcome(material.lean, material.people, material.codes, question)
    slices = judged_slices(material, asked.slices, question)
    idle = len(people) - told.labelled
    unused = (Flag("labels", f"{idle} labelled items are judged by nobody, and left out."),) if idle else ()
    return _Found(told, slices, tuple(judges), (*flags, *unused), slice_flags(slices, told, question))


_LEAN: Final = {Verdict.FIRST: -1, Verdict.SECOND: 1, Verdict.TIE: 0}


def _panel(said: Sequence[PairsJudged | ScoresJudged]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the items that every judge has judged, and the mean of what they say of each."""
    places = said[0].places
    for one in said[1:]:
        places = np.intersect1d(places, one.places)
    leans = [one.lean()[np.isin(one.places, places)] for one in said]
    return places, np.mean(leans, axis=0)


def _own(judge: str, judgements: Iterable[Judgement], answers: Answers, asked: Asked) -> str | None:
    """Return the side that is the judge: by name, by the deployment that answered for both, or as declared."""
    sides = [side for side in (asked.baseline, asked.candidate) if side is not None]
    if asked.families.get(judge) in sides:
        return asked.families[judge]
    if judge in sides:
        return judge
    served = {one.deployment for one in judgements if one.judge == judge and one.deployment is not None}
    return next((side for side in sides if served & set(answers.deployments.get(side, ()))), None)


def _alone(answers: Answers, judgements: Sequence[Judgement], judge: str, way: Way, alpha: float) -> JudgeFigures:
    """Return the figures of a judge over all pairs that it has judged, where no two models are in question."""
    names = [item.item for item in answers.items]
    found: Members = {"unread": {}}
    if way.rubric is None:
        seen = [preferences(names, judgements, judge, pair) for pair in combinations(answers.models, 2)]
        orders = both_orders(
            np.concatenate([one.orders.straight for one in seen]).tolist(),
            np.concatenate([one.orders.swapped for one in seen]).tolist(),
        )
        found = {**order_figures(orders, alpha), "items": len(orders)}
    else:
        mine = {one.asked: one for one in judgements if one.judge == judge}.values()
        unread = share_of(sum(one.score is None for one in mine), len(mine), alpha)
        found = {"unread": {"alone": unread}, "items": len(mine)}
    return JudgeFigures(judge=judge, spent=spent(judgements, judge), **found)


def _people(opinions: Opinions, labelled: int, alpha: float) -> People:
    found = []
    for one, other in combinations(opinions.raters(), 2):
        said = [(by[one], by[other]) for by in _by_rater(opinions) if one in by and other in by]
        if said:
            first, second = zip(*said, strict=True)
            found.append(RatersAgree((one, other), agreement(first, second, alpha)))
    return People(raters=opinions.raters(), labels=labelled, skipped=opinions.skipped, agreement=tuple(found))


def _by_rater(opinions: Opinions) -> list[Mapping[str, str]]:
    """Return what each rater said, item by item."""
    pairs = [{rater: verdict.name.lower() for rater, verdict in one.items()} for one in opinions.pairs.values()]
    scores = [
        {rater: str(score) for rater, score in one.items()}
        for model in opinions.scores.values()
        for one in model.values()
    ]
    return [*pairs, *scores]
