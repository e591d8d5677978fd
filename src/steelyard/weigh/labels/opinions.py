"""What people think of each item, from what they said one after the other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from steelyard.weigh.judges.answers import Answers, digest_of
from steelyard.weigh.judging.orders import Verdict
from steelyard.weigh.labels.label import Kind, Label
from steelyard.weigh.labels.standing import standing

__all__ = ["Opinions", "majority", "pair_opinions", "score_opinions"]


class Opinions(Struct, frozen=True, kw_only=True):
    """By item and rater: which of two outputs is preferred, or the scores of single outputs by model and item.

    `skipped` were looked at and not decided; `stale` are of answers that have changed since; `unknown` are of items or
    models that are not judged here."""

    pairs: dict[str, dict[str, Verdict]] = {}
    scores: dict[str, dict[str, dict[str, int]]] = {}
    skipped: int = 0
    stale: int = 0
    unknown: int = 0

    def raters(self) -> tuple[str, ...]:
        """Return who labelled anything, by name."""
        found = {rater for one in self.pairs.values() for rater in one}
        found |= {rater for model in self.scores.values() for one in model.values() for rater in one}
        return tuple(sorted(found))


def pair_opinions(labels: Iterable[Label], pair: tuple[str, str], answers: Answers) -> Opinions:
    """Return who preferred which of a pair: FIRST is the pair's first model, wherever it was shown."""
    pairs: dict[str, dict[str, Verdict]] = {}
    sorted_out = _sorted_out(labels, "pairwise", pair, answers)
    for label in sorted_out.kept:
        if label.said == "tie":
            verdict = Verdict.TIE
        else:
            preferred = label.models[0 if label.said == "first" else 1]
            verdict = Verdict.FIRST if preferred == pair[0] else Verdict.SECOND
        pairs.setdefault(label.item, {})[label.rater] = verdict
    return Opinions(pairs=pairs, skipped=sorted_out.skipped, stale=sorted_out.stale, unknown=sorted_out.unknown)


def score_opinions(labels: Iterable[Label], models: Sequence[str], answers: Answers) -> Opinions:
    """Return who gave which score, by model and item."""
    scores: dict[str, dict[str, dict[str, int]]] = {model: {} for model in models}
    sorted_out = _sorted_out(labels, "score", models, answers)
    for label in sorted_out.kept:
        if label.score is not None:
            scores[label.models[0]].setdefault(label.item, {})[label.rater] = label.score
    return Opinions(scores=scores, skipped=sorted_out.skipped, stale=sorted_out.stale, unknown=sorted_out.unknown)


def majority(said: Mapping[str, Verdict]) -> Verdict:
    """Return what most raters said; a tie where no verdict has more raters than every other."""
    ranked = Counter(said.values()).most_common(2)
    return ranked[0][0] if len(ranked) == 1 or ranked[0][1] > ranked[1][1] else Verdict.TIE


class _SortedOut(Struct, frozen=True):
    kept: list[Label]
    skipped: int
    stale: int
    unknown: int


def _sorted_out(labels: Iterable[Label], kind: Kind, models: Sequence[str], answers: Answers) -> _SortedOut:
    """Return the labels that are of these answers; what is of another kind, or of another pair, is passed over."""
    items = {item.item: item for item in answers.items}
    kept, skipped, stale, unknown = [], 0, 0, 0
    for label in standing(labels):
        if label.kind != kind:
            continue
        item = items.get(label.item)
        if item is None or any(model not in answers.models for model in label.models):
            unknown += 1
            continue
        if not _of_these(label, kind, models):
            continue
        digests = tuple(digest_of(item.outputs[model]) for model in label.models if model in item.outputs)
        if label.answers and digests != label.answers:
            stale += 1
        elif label.said == "skip":
            skipped += 1
        elif all(model in item.outputs for model in label.models):
            kept.append(label)
    return _SortedOut(kept, skipped, stale, unknown)


def _of_these(label: Label, kind: Kind, models: Sequence[str]) -> bool:
    if kind == "pairwise":
        return set(label.models) == set(models)
    return label.models[0] in models
