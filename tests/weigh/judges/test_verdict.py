"""The verdict: by what people's labels correct, or none."""

import numpy as np
import pytest

from steelyard.weigh.judges.verdict import Absent, Outcome, Question, outcome


def question(margin: float | None = 0.1, **more: float) -> Question:
    return Question(margin=margin, alpha=0.05, absent=Absent(**more))


def even(n: int, lean: float = 0.0, seed: int = 1) -> np.ndarray:
    """Return preferences of −1, 0 and 1 whose mean is about `lean`."""
    random = np.random.default_rng(seed)
    return random.choice([-1.0, 0.0, 1.0], n, p=[0.4 - lean / 2, 0.2, 0.4 + lean / 2])


def judged(truth: np.ndarray, labels: int, margin: float | None = 0.1, **more: float) -> Outcome:
    return outcome(truth, {place: float(truth[place]) for place in range(labels)}, None, question(margin, **more))


def test_a_judge_that_agrees_with_people_lets_few_labels_decide_much() -> None:
    found = judged(even(1000, 0.2), 200)
    assert (found.verdict, found.reason, found.labels_needed) == ("SWAP", None, None)
    assert found.corrected is not None
    assert found.corrected.gain is not None
    assert found.corrected.gain > 2


def test_a_candidate_that_people_like_less_is_dont() -> None:
    assert judged(even(1000, -0.4), 200).verdict == "DONT"


def test_too_few_labels_are_refused_with_how_many_would_do() -> None:
    found = judged(even(500), 12)
    assert (found.verdict, found.difference, found.ci, found.labels_needed) == ("NEED_MORE", None, None, 18)
    assert (found.reason or "").startswith("12 labels are too few")


def test_too_rare_an_event_is_refused() -> None:
    people = {place: (1.0 if place == 0 else 0.0) for place in range(50)}
    found = outcome(np.zeros(300), people, None, question())
    assert (found.verdict, found.labels_needed) == ("NEED_MORE", 200)
    assert "too rare: 1 labelled items on which people tell the two models apart" in (found.reason or "")


def test_people_who_never_tell_the_two_apart_decide_nothing() -> None:
    found = outcome(even(300), dict.fromkeys(range(50), 0.0), None, question())
    assert (found.verdict, found.ci, found.labels_needed) == ("NEED_MORE", None, 50)
    assert found.reason == "People tell the two models apart on none of 50 labelled items. Label more items."


def test_a_candidate_that_was_never_seen_to_lose_may_still_do_so() -> None:
    noise = (np.random.default_rng(2).random(400) < 0.3).astype(np.float64)
    people = {place: 1.0 if place % 12 == 0 else 0.0 for place in range(60)}
    found = outcome(noise, people, None, question(0.01))
    assert "paired difference" in found.method
    assert found.ci is not None
    assert found.ci[0] < (found.difference or 0) - 1.9 * (found.se or 0)
    turned = outcome(-noise, {place: -one for place, one in people.items()}, None, question(0.01))
    assert turned.ci == pytest.approx((-found.ci[1], -found.ci[0]))
    assert turned.difference == pytest.approx(-(found.difference or 0))


def test_an_undecided_difference_says_how_many_further_labels_would_decide() -> None:
    truth = even(3000, 0.0, 3)
    noise = even(3000, 0.0, 4)
    found = outcome(noise, {place: float(truth[place]) for place in range(60)}, None, question())
    assert found.verdict == "NEED_MORE"
    needed = found.labels_needed
    assert needed is not None
    further = outcome(noise, {place: float(truth[place]) for place in range(60 + 4 * needed)}, None, question())
    assert further.ci is not None
    assert found.ci is not None
    assert further.ci[1] - further.ci[0] < found.ci[1] - found.ci[0]


def test_where_all_labels_would_not_do_no_number_is_told() -> None:
    found = judged(even(150, -0.1), 60)
    assert (found.verdict, found.labels_needed) == ("NEED_MORE", None)


def test_where_nearly_all_is_labelled_people_alone_decide() -> None:
    truth = even(400, 0.3)
    found = outcome(-truth, {place: float(truth[place]) for place in range(390)}, None, question())
    assert found.verdict == "SWAP"
    assert found.corrected is None
    assert found.method.startswith("people's labels alone: Tango's")


def test_without_a_margin_nothing_is_decided_and_the_difference_told() -> None:
    found = judged(even(1000, 0.2), 200, None)
    assert (found.verdict, found.reason) == (None, "No margin was declared, so nothing is decided.")
    assert found.difference == pytest.approx(0.2, abs=0.1)


def test_missing_answers_that_could_turn_the_verdict_forbid_it() -> None:
    assert judged(even(1000, 0.05), 300, 0.15).verdict == "SWAP"
    found = judged(even(1000, 0.05), 300, 0.15, candidate=0.2)
    assert found.verdict == "NEED_MORE"
    assert "hangs on answers that are missing" in (found.reason or "")
    assert judged(even(1000, 0.05), 300, 0.15, candidate=0.01).verdict == "SWAP"


def test_items_of_few_sources_are_refused_and_no_label_would_help() -> None:
    truth = even(200)
    codes = np.arange(200) % 6
    found = outcome(truth, {place: float(truth[place]) for place in range(100)}, codes, question())
    assert (found.verdict, found.clusters, found.labels_needed) == ("NEED_MORE", 6, None)
    assert "6 sources" in (found.reason or "")


def test_items_of_one_source_that_agree_make_the_interval_wider() -> None:
    random = np.random.default_rng(5)
    truth = np.repeat(random.choice([-1.0, 1.0], 40), 10)
    people = {int(place): float(truth[place]) for place in random.permutation(400)[:150]}
    noise = random.choice([-1.0, 0.0, 1.0], 400)
    alone = outcome(noise, people, None, question())
    clustered = outcome(noise, people, np.repeat(np.arange(40), 10), question())
    assert alone.se is not None
    assert clustered.se is not None
    assert clustered.se > 1.4 * alone.se


def test_a_judge_that_loves_the_candidate_makes_no_false_swap() -> None:
    """People prefer the baseline by exactly the margin; the judge hardly ever says so."""
    random = np.random.default_rng(11)
    false = 0
    for _ in range(300):
        truth = random.choice([-1.0, 0.0, 1.0], 400, p=[0.45, 0.2, 0.35])
        flattered = np.where(random.random(400) < 0.5, 1.0, truth)
        assert flattered.mean() > 0.2
        people = {place: float(truth[place]) for place in range(120)}
        false += outcome(flattered, people, None, question(0.1)).verdict == "SWAP"
    assert false / 300 <= 0.025 + 2.5 * np.sqrt(0.025 * 0.975 / 300)


def test_the_interval_covers_what_people_would_say_though_the_judge_is_unread_where_it_matters() -> None:
    """It says nothing of half the items that the candidate loses: that counts as a tie, and labels correct it."""
    random = np.random.default_rng(12)
    covered = 0
    for _ in range(300):
        truth = random.choice([-1.0, 0.0, 1.0], 400, p=[0.4, 0.2, 0.4])
        lean = np.where((truth < 0) & (random.random(400) < 0.5), 0.0, truth)
        people = {place: float(truth[place]) for place in range(100)}
        ci = outcome(lean, people, None, question()).ci
        assert ci is not None
        covered += ci[0] <= 0.0 <= ci[1]
    assert covered / 300 >= 0.95 - 2.5 * np.sqrt(0.95 * 0.05 / 300)
