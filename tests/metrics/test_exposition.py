"""Pages of several processes become one that a strict reader takes."""

from steelyard.metrics.exposition import counted, joined, labelled, summed
from tests.gateway.prometheus import parse

ONE = """# HELP steelyard_calls_total Calls.
# TYPE steelyard_calls_total counter
steelyard_calls_total{route="a} b",status="200"} 3
# HELP steelyard_draining 1 while shutting down.
# TYPE steelyard_draining gauge
steelyard_draining 0
"""
OTHER = """# HELP steelyard_draining 1 while shutting down.
# TYPE steelyard_draining gauge
steelyard_draining 1
# HELP steelyard_wait_seconds Waiting.
# TYPE steelyard_wait_seconds histogram
steelyard_wait_seconds_bucket{le="+Inf"} 2
steelyard_wait_seconds_sum 0.5
steelyard_wait_seconds_count 2
# HELP steelyard_calls_total Calls, told otherwise.
# TYPE steelyard_calls_total counter
steelyard_calls_total{route="a} b",status="200"} 4
"""


def test_a_label_is_put_in_front_of_the_others() -> None:
    families = parse(labelled(ONE, "worker", "1"))
    assert families["steelyard_calls_total"].samples[0][1] == {"worker": "1", "route": "a} b", "status": "200"}
    assert families["steelyard_draining"].samples[0][1] == {"worker": "1"}


def test_the_samples_of_a_metric_stand_together() -> None:
    families = parse(joined([labelled(ONE, "worker", "0"), labelled(OTHER, "worker", "1")]))
    calls = families["steelyard_calls_total"]
    named = {"route": "a} b", "status": "200"}
    assert calls.value("steelyard_calls_total", {"worker": "0", **named}) == 3
    assert calls.value("steelyard_calls_total", {"worker": "1", **named}) == 4
    assert len(families["steelyard_draining"].samples) == 2
    assert families["steelyard_wait_seconds"].value("steelyard_wait_seconds_count", {"worker": "1"}) == 2


def test_a_page_alone_is_as_it_was() -> None:
    assert joined([ONE]) == ONE


def test_nothing_is_nothing() -> None:
    assert joined([]) == ""
    assert labelled("", "worker", "0") == ""


def test_counters_and_histograms_of_successors_are_added_and_gauges_are_of_the_last() -> None:
    families = parse(summed([ONE, OTHER]))
    named = {"route": "a} b", "status": "200"}
    assert families["steelyard_calls_total"].value("steelyard_calls_total", named) == 7
    assert families["steelyard_draining"].value("steelyard_draining", {}) == 1
    assert families["steelyard_wait_seconds"].value("steelyard_wait_seconds_sum", {}) == 0.5


def test_a_sum_of_dollars_is_exact() -> None:
    page = "# HELP usd Dollars.\n# TYPE usd counter\nusd {}\n"
    assert summed([page.format("0.1"), page.format("0.2")]) == page.format("0.3")
    assert summed([page.format("0.000000000001"), page.format("1000000")]) == page.format("1000000.000000000001")


def test_what_is_counted_has_no_gauges() -> None:
    families = parse(counted(ONE))
    assert list(families) == ["steelyard_calls_total"]
