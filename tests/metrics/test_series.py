"""Metrics in Prometheus' text format."""

from steelyard.metrics.series import head, label, series


def test_each_sample_is_a_line_below_what_its_metric_is() -> None:
    assert series("a_total", "counter", "Things.", [('x="1"', 2), ("", "0.50")]) == [
        "# HELP a_total Things.",
        "# TYPE a_total counter",
        'a_total{x="1"} 2',
        "a_total 0.50",
    ]


def test_a_metric_without_samples_is_told_all_the_same() -> None:
    assert series("a", "gauge", "Things.", []) == list(head("a", "gauge", "Things."))


def test_a_label_s_value_can_end_neither_itself_nor_its_line() -> None:
    assert label("route", 'a\\b"c\nd') == 'route="a\\\\b\\"c\\nd"'
