"""`steelyard cache`: what people read of it, and mistakes."""

import os
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from steelyard.cache.clearing import cleared
from steelyard.cache.disk import DiskStore, path_in
from steelyard.cache.shown import RouteStanding, Snapshot, show
from steelyard.cli.root import root
from tests.cache.entries import entry

CONFIG = """
[routes.assistant]
deployments = ["acme/ok"]
[providers.acme]
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
"""
CACHE = '[cache]\nroutes = ["assistant"]\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "steelyard.toml").write_text(CONFIG + CACHE)
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    env = {"STEELYARD_HOME": str(home), "STEELYARD_CONFIG": str(home / "steelyard.toml")}
    return CliRunner().invoke(root, ["cache", *arguments], env=env)


def test_what_is_kept_and_what_calls_were_told_is_shown(home: Path) -> None:
    store = DiskStore(home, 1 << 20)
    store.keep(b"a", entry(b"x" * 100))
    store.close()
    show(home, Snapshot(os.getpid(), 1.8e9, 100, 0, (RouteStanding("assistant", 2, 3_000, 3, 1, 0, Decimal("0.25")),)))
    done = run(home, "show")
    assert done.exit_code == 0, done.output
    for word in ("assistant", "3,000", "75%", "$0.25", "ON DISK"):
        assert word in done.output


def test_without_a_gateway_or_a_cache_that_is_said(home: Path) -> None:
    assert "No gateway runs" in run(home, "show").output
    (home / "steelyard.toml").write_text(CONFIG)
    assert "There is no cache" in run(home, "show").output
    assert not path_in(home).exists(), "looking makes no file"


def test_clearing_says_how_many_were_dropped_and_marks_it_for_gateways(home: Path) -> None:
    store = DiskStore(home, 1 << 20)
    store.keep(b"a", entry())
    store.keep(b"b", entry(route="other"))
    store.close()
    assert "Cleared assistant; 1 answers were on disk." in run(home, "clear", "--route", "assistant").output
    assert "Cleared every route; 1 answers were on disk." in run(home, "clear").output
    assert set(cleared(home)) == {"assistant", "*"}


def test_a_route_that_is_none_is_told_with_the_nearest_name(home: Path) -> None:
    done = run(home, "clear", "--route", "asistant")
    assert done.exit_code == 2
    assert 'No route is called "asistant"' in done.output
    assert "assistant" in done.output
    assert cleared(home) == {}
