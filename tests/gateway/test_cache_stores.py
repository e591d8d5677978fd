"""What is kept on disk and over a restart, how long, and how much; and the commands that show and clear it."""

import os
from pathlib import Path
from typing import Any

import pytest

from steelyard.cache.disk import path_in
from tests.gateway.cache_rig import asking, cached, configured
from tests.gateway.upstream_rig import until

DISK: dict[str, Any] = {"store": "sqlite"}


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_restart_keeps_what_is_on_disk(tmp_path: Path, store: str) -> None:
    with cached(tmp_path, cache={"store": store}) as served:
        fields = asking("before the restart")
        first = served.chat(**fields)
        served.gateway.stop()
        served.gateway.start()
        second = served.chat(**fields)
        assert second.header("x-steelyard-cache") == ("hit" if store == "sqlite" else "miss")
        assert first.body == second.body
        assert path_in(served.gateway.home).exists() is (store == "sqlite")


def test_equal_calls_that_all_wait_for_the_disk_ask_once(tmp_path: Path) -> None:
    with cached(tmp_path, "slow-first-byte:0.3", cache=DISK) as served:
        clients = [served.gateway.connect(20) for _ in range(20)]
        for http in clients:
            http.begin_chat("assistant", **asking("the disk"))
        said = [http.response().header("x-steelyard-cache") for http in clients]
        for http in clients:
            http.close()
        assert sorted(map(str, said)) == ["hit"] * 19 + ["miss"]
        assert served.asked == 1
        assert served.told(**asking("elsewhere"), said="max-age=5") == "miss"


@pytest.mark.parametrize("damage", ["a directory", "no database"])
def test_a_disk_that_fails_costs_hits_and_nothing_else(tmp_path: Path, damage: str) -> None:
    file = path_in(tmp_path / "home")
    file.parent.mkdir(mode=0o700)
    if damage == "a directory":
        file.mkdir()
    else:
        file.write_bytes(b"what is this " * 1000)
    with cached(tmp_path, cache=DISK) as served:
        assert [served.told(**asking("damage")) for _ in range(2)] == ["miss", "hit"]
        if damage == "a directory":
            assert "cache.sqlite3" in served.gateway.stderr
            file.rmdir()


def test_what_cannot_be_erased_is_told_and_holds_nothing_up(tmp_path: Path) -> None:
    file = path_in(tmp_path / "home")
    file.mkdir(mode=0o700, parents=True)
    try:
        with cached(tmp_path, cache={"store": "memory"}) as served:
            assert served.gateway.stderr.count(f"{file}: ") == 1, served.gateway.stderr
            assert [served.told(**asking("damage")) for _ in range(2)] == ["miss", "hit"]
            served.configure(configured(served.provider, cache={**DISK, "routes": []}))
            assert served.told(**asking("damage")) is None
    finally:
        file.rmdir()


def test_an_answer_that_is_too_old_is_given_no_more(tmp_path: Path) -> None:
    with cached(tmp_path, cache={"ttl_s": 1.0, **DISK}) as served:
        until(lambda: served.told(**asking("old")) == "hit", "a hit")
        asked = served.asked
        until(lambda: served.told(**asking("old")) == "miss", "a miss, once it is too old")
        assert served.asked == asked + 1


def test_a_shorter_time_holds_for_what_was_kept_before(tmp_path: Path) -> None:
    with cached(tmp_path) as served:
        assert [served.told(**asking("shorter")) for _ in range(2)] == ["miss", "hit"]
        served.configure(configured(served.provider, cache={"ttl_s": 0.001}))
        assert served.told(**asking("shorter")) == "miss"


def test_memory_stays_within_its_bound(tmp_path: Path) -> None:
    with cached(tmp_path, "big-body:20000", cache={"max_bytes": 65_536}) as served:
        for number in range(4):
            assert served.told(**asking(f"bound {number}")) == "miss"
        assert served.told(**asking("bound 3")) == "hit"
        assert served.told(**asking("bound 0")) == "miss"
        figures = dict(
            line.rsplit(" ", 1) for line in served.gateway.metrics().splitlines() if line.startswith("steelyard_cache_")
        )
        assert int(figures["steelyard_cache_bytes"]) <= 65_536
        assert int(figures["steelyard_cache_evicted_total"]) >= 2


def test_answers_are_shown_and_cleared(tmp_path: Path) -> None:
    routes = {"assistant": {"deployments": ["acme/ok"]}, "other": {"deployments": ["acme/ok"]}}
    with cached(tmp_path, cache={"routes": ["assistant", "other"], **DISK}, routes=routes) as served:
        steelyard = served.gateway.steelyard
        for route in ("assistant", "assistant", "other"):
            served.chat(route, **asking("shown"))
        written = served.gateway.home / f"cache-{served.gateway.process.pid}.json"
        until(lambda: written.exists() and b'"hits":1' in written.read_bytes(), "how it stands")
        found = steelyard("cache", "show")
        (gateway,) = found["gateways"]
        rows = {row["route"]: row for row in gateway["routes"]}
        assert gateway["process"] == served.gateway.process.pid != os.getpid()
        assert (rows["assistant"]["hits"], rows["assistant"]["misses"], rows["assistant"]["entries"]) == (1, 1, 1)
        assert [(one["route"], one["entries"]) for one in found["disk"]] == [("assistant", 1), ("other", 1)]
        assert steelyard("cache", "clear", "--route", "assistant")["dropped_on_disk"] == 1
        until(lambda: served.told(**asking("shown"), said="max-age=3000") == "miss", "the clearing")
        assert served.told("other", **asking("shown")) == "hit"
    assert not written.exists()
