"""The order of calls."""

from steelyard.weigh.runs.order import groups_of
from steelyard.weigh.runs.plan import Plan, Planned

ITEMS = [Planned(id=f"i{n}", place="x", messages=(), request={}) for n in range(30)]


def plan(seed: int = 0, repeats: int = 2) -> Plan:
    return Plan(
        id="x", kind="live", created="", code="", title="", source="", models=("a", "b", "c"),
        items=len(ITEMS), items_sha256="", repeats=repeats, seed=seed,
    )  # fmt: skip


def test_every_item_is_asked_of_every_model_so_often() -> None:
    asked = [(group.item.id, model, group.repeat) for group in groups_of(plan(), ITEMS) for model in group.models]
    assert len(asked) == len(set(asked)) == 30 * 3 * 2


def test_the_seed_alone_decides() -> None:
    assert list(groups_of(plan(), ITEMS)) == list(groups_of(plan(), ITEMS))
    assert list(groups_of(plan(), ITEMS)) != list(groups_of(plan(seed=1), ITEMS))


def test_all_items_are_asked_once_before_any_is_asked_again() -> None:
    assert [group.repeat for group in groups_of(plan(), ITEMS)] == [0] * 30 + [1] * 30


def test_no_model_is_always_first() -> None:
    assert {group.models[0] for group in groups_of(plan(), ITEMS)} == {"a", "b", "c"}


def test_what_was_made_is_left_out_and_the_rest_keeps_its_order() -> None:
    made = {("i3", "a", 0), ("i3", "b", 0), ("i4", "a", 1), ("i4", "b", 1), ("i4", "c", 1)}
    left = list(groups_of(plan(), ITEMS, made))
    assert len(left) == 59
    assert next(group.models for group in left if (group.item.id, group.repeat) == ("i3", 0)) == ("c",)
    whole = [(group.item.id, group.repeat) for group in groups_of(plan(), ITEMS)]
    assert [(group.item.id, group.repeat) for group in left] == [one for one in whole if one != ("i4", 1)]
