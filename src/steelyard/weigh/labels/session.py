"""One person's labelling: what is shown next, what a key means, what is taken back. No terminal, no file."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from steelyard.weigh.judges.answers import digest_of
from steelyard.weigh.labels.label import Kind, Label, Said
from steelyard.weigh.labels.showing import Showing
from steelyard.weigh.labels.standing import standing

__all__ = ["Form", "Session"]

_PAIR_KEYS: Final[dict[str, Said]] = {"a": "first", "b": "second", "t": "tie", "s": "skip"}


class Form(Struct, frozen=True, kw_only=True):
    """Who labels how. `lowest` and `highest` are the scale where answers are scored one by one."""

    rater: str
    kind: Kind
    seed: int
    lowest: int = 0
    highest: int = 0


class Session:
    """Goes through what is to be shown; `labels` are those there are already, of whomever."""

    def __init__(self, form: Form, shown: Sequence[Showing], labels: Sequence[Label]) -> None:
        self.form = form
        self._shown = shown
        by_answers = {(one.item.item, frozenset(one.models)): one for one in shown}
        done: list[Showing] = []
        self._skipped: set[tuple[str, frozenset[str]]] = set()
        for label in standing(labels):
            showing = by_answers.get((label.item, frozenset(label.models)))
            if label.rater == form.rater and label.kind == form.kind and showing is not None and _fits(label, showing):
                done.append(showing)
                if label.said == "skip":
                    self._skipped.add(_key(showing))
        self._done = done
        self._said = {_key(one) for one in done}

    @property
    def done(self) -> int:
        """How many of what is to be shown this rater has been through."""
        return len(self._done)

    @property
    def skipped(self) -> int:
        """How many of these the rater did not want to judge."""
        return len(self._skipped)

    @property
    def total(self) -> int:
        """How many are to be shown."""
        return len(self._shown)

    def current(self) -> Showing | None:
        """Return what is to be labelled now; None when all is."""
        return next((one for one in self._shown if _key(one) not in self._said), None)

    def keys(self) -> str:
        """Return what the keys mean, on one line."""
        if self.form.kind == "pairwise":
            return "a: A is better   b: B is better   t: tie   s: skip   u: undo   q: quit"
        return f"{self.form.lowest} to {self.form.highest}: the score   s: skip   u: undo   q: quit"

    def take(self, key: str, at: str) -> Label | None:
        """Return the label that a key makes of what is shown now; None where the key means nothing."""
        showing = self.current()
        if showing is None:
            return None
        said, score = self._meaning(key)
        if said is None:
            return None
        self._done.append(showing)
        self._said.add(_key(showing))
        if said == "skip":
            self._skipped.add(_key(showing))
        return self._label(showing, said, score, at)

    def undo(self, at: str) -> Label | None:
        """Return the label that takes back the last one, which is shown again; None where there is none."""
        if not self._done:
            return None
        showing = self._done.pop()
        self._said.discard(_key(showing))
        self._skipped.discard(_key(showing))
        return self._label(showing, "undone", None, at)

    def _meaning(self, key: str) -> tuple[Said | None, int | None]:
        if self.form.kind == "pairwise":
            return _PAIR_KEYS.get(key), None
        if key == "s":
            return "skip", None
        if key.isascii() and key.isdigit() and self.form.lowest <= int(key) <= self.form.highest:
            return "score", int(key)
        return None, None

    def _label(self, showing: Showing, said: Said, score: int | None, at: str) -> Label:
        return Label(
            rater=self.form.rater,
            at=at,
            kind=self.form.kind,
            item=showing.item.item,
            models=showing.models,
            answers=tuple(map(digest_of, showing.outputs())),
            said=said,
            score=score,
            seed=self.form.seed,
        )


def _key(showing: Showing) -> tuple[str, frozenset[str]]:
    return showing.item.item, frozenset(showing.models)


def _fits(label: Label, showing: Showing) -> bool:
    """Say whether a label is of the answers that are to be shown, and not of earlier ones."""
    if not label.answers:
        return True
    return label.answers == tuple(digest_of(showing.item.outputs[model]) for model in label.models)
