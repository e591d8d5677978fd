"""Whoever is asked shows the pages of all, and counts what those have counted that are gone."""

import os
from pathlib import Path

import pytest

from steelyard.metrics.snapshots import Snapshots
from tests.gateway.prometheus import parse

CALLS = "# HELP steelyard_calls_total Calls.\n# TYPE steelyard_calls_total counter\nsteelyard_calls_total {}\n"
READ = "# HELP steelyard_read_total Read.\n# TYPE steelyard_read_total counter\nsteelyard_read_total 7\n"
OPEN = (
    "# HELP steelyard_client_connections Open.\n# TYPE steelyard_client_connections gauge\n"
    "steelyard_client_connections {}\n"
)


def at(directory: Path, moment: float = 1.0) -> Snapshots:
    """Return the snapshots of a process that began at this moment."""
    return Snapshots(directory, lambda: moment)


def values(page: str, name: str = "steelyard_calls_total") -> dict[str, float]:
    return {labels.get("worker", ""): value for _, labels, value in parse(page)[name].samples}


def test_all_workers_and_others_are_shown(tmp_path: Path) -> None:
    at(tmp_path).show_worker("0", 10, CALLS.format(1))
    at(tmp_path).show_worker("1", 11, CALLS.format(2))
    at(tmp_path).show("clerk", READ)
    page = at(tmp_path).all(several=True)
    assert values(page) == {"0": 1, "1": 2}
    assert parse(page)["steelyard_read_total"].value("steelyard_read_total", {}) == 7


def test_a_lone_worker_has_no_label(tmp_path: Path) -> None:
    at(tmp_path).show_worker("0", 10, CALLS.format(1))
    assert values(at(tmp_path).all(several=False)) == {"": 1}


def test_a_gateway_of_its_own_shows_itself_and_no_worker_that_was(tmp_path: Path) -> None:
    at(tmp_path).show_worker("1", 11, CALLS.format(2))
    at(tmp_path).show("clerk", READ)
    page = at(tmp_path).single(CALLS.format(5))
    assert values(page) == {"": 5}
    assert "steelyard_read_total 7" in page


def test_a_gateway_of_its_own_needs_nobody_else(tmp_path: Path) -> None:
    assert at(tmp_path / "none").single(CALLS.format(5)) == CALLS.format(5)


def test_what_a_dead_process_counted_stays_counted(tmp_path: Path) -> None:
    at(tmp_path, 1).show_worker("0", 10, CALLS.format(3) + OPEN.format(7))
    at(tmp_path, 1).show_worker("1", 11, CALLS.format(2) + OPEN.format(1))
    at(tmp_path).bury("0", 10)
    assert values(at(tmp_path).all(several=True)) == {"0": 3, "1": 2}
    at(tmp_path, 2).show_worker("0", 12, CALLS.format(1) + OPEN.format(2))
    page = at(tmp_path).all(several=True)
    assert values(page) == {"0": 4, "1": 2}
    assert values(page, "steelyard_client_connections") == {"0": 2, "1": 1}
    at(tmp_path).bury("0", 12)
    assert values(at(tmp_path).all(several=True)) == {"0": 4, "1": 2}


def test_old_and_new_process_of_a_worker_are_shown_together(tmp_path: Path) -> None:
    at(tmp_path, 1).show_worker("0", 99, CALLS.format(3) + OPEN.format(7))
    at(tmp_path, 2).show_worker("0", 12, CALLS.format(1) + OPEN.format(2))
    page = at(tmp_path).all(several=False)
    assert values(page) == {"": 4}
    assert values(page, "steelyard_client_connections") == {"": 9}


def test_who_is_asked_shows_the_present_though_its_page_cannot_be_written(tmp_path: Path) -> None:
    asked = at(tmp_path)
    asked.show_worker("0", 10, CALLS.format(3))
    (page,) = (tmp_path / "metrics").glob("gateway-0.10-*.prom")
    page.with_suffix(".fresh").mkdir()
    with pytest.raises(OSError, match="directory"):
        asked.show_worker("0", 10, CALLS.format(4))
    assert values(asked.all(several=False)) == {"": 4}


def test_a_page_that_the_past_holds_already_is_not_counted_twice(tmp_path: Path) -> None:
    at(tmp_path).show_worker("0", 10, CALLS.format(3))
    (page,) = (tmp_path / "metrics").glob("gateway-0.10-*.prom")
    content = page.read_text()
    at(tmp_path).bury("0", 10)
    page.write_text(content)
    assert values(at(tmp_path).all(several=False)) == {"": 3}


def test_a_process_id_may_come_again(tmp_path: Path) -> None:
    at(tmp_path, 1).show_worker("0", 10, CALLS.format(3))
    at(tmp_path).bury("0", 10)
    at(tmp_path, 2).show_worker("0", 10, CALLS.format(4))
    assert values(at(tmp_path).all(several=False)) == {"": 7}


def test_gateways_of_a_new_supervisor_begin_anew(tmp_path: Path) -> None:
    at(tmp_path).show_worker("0", 10, CALLS.format(3))
    at(tmp_path).bury("0", 10)
    at(tmp_path).show_worker("1", 11, CALLS.format(3))
    at(tmp_path).show("clerk", READ)
    at(tmp_path).clear()
    assert at(tmp_path).all(several=True) == READ


def test_the_clerk_is_shown_for_ever_so_that_its_lag_is_seen(tmp_path: Path) -> None:
    at(tmp_path).show("clerk", READ)
    os.utime(tmp_path / "metrics" / "clerk.prom", (0, 0))
    assert at(tmp_path).all(several=True) == READ
