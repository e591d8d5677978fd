"""The dashboard and the alerts speak of metrics, labels and outcomes that exist, and nothing lies over anything."""

import json
import re
from itertools import combinations
from typing import get_args

import pytest
import yaml

from steelyard.core.exchange import Outcome
from tests.docs.pages import cells, read

OF_PROMETHEUS = {"le", "instance", "job", "worker"}


def labels_of_metrics() -> dict[str, set[str]]:
    rows = cells(read("docs/reference/metrics.md"))
    return {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows if row[0].startswith("`steelyard_")}


DASHBOARD = json.loads(read("docs/grafana/steelyard.json"))
RULES = [rule for group in yaml.safe_load(read("docs/grafana/alerts.yml"))["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
LABELS = labels_of_metrics()


def metrics_in(text: str) -> set[str]:
    found = set(re.findall(r"\bsteelyard_[a-z_]+\b", text))
    return {re.sub(r"_(bucket|sum|count)$", "", one) for one in found}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_is_there(expression: str) -> None:
    metrics = metrics_in(expression)
    assert metrics
    assert metrics <= LABELS.keys()
    known = OF_PROMETHEUS.union(*(LABELS[one] for one in metrics))
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
    selected = set(re.findall(r'[{,]\s*(\w+)\s*[=!]~?"', expression))
    assert grouped | selected <= known
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_outcomes_that_exist(expression: str) -> None:
    for names in re.findall(r'outcome!?=?~?"([^"]*)"', expression):
        assert set(names.split("|")) <= set(get_args(Outcome))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_counters_are_rated_and_histograms_are_asked_for_quantiles(expression: str) -> None:
    for name in re.findall(r"\bsteelyard_[a-z_]+(?:_total|_bucket)\b", expression):
        assert re.search(rf"\b(rate|increase)\({name}(\{{[^}}]*\}})?\[", expression)
    if "_bucket" in expression:
        assert re.search(r"by \([^)]*\ble\b", expression)


def test_every_metric_is_on_the_dashboard_or_says_why_not() -> None:
    shown = set().union(*(metrics_in(one) for one in EXPRESSIONS))
    left_out = {
        "steelyard_draining",  # seconds long
        "steelyard_start_time_seconds",
        "steelyard_limits_restored",  # likewise
        "steelyard_shared_connected",  # only where gateways share a server
        "steelyard_shared_gateways",
        "steelyard_shared_syncs_total",
        "steelyard_shared_waits_total",
        "steelyard_limits_overruns_total",
        "steelyard_cache_entries",  # by number; the dashboard has their bytes
        "steelyard_cache_evicted_total",
    }
    assert LABELS.keys() - shown <= left_out


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)

    def lies_over(one: dict[str, int], other: dict[str, int]) -> bool:
        across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
        return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]

    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not any(lies_over(one, other) for one, other in combinations(places, 2))


def test_every_variable_that_panels_use_is_defined() -> None:
    defined = {one["name"] for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD["panels"])))
    assert used == defined


def test_every_alert_is_told_of_in_the_guide() -> None:
    guide = read("docs/guides/metrics.md")
    assert [rule["alert"] for rule in RULES] == re.findall(r"^\| `(Steelyard\w+)` \|", guide, re.MULTILINE)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
