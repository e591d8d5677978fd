"""Plans, made of what was asked for."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.items.chosen import Chosen
from steelyard.weigh.runs.folder import Weighings
from steelyard.weigh.runs.plan import Declaration, Planned
from steelyard.weigh.runs.planned import Wanted, check_same, planned, planned_items
from steelyard.weigh.runs.scoring import check_targets, remade, scored_by
from steelyard.weigh.scorers.exact import Exact
from steelyard.weigh.scorers.numeric import Numeric

ITEMS = tuple(
    Planned(id=f"i{n}", place=f"x.csv:{n + 2}", messages=({"role": "user", "content": "?"},), request={}, target="4",
            row={"topic": "sums"})
    for n in range(3)
)  # fmt: skip
CHOSEN = Chosen(items=ITEMS, title="x", source="x.csv", held=9, scorer=Exact())
NOW = 1_800_000_000.0


def declared(**more: Any) -> Declaration:
    told: dict[str, Any] = {"baseline": "a", "candidate": "b", "margin": 0.1}
    return Declaration(**(told | more))


def wanted(**more: Any) -> Wanted:
    return Wanted(**({"models": ("a", "b")} | more))


def test_a_plan_says_all_that_is_going_to_be_done() -> None:
    plan = planned(CHOSEN, wanted(declared=declared(), seed=7, repeats=2), NOW)
    assert plan.id.startswith("20270115-080000-")
    assert plan.created == "2027-01-15T08:00:00Z"
    assert (plan.items, plan.held, plan.models, plan.seed, plan.repeats) == (3, 9, ("a", "b"), 7, 2)
    assert plan.scorer is not None
    assert (plan.scorer.name, plan.scorer.label, plan.scorer.version) == ("exact", "exact", "1")
    assert remade(plan.scorer) == Exact()


def test_a_scorer_that_is_given_comes_before_the_tasks() -> None:
    made = Numeric(find="first")
    plan = planned(CHOSEN, wanted(scorer=made), NOW)
    assert plan.scorer == scored_by(made)


@pytest.mark.parametrize(
    ("chosen", "asked", "wrong"),
    [
        (CHOSEN, wanted(models=("a", "a")), 'names "a" twice'),
        (replace(CHOSEN, scorer=None), wanted(declared=declared()), "A verdict needs scores"),
        (CHOSEN, wanted(declared=declared(slices=("topics",))), 'did you mean "topic"'),
        (CHOSEN, wanted(declared=declared(margin=1.0)), "no two scores of exact differ by more than 1"),
        (CHOSEN, wanted(declared=declared(cluster="source")), "--cluster source: no column of the items"),
        (CHOSEN, wanted(scorer=Numeric()), ""),
        (
            replace(CHOSEN, items=(replace(ITEMS[0], target=None),)),
            wanted(),
            "x.csv:2: the scorer exact needs a target",
        ),
    ],
)
def test_mistakes_are_told_before_anything_is_spent(chosen: Chosen, asked: Wanted, wrong: str) -> None:
    if not wrong:
        planned(chosen, asked, NOW)
        return
    with pytest.raises(ConfigError) as caught:
        planned(chosen, asked, NOW)
    assert wrong in str(caught.value)


def test_no_cluster_is_a_cluster_too() -> None:
    assert planned(CHOSEN, wanted(declared=declared(cluster="none")), NOW).declared == declared(cluster="none")


def test_items_are_those_that_were_planned(tmp_path: Path) -> None:
    plan = planned(CHOSEN, wanted(), NOW)
    folder = Weighings(tmp_path).create(plan, ITEMS)
    assert tuple(planned_items(folder, plan)) == ITEMS
    items = folder.path / "items.jsonl"
    items.write_bytes(items.read_bytes().replace(b'"4"', b'"5"', 1))
    with pytest.raises(StoreError, match=r"is not what .* was planned with"):
        planned_items(folder, plan)


def test_recorded_results_make_no_calls(tmp_path: Path) -> None:
    plan = replace(planned(CHOSEN, wanted(), NOW), kind="recorded")
    with pytest.raises(ConfigError, match="makes no calls"):
        planned_items(Weighings(tmp_path).create(plan, ITEMS), plan)


def test_another_plan_is_refused_with_what_differs(tmp_path: Path) -> None:
    plan = planned(CHOSEN, wanted(declared=declared()), NOW)
    folder = Weighings(tmp_path).create(plan, ITEMS)
    check_same(folder, plan, planned(CHOSEN, wanted(declared=declared(), gateway="http://elsewhere"), NOW + 99))
    with pytest.raises(ConfigError) as caught:
        check_same(folder, plan, planned(CHOSEN, wanted(declared=declared(margin=0.2), seed=3), NOW))
    told = str(caught.value)
    assert "seed: 0, and now 3" in told
    assert "'margin': 0.1" in told
    assert "'margin': 0.2" in told
    assert "models" not in told


def test_a_scorer_of_another_version_is_refused() -> None:
    recorded = replace(scored_by(Exact()), version="0")
    with pytest.raises(ConfigError, match="had version 0 when this weighing was planned, and has 1 here"):
        remade(recorded)


def test_all_items_that_cannot_be_scored_are_told_with_their_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        check_targets(Numeric(), [replace(item, target="four") for item in ITEMS])
    assert [finding.partition(": ")[0] for finding in caught.value.findings] == ["x.csv:2", "x.csv:3", "x.csv:4"]
