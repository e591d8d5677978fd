"""What judges and people said, put together."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.asks import Ask, Way, asks_for
from steelyard.weigh.judges.clusters import clusters_of
from steelyard.weigh.judges.figures import PairFigures
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.report import Asked, Report, report
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.template import shipped_template
from steelyard.weigh.judges.votes import vote_rows
from steelyard.weigh.judging.prediction_powered import Refused
from steelyard.weigh.judging.self_preference import SelfPreference
from steelyard.weigh.labels.label import Label
from tests.weigh.judges.given import PAIR, answered, answers_of, label, way

Says = Callable[[Ask], str | None]
DECIDE = Asked(baseline="large", candidate="small", margin=0.2)
EVEN = [(2, 4), (4, 2), (3, 3)] * 40


def said(answers: Answers, how: Way, says: Says, most: int | None = None) -> tuple[list[Judgement], int]:
    """Return a judge's judgements of the first items, and how many are planned."""
    groups: Sequence[tuple[str, ...]] = [PAIR] if how.rubric is None else [("large",), ("small",)]
    asks = asks_for(answers.items, groups, how)
    made = asks[:most]
    return answered(made, how, [says(ask) for ask in made]), len(asks)


def by_worth(ask: Ask) -> str:
    place = int(ask.item[1:])
    worths = dict(zip(PAIR, EVEN[place], strict=True))
    first, second = (worths[model] for model in ask.models)
    return f"Verdict: {'A' if first > second else 'B' if second > first else 'tie'}"


def people(answers: Answers, n: int, rater: str = "ann") -> list[Label]:
    """Return labels by worth of the first n items."""
    return [
        label(answers, f"i{place}", "first" if large > small else "second" if small > large else "tie", rater)
        for place, (large, small) in enumerate(EVEN[:n])
    ]


def told(found: Report) -> set[str]:
    return {flag.kind for flag in found.flags}


def test_a_report_puts_verdict_judges_and_people_together() -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, by_worth)
    found = report(answers, made, planned, people(answers, 60), how, DECIDE)
    assert found.outcome is not None
    assert (found.outcome.verdict, found.outcome.judged, found.outcome.labelled) == ("SWAP", 120, 60)
    (one,) = found.judges
    assert isinstance(one.uncorrected, PairFigures)
    assert (one.uncorrected.wins, one.uncorrected.losses, one.uncorrected.ties) == (40, 40, 40)
    assert (found.people.raters, found.people.labels) == (("ann",), 60)
    assert found.flags == ()
    row = found.row()
    assert row["win_rate"] == pytest.approx([(1 + end) / 2 for end in (found.outcome.difference or 0, *row["ci"])])
    assert next(iter(row)) == "verdict"
    assert row["ci"] == found.outcome.ci


def test_no_verdict_is_told_before_all_judgements_are_there() -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, by_worth, 200)
    found = report(answers, made, planned, people(answers, 60), how, DECIDE)
    assert found.outcome is not None
    assert (found.outcome.verdict, found.outcome.judged) == ("NEED_MORE", 100)
    assert (found.outcome.reason or "").startswith("40 of 240 judgements are lacking")
    assert "unfinished" in told(found)


def test_labels_of_items_that_nobody_judged_are_told() -> None:
    answers, how = answers_of(*EVEN), way("j")
    groups = [PAIR]
    asks = asks_for(answers.items, groups, how, 50)
    made = answered(asks, how, [by_worth(ask) for ask in asks])
    found = report(answers, made, len(asks), people(answers, 120), how, DECIDE)
    assert found.outcome is not None
    assert (found.outcome.judged, found.outcome.labelled) == (50, 50)
    assert [flag.text for flag in found.flags] == ["70 labelled items are judged by nobody, and left out."]


def test_what_a_judge_never_said_is_corrected_by_the_labels_like_the_rest() -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, lambda ask: by_worth(ask) if int(ask.item[1:]) % 4 else "I cannot say.")
    found = report(answers, made, planned, people(answers, 80), how, DECIDE)
    assert found.outcome is not None
    assert found.outcome.judged == 120
    assert {name: share.count for name, share in found.judges[0].unread.items()} == {"straight": 30, "swapped": 30}
    assert found.outcome.difference == pytest.approx(0.0, abs=0.1)


def test_several_judges_are_one_panel_with_one_verdict() -> None:
    answers, how = answers_of(*EVEN), way("j", "first")
    made, planned = said(answers, how, lambda ask: "Verdict: A" if ask.request.model == "first" else by_worth(ask))
    found = report(answers, made, planned, people(answers, 60), how, DECIDE)
    assert found.outcome is not None
    assert found.outcome.corrected is not None
    assert [one.judge for one in found.judges] == ["j", "first"]
    assert [flag.text[:5] for flag in found.flags if flag.kind == "position"] == ["first"]
    # The panel leans half as far as the first judge alone, and λ makes up for it.
    alone_made, alone_planned = said(answers, way("j"), by_worth)
    alone = report(answers, alone_made, alone_planned, people(answers, 60), way("j"), DECIDE)
    assert alone.outcome is not None
    assert found.outcome.difference == pytest.approx(alone.outcome.difference, abs=0.02)


def test_raters_are_compared_and_the_majority_counts() -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, by_worth)
    labels = [
        *people(answers, 40),
        *people(answers, 40, "bob"),
        *(label(answers, f"i{n}", "tie", "eve") for n in range(40)),
    ]
    found = report(answers, made, planned, labels, how, DECIDE)
    kappas = {pair.raters: pair.agreement.kappa for pair in found.people.agreement}
    assert kappas["ann", "bob"] == 1.0
    assert kappas["ann", "eve"] == pytest.approx(0.0, abs=1e-9)
    assert found.judges[0].agreement["pairs"].kappa == 1.0  # type: ignore[union-attr]


@pytest.mark.parametrize("asked", [Asked(baseline="large", candidate="small", families={"j": "small"})])
def test_a_judge_that_prefers_its_family_is_found_out_by_labels_alone(asked: Asked) -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, lambda ask: f"Verdict: {'AB'[ask.models.index('small')]}")
    none = report(answers, made, planned, [], how, asked)
    assert isinstance(none.judges[0].self_preference, Refused)
    assert "self" in told(none)
    found = report(answers, made, planned, people(answers, 60), how, asked).judges[0].self_preference
    assert isinstance(found, SelfPreference)
    assert found.excess.estimate == pytest.approx(0.5)
    assert found.found_other.share == 0.0


def test_a_side_that_the_judges_own_deployment_answered_for_is_its_own() -> None:
    answers = answers_of(*EVEN[:3])
    served = Answers(
        source="r",
        sha256="0",
        models=PAIR,
        items=answers.items,
        deployments={"large": ("acme/l",), "small": ("acme/s",)},
    )
    how = way("route")
    asks = asks_for(served.items, [PAIR], how)
    made = [msgspec.structs.replace(one, deployment="acme/s") for one in answered(asks, how, ["tie"] * 6)]
    assert report(served, made, 6, [], how, DECIDE).judges[0].own == "small"


def test_scores_by_a_rubric_are_corrected_in_points_of_the_scale() -> None:
    how = Way(judges=("j",), template=shipped_template("score"), rubric=find_rubric("helpful"))
    answers = answers_of(*EVEN)
    made, planned = said(answers, how, lambda ask: f"Score: {_worth(ask, 0)}")
    labels = [
        label(answers, f"i{place}", "score", kind="score", models=(model,), score=_marked(place, model))
        for place in range(60)
        for model in PAIR
    ]
    found = report(answers, made, planned, labels, how, Asked(baseline="large", candidate="small", margin=1.0))
    assert found.outcome is not None
    assert (found.outcome.verdict, found.outcome.labelled) == ("SWAP", 60)
    assert found.outcome.difference == pytest.approx(-0.2, abs=0.15)
    assert set(found.judges[0].agreement) == set(PAIR)
    assert found.rubric_sha256 == find_rubric("helpful").sha256


def test_a_judge_that_scores_its_own_higher_is_found_out_and_unread_scores_are_counted_by_model() -> None:
    how = Way(judges=("j",), template=shipped_template("score"), rubric=find_rubric("helpful"))
    answers = answers_of(*EVEN)

    def says(ask: Ask) -> str:
        if ask.item == "i5" and ask.models == ("large",):
            return "Score: 11"
        return f"Score: {_worth(ask, 0) + (1 if ask.models == ('small',) else 0)}"

    made, planned = said(answers, how, says)
    labels = [
        label(answers, f"i{place}", "score", kind="score", models=(model,), score=EVEN[place][PAIR.index(model)])
        for place in range(60)
        for model in PAIR
    ]
    asked = Asked(baseline="large", candidate="small", margin=0.5, families={"j": "small"})
    found = report(answers, made, planned, labels, how, asked)
    (one,) = found.judges
    assert {name: share.count for name, share in one.unread.items()} == {"large": 1, "small": 0}
    assert isinstance(one.self_preference, SelfPreference)
    assert (one.self_preference.pairs, one.self_preference.unread) == (59, 1)
    # It turns every tie of people's into a win of its own.
    assert one.self_preference.excess.estimate == pytest.approx(0.5 * 19 / 59)
    assert found.outcome is not None
    assert found.outcome.difference == pytest.approx(0.0, abs=0.1)


def _worth(ask: Ask, less: int) -> int:
    return EVEN[int(ask.item[1:])][PAIR.index(ask.models[0])] - less


def _marked(place: int, model: str) -> int:
    return EVEN[place][PAIR.index(model)] - (1 if model == "small" and place % 5 == 0 else 0)


def test_without_two_models_in_question_judges_are_only_looked_at() -> None:
    answers, how = answers_of(*EVEN), way("j")
    made, planned = said(answers, how, lambda ask: "Verdict: A")
    found = report(answers, made, planned, [], how, Asked())
    assert found.outcome is None
    assert found.row()["verdict"] is None
    assert found.judges[0].position is not None
    assert found.judges[0].position.to_first == 120


def test_answers_that_are_empty_missing_alike_or_far_longer_are_flagged() -> None:
    answers, how = answers_of(*EVEN[:10]), way("j")
    for item in answers.items:
        item.outputs["small"] = "Yes."
    answers.items[0].outputs["large"] = " "
    del answers.items[1].outputs["small"]
    made, planned = said(answers, how, lambda ask: "tie")
    found = report(answers, made, planned, [], how, DECIDE)
    assert {"empty", "missing", "constant_output", "length"} <= told(found)


def test_labels_that_were_skipped_or_are_of_other_answers_are_flagged() -> None:
    answers, how = answers_of(*EVEN[:3]), way("j")
    made, planned = said(answers, how, by_worth)
    stale = label(answers, "i1", "first")
    skipped = label(answers, "i0", "skip")
    other = answers_of(*EVEN[:3])
    other.items[1].outputs["small"] = "Another answer."
    found = report(other, made, planned, [stale, skipped], how, DECIDE)
    assert {"labels", "skipped"} <= told(found)
    assert found.people.labels == 0


def test_items_that_share_a_source_are_clustered_by_it_and_it_is_told() -> None:
    rows = [{"source": f"s{place // 2}", "topic": "x" if place else ""} for place in range(6)]
    items = answers_of(*EVEN[:6], rows=rows).items
    codes, flags = clusters_of(items, None)
    assert codes is not None
    assert codes.tolist() == [0, 0, 1, 1, 2, 2]
    assert [flag.kind for flag in flags] == ["clusters"]
    assert clusters_of(items, "none") == (None, ())
    with pytest.raises(ConfigError, match=r'items\.csv:2: no "topic"'):
        clusters_of(items, "topic")


def test_each_verdict_that_was_read_is_a_vote_with_the_judge_as_rater() -> None:
    answers, how = answers_of(*EVEN[:2]), way("j")
    made, _ = said(answers, how, lambda ask: "Verdict: A" if ask.item == "i0" else "what?")
    rows = vote_rows(made, answers)
    assert [(row["model_a"], row["model_b"], row["winner"], row["prompt"], row["rater"]) for row in rows] == [
        ("large", "small", "a", "i0", "j"),
        ("small", "large", "a", "i0", "j"),
    ]
    assert rows[0]["length_a"] == len(answers.items[0].outputs["large"])


def test_an_unknown_model_is_told_with_the_nearest() -> None:
    answers, how = answers_of(*EVEN[:2]), way("j")
    with pytest.raises(ConfigError, match='no model is called "smal"; did you mean "small"'):
        report(answers, [], 0, [], how, Asked(baseline="large", candidate="smal"))
