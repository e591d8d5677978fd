"""One person's labelling: order, sides, keys, undo, going on."""

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.session import Form, Session
from steelyard.weigh.labels.showing import showings
from tests.weigh.judges.given import PAIR, answers_of

AT = "2026-01-01T00:00:00+00:00"
MANY = answers_of(*[(1, 2)] * 60)
ANN = Form(rater="ann", kind="pairwise", seed=3)


def session(labels: tuple[Label, ...] = (), form: Form = ANN, n: int = 60) -> Session:
    return Session(form, showings(MANY, PAIR, form.kind, form.seed, form.rater)[:n], labels)


def take(one: Session, *keys: str) -> list[Label]:
    return [label for key in keys if (label := one.take(key, AT)) is not None]


def test_items_come_in_a_drawn_order_that_is_the_same_for_every_rater_with_sides_of_their_own() -> None:
    ann, bob = (showings(MANY, PAIR, "pairwise", 3, rater) for rater in ("ann", "bob"))
    order = [one.item.item for one in ann]
    assert order == [one.item.item for one in bob]
    assert order != [item.item for item in MANY.items]
    assert order != [one.item.item for one in showings(MANY, PAIR, "pairwise", 4, "ann")]
    sides = [one.models == PAIR for one in ann]
    assert 15 < sum(sides) < 45
    assert sides != [one.models == PAIR for one in bob]


def test_items_without_both_answers_are_not_shown() -> None:
    few = answers_of((1, 2), (3, 4))
    del few.items[0].outputs["small"]
    assert [one.item.item for one in showings(few, PAIR, "pairwise", 0, "ann")] == ["i1"]
    del few.items[1].outputs["large"]
    with pytest.raises(ConfigError, match="no item has an answer of large and one of small"):
        showings(few, PAIR, "pairwise", 0, "ann")


def test_a_key_labels_what_is_shown_and_shows_the_next() -> None:
    one = session()
    first = one.current()
    assert first is not None
    (label,) = take(one, "a")
    assert (label.item, label.models, label.said) == (first.item.item, first.models, "first")
    assert one.current() is not first
    assert [made.said for made in take(one, "b", "t", "s")] == ["second", "tie", "skip"]
    assert (one.done, one.total) == (4, 60)


def test_a_key_that_means_nothing_labels_nothing() -> None:
    one = session()
    shown = one.current()
    assert take(one, "x", "", "1", "ab", "A") == []
    assert one.current() is shown


def test_undo_takes_back_the_last_label_and_shows_it_again() -> None:
    one = session()
    first = one.current()
    made = take(one, "a")
    undone = one.undo(AT)
    assert undone is not None
    assert (undone.said, undone.item, undone.models) == ("undone", made[0].item, made[0].models)
    assert one.current() is first
    assert one.undo(AT) is None


def test_a_session_goes_on_where_the_rater_was_and_can_undo_what_was_before() -> None:
    before = session()
    made = take(before, "a", "b", "t")
    after = session(tuple(made))
    assert after.done == 3
    assert after.current() == before.current()
    undone = after.undo(AT)
    assert undone is not None
    assert undone.item == made[-1].item
    again = session((*made, undone))
    assert again.done == 2
    assert again.current() == showings(MANY, PAIR, "pairwise", 3, "ann")[2]


def test_other_raters_labels_and_labels_of_other_answers_are_not_ones_own() -> None:
    made = take(session(), "a")
    assert session(tuple(made), Form(rater="bob", kind="pairwise", seed=3)).done == 0
    stale = Label(**{**{name: getattr(made[0], name) for name in made[0].__struct_fields__}, "answers": ("0", "1")})
    assert session((stale,)).done == 0


def test_scores_are_whole_numbers_on_the_scale_of_one_answer_each() -> None:
    form = Form(rater="ann", kind="score", seed=3, lowest=1, highest=5)
    one = session((), form, 20)
    assert take(one, "0", "6", "a", "²") == []
    (label,) = take(one, "4")
    assert (label.said, label.score, len(label.models)) == ("score", 4, 1)
    assert take(one, "s")[0].said == "skip"
    shown = showings(MANY, PAIR, "score", 3, "ann")
    blocks = [{one.item.item for one in shown[at : at + 10]} for at in range(0, 120, 10)]
    assert all(len(block) == 5 for block in blocks)
    assert any(one.item.item != other.item.item for one, other in zip(shown[::2], shown[1::2], strict=True))


def test_when_all_is_labelled_nothing_is_shown() -> None:
    one = session(n=2)
    take(one, "a", "b")
    assert one.current() is None
    assert one.take("a", AT) is None
    assert one.undo(AT) is not None
