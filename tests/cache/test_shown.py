"""What gateways and commands tell each other of the cache: marks of what was cleared, and how each cache stands."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from steelyard.cache.clearing import clear, cleared, cleared_path
from steelyard.cache.shown import RouteStanding, Snapshot, show, shown, withdraw
from steelyard.core.errors import StoreError


def test_marks_of_routes_stand_beside_each_other(tmp_path: Path) -> None:
    assert cleared(tmp_path) == {}
    clear(tmp_path, "assistant", 5.0)
    clear(tmp_path, None, 6.0)
    assert cleared(tmp_path) == {"assistant": 5.0, "*": 6.0}


def test_a_broken_mark_clears_nothing_and_is_written_anew(tmp_path: Path) -> None:
    cleared_path(tmp_path).write_bytes(b"{")
    assert cleared(tmp_path) == {}
    clear(tmp_path, "a", 1.0)
    assert cleared(tmp_path) == {"a": 1.0}


def test_a_mark_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Nothing was cleared"):
        clear(tmp_path / "nowhere", None, 1.0)


def test_what_a_process_has_left_that_ended_is_removed(tmp_path: Path) -> None:
    mine = Snapshot(os.getpid(), 1.0, 10, 0, (RouteStanding("a", 1, 2, 3, 4, 5, Decimal("0.25")),))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    show(tmp_path, mine)
    show(tmp_path, Snapshot(ended.pid, 1.0, 10, 0, ()))
    (tmp_path / "cache-broken.json").write_bytes(b"{")
    assert shown(tmp_path) == [mine]
    assert not (tmp_path / f"cache-{ended.pid}.json").exists()
    withdraw(tmp_path, os.getpid())
    assert shown(tmp_path) == []
