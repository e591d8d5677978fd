"""What each model's calls came to."""

import numpy as np
import pytest

from steelyard.weigh.judging.proportions import wilson
from steelyard.weigh.runs.plan import Declaration, Plan, Planned
from steelyard.weigh.runs.summary import interval, sums_of
from tests.weigh.runs.test_results import ONE, OTHER, called

ITEMS = [Planned(id=f"i{n}", place="x", messages=(), request={}, row={"doc": f"d{n % 12}"}) for n in range(24)]


def plan(cluster: str | None = None) -> Plan:
    declared = None if cluster is None else Declaration(baseline=ONE, candidate=OTHER, margin=0.1, cluster=cluster)
    return Plan(
        id="x", kind="live", created="", code="", title="", source="", models=(ONE, OTHER), items=len(ITEMS),
        items_sha256="", declared=declared,
    )  # fmt: skip


def test_failed_unparsed_and_unpriced_calls_are_counted_apart() -> None:
    calls = [
        called("i1", ONE, 1.0, cost_usd="0.002", took_s=1.0, input_tokens=5, output_tokens=7, deployment="acme/x"),
        called("i2", ONE, None, parsed=False, took_s=3.0, input_tokens=5, output_tokens=9),
        called("i3", ONE, None, output=None, status=502, error="no"),
        called("i4", ONE, None, output=None, status=429, error="no"),
    ]
    one, other = sums_of(plan(), ITEMS, calls)
    assert (one.planned, one.asked, one.answered, one.failed) == (24, 4, 2, 2)
    assert (one.unparsed, one.scored, one.n, one.mean) == (1, 1, 1, 1.0)
    assert (one.cost_usd, one.unpriced) == ("0.002", 2)
    assert (one.median_s, one.input_tokens, one.output_tokens) == (2.0, 10, 16)
    assert one.deployments == ("acme/x",)
    assert (other.asked, other.mean, other.ci, other.cost_usd, other.input_tokens) == (0, None, None, None, None)


def test_a_call_that_was_made_again_costs_twice_and_counts_once() -> None:
    calls = [
        called("i1", ONE, None, output=None, status=502, cost_usd="0.01"),
        called("i1", ONE, 1.0, cost_usd="0.01"),
    ]
    one = sums_of(plan(), ITEMS, calls)[0]
    assert (one.asked, one.failed, one.cost_usd) == (1, 0, "0.02")


def test_tokens_that_one_call_does_not_tell_are_unknown() -> None:
    calls = [called("i1", ONE, input_tokens=5), called("i2", ONE, input_tokens=None)]
    assert sums_of(plan(), ITEMS, calls)[0].input_tokens is None


def test_an_interval_of_right_and_wrong_is_near_wilsons() -> None:
    values = np.array([1.0] * 60 + [0.0] * 40)
    low, high = interval(values) or (0, 0)
    assert np.allclose((low, high), wilson(0.6, 100, 1.96), atol=0.005)


def test_items_of_one_source_are_no_independent_draws() -> None:
    values = np.repeat([1.0, 0.0], 60)
    sources = [str(number // 5) for number in range(120)]
    alone, together = interval(values), interval(values, sources)
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


@pytest.mark.parametrize(
    ("values", "sources"),
    [
        (np.ones(3), None),
        (np.ones(9), None),
        (np.ones(40), ["a"] * 40),
        (np.ones(40), ["a", "b"] * 20),
        (np.zeros(0), None),
    ],
)
def test_too_little_has_no_interval(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", sources: list[str] | None
) -> None:
    assert interval(values, sources) is None


def test_scores_that_are_all_right_leave_room_for_doubt() -> None:
    low, high = interval(np.ones(20)) or (0, 0)
    assert high == 1.0
    assert 0.7 < low < 0.9


def test_scores_on_another_scale_get_t() -> None:
    low, high = interval(np.array([1.0, 5.0] * 10)) or (0, 0)
    assert low < 3.0 < high
    assert interval(np.full(20, 4.0)) is None


def test_a_declared_cluster_widens_a_models_interval() -> None:
    calls = [called(item.id, ONE, float(int(item.row["doc"][1:]) < 6)) for item in ITEMS]
    plain, clustered = sums_of(plan(), ITEMS, calls)[0].ci, sums_of(plan("doc"), ITEMS, calls)[0].ci
    assert plain is not None
    assert clustered is not None
    assert clustered[1] - clustered[0] > plain[1] - plain[0]


@pytest.mark.parametrize(("rate", "sources", "each"), [(0.2, 50, 1), (0.8, 50, 1), (0.5, 20, 5), (0.2, 10, 5)])
def test_intervals_hold_the_truth_as_often_as_they_say(rate: float, sources: int, each: int) -> None:
    random = np.random.default_rng((sources, each))
    names = [str(number // each) for number in range(sources * each)]
    held = 0
    for _ in range(600):
        ease = np.repeat(random.beta(4 * rate, 4 * (1 - rate), sources), each) if each > 1 else rate
        values = (random.random(sources * each) < ease).astype(np.float64)
        low, high = interval(values, names if each > 1 else None) or (1.0, 0.0)
        held += low <= rate <= high
    assert 0.925 <= held / 600 <= 0.985
