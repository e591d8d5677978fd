"""Whoever is asked shows the pages of all."""

import os
from pathlib import Path

from steelyard.metrics.snapshots import Snapshots
from tests.gateway.prometheus import parse

CALLS = "# HELP steelyard_calls_total Calls.\n# TYPE steelyard_calls_total counter\nsteelyard_calls_total {}\n"
READ = "# HELP steelyard_read_total Read.\n# TYPE steelyard_read_total counter\nsteelyard_read_total 7\n"


def calls(page: str) -> dict[str, float]:
    return {labels.get("worker", ""): value for _, labels, value in parse(page)["steelyard_calls_total"].samples}


def test_all_workers_and_others_are_shown(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.show_worker("0", CALLS.format(1))
    snapshots.show_worker("1", CALLS.format(2))
    snapshots.show("clerk", READ)
    page = snapshots.all()
    assert calls(page) == {"0": 1, "1": 2}
    assert parse(page)["steelyard_read_total"].value("steelyard_read_total", {}) == 7


def test_a_single_gateway_shows_itself_and_no_worker_that_was(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.show_worker("1", CALLS.format(2))
    snapshots.show("clerk", READ)
    page = snapshots.single(CALLS.format(5))
    assert calls(page) == {"": 5}
    assert "steelyard_read_total 7" in page


def test_a_single_gateway_needs_nobody_else(tmp_path: Path) -> None:
    assert Snapshots(tmp_path / "none").single(CALLS.format(5)) == CALLS.format(5)


def test_a_worker_that_is_gone_is_shown_no_longer(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.show_worker("0", CALLS.format(1))
    snapshots.show_worker("1", CALLS.format(2))
    snapshots.show_worker("2", CALLS.format(3))
    snapshots.withdraw_worker("2")
    killed = tmp_path / "metrics" / "gateway-1.prom"
    os.utime(killed, (killed.stat().st_atime, killed.stat().st_mtime - 60))
    assert calls(snapshots.all()) == {"0": 1}


def test_the_clerk_is_shown_for_ever_so_that_its_lag_is_seen(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.show("clerk", READ)
    os.utime(tmp_path / "metrics" / "clerk.prom", (0, 0))
    assert snapshots.all() == READ
