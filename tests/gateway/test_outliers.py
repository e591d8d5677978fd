"""Outliers: who does far worse than the others rests, a part of them at most, and slow poison is found."""

import random
import time
from collections.abc import Iterator

import pytest

from steelyard.config.settings import OutlierSettings
from steelyard.gateway.outliers import Outliers, Watch, failure_interval
from tests.gateway.faults.spot import Spot, route, spotted


def outliers(*names: str, **more: float) -> Outliers:
    found = Outliers(OutlierSettings(**more), len(names))  # type: ignore[arg-type]
    for name in names:
        found.watch(name)
    return found


def fill(watch: Watch, failed: int, calls: int, took_s: float = 1.0, now: float = 100.0) -> None:
    for number in range(calls):
        watch.note(now, number < failed, None if number < failed else took_s)


def test_intervals_are_wilson_s() -> None:
    # By the formula with z = 3, for p = 1/2, n = 9: centre 1/2, half 3/2 * sqrt((1/4 + 1/4)/9) = 0.35355.
    low, high = failure_interval(9, 18)
    assert (low, high) == pytest.approx((0.5 - 1 / 12**0.5, 0.5 + 1 / 12**0.5), abs=1e-9)
    assert failure_interval(0, 9)[0] == 0.0
    assert failure_interval(0, 9)[1] == pytest.approx(0.5)  # z^2 / (n + z^2)
    assert failure_interval(9, 9) == pytest.approx((0.5, 1.0))


def test_slow_poison_is_found_though_it_never_fails_five_in_a_row() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    both = outliers("poison", "good")
    calls = 0
    while not both.watch("poison").rests_until and calls < 400:
        calls += 1
        now = 100.0 + calls * 0.1
        failed = draw.random() < 0.3
        both.watch("poison").note(now, failed, None if failed else 1.0)
        both.watch("good").note(now, False, 1.0)
        both.look(both.watch("poison"), now)
    assert both.watch("poison").rests_until, "30 % of its calls fail"
    assert both.watch("good").rests_until == 0.0


def test_alike_is_no_outlier_however_bad() -> None:
    both = outliers("one", "other")
    for name in ("one", "other"):
        fill(both.watch(name), 100, 200)
        assert both.look(both.watch(name), 101.0) is None


def test_too_few_calls_say_nothing() -> None:
    both = outliers("one", "other", min_calls=20)
    fill(both.watch("one"), 19, 19)
    fill(both.watch("other"), 0, 200)
    assert both.look(both.watch("one"), 101.0) is None


def test_what_is_older_than_the_window_says_nothing() -> None:
    both = outliers("one", "other", window_s=10)
    fill(both.watch("one"), 100, 100, now=100.0)
    fill(both.watch("other"), 0, 100, now=109.0)
    assert both.look(both.watch("one"), 111.0) is None


def test_who_takes_many_times_as_long_rests_too() -> None:
    both = outliers("slow", "quick", latency_factor=4)
    fill(both.watch("slow"), 0, 50, took_s=4.5)
    fill(both.watch("quick"), 0, 50, took_s=1.0)
    found = both.look(both.watch("slow"), 101.0)
    assert found is not None
    assert "4.5 s" in found
    assert both.look(both.watch("quick"), 101.0) is None


def test_what_is_quick_anyway_is_not_slow() -> None:
    both = outliers("slow", "quick")
    fill(both.watch("slow"), 0, 50, took_s=0.05)
    fill(both.watch("quick"), 0, 50, took_s=0.001)
    assert both.look(both.watch("slow"), 101.0) is None


@pytest.mark.parametrize(
    ("count", "part", "most"), [(1, 1.0, 0), (2, 0.1, 1), (2, 1.0, 1), (4, 0.5, 2), (5, 0.5, 2), (3, 0.0, 0)]
)
def test_only_a_part_rests_and_one_is_always_left(count: int, part: float, most: int) -> None:
    names = [f"bad-{number}" for number in range(count - 1)] + ["good"]
    all_of_them = outliers(*names, max_ejected=part)
    fill(all_of_them.watch("good"), 0, 256)
    for name in names[:-1]:
        fill(all_of_them.watch(name), 200, 256)
        fill(all_of_them.watch("good"), 0, 256)
    for name in names:
        all_of_them.look(all_of_them.watch(name), 101.0)
    assert len(all_of_them.resting(101.0)) <= most
    assert "good" not in all_of_them.resting(101.0)
    if part == 1.0 or count == 2:
        assert len(all_of_them.resting(101.0)) == min(most, count - 1)


def test_a_rest_is_longer_each_time_up_to_ten_times_and_begins_anew_after_good_behaviour() -> None:
    both = outliers("one", "other", rest_s=30)
    now, rests = 100.0, []
    for _ in range(6):
        fill(both.watch("one"), 200, 200, now=now)
        fill(both.watch("other"), 0, 200, now=now)
        both.look(both.watch("one"), now)
        rests.append(both.watch("one").rests_until - now)
        now = both.watch("one").rests_until + 2.0
    assert rests == pytest.approx([30, 60, 120, 240, 300, 300])
    now += 301.0
    fill(both.watch("one"), 200, 200, now=now)
    fill(both.watch("other"), 0, 200, now=now)
    both.look(both.watch("one"), now)
    assert both.watch("one").rests_until - now == pytest.approx(30)


def test_a_percentile_is_known_from_twenty_times_on() -> None:
    watch = Watch("one")
    for number in range(19):
        watch.note(0.0, False, float(number))
    watch.note(0.0, True, None)
    assert watch.quantile(10.0, 90) is None
    watch.note(0.0, False, 19.0)
    assert watch.quantile(10.5, 90) is None, "it is found anew once a second"
    assert watch.quantile(11.0, 90) == 18.0
    assert watch.quantile(12.0, 50) == 10.0


POISON = "first-then:1:status:500"
ROUTES = {
    "watched": route(POISON, "ok:good", strategy="weighted", outliers={"min_calls": 20}, retries=0),
    "unwatched": route("first-then:2:status:500", "ok:other", strategy="weighted", retries=0),
}


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spot]:
    with spotted(tmp_path_factory.mktemp("outliers"), ROUTES) as found:
        yield found


def test_a_deployment_whose_every_second_call_fails_gets_none_for_a_while(spot: Spot) -> None:
    ejected = {"route": "watched", "deployment": f"acme/{POISON}"}
    with spot.gateway.connect(20) as http:
        end = time.monotonic() + 20
        while "rests for" not in spot.gateway.stderr:
            assert time.monotonic() < end, spot.gateway.stderr
            for _ in range(20):
                http.chat("watched")
        assert spot.metric("steelyard_outlier_ejections_total", **ejected) == 1
        assert spot.metric("steelyard_outlier_resting", **ejected) == 1
        before = spot.calls(POISON)
        assert {http.chat("watched").status for _ in range(30)} == {200}
    assert spot.calls(POISON) == before
    assert 'rests for 30 s in route "watched"' in spot.gateway.stderr
    assert spot.metric("steelyard_breaker_state", deployment=f"acme/{POISON}") == 0, "it never failed five in a row"


def test_a_route_that_does_not_ask_for_it_has_no_outliers(spot: Spot) -> None:
    with spot.gateway.connect(20) as http:
        for _ in range(80):
            http.chat("unwatched")
    assert 'steelyard_outlier_resting{route="unwatched"' not in spot.gateway.metrics()
