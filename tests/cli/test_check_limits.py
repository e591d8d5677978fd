"""What `steelyard check` says of limits and budgets."""

from decimal import Decimal
from pathlib import Path

from steelyard.cli.check_limits import limit_findings
from steelyard.config.settings import BudgetSettings, Config, LimitSettings, RouteSettings, ServerSettings
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Bearer


def told(tmp_path: Path, *scopes: str, **more: object) -> list[tuple[str, str]]:
    """Return the findings of budgets for these scopes; two keys are there."""
    KeyFile(tmp_path / "keys.json").create("team-a", bearer=Bearer("red", "shop"))
    KeyFile(tmp_path / "keys.json").create("quiet", record="none") if more.pop("quiet", False) else None
    budgets = tuple(BudgetSettings(scope, Decimal(1), "day") for scope in scopes)
    config = Config(server=ServerSettings(data_dir=tmp_path), budgets=budgets, **more)  # type: ignore[arg-type]
    return [(one.subject, one.text) for one in limit_findings(config)]


def test_scopes_that_keys_have_are_nothing_to_tell_of(tmp_path: Path) -> None:
    assert told(tmp_path, "key:team-a", "team:red", "project:shop", "key:*", "user:*", "all", "route:*") == []


def test_a_key_that_is_not_there_yet_is_told_with_the_nearest(tmp_path: Path) -> None:
    ((subject, text),) = told(tmp_path, "key:team-b")
    assert subject == "scope key:team-b"
    assert text == 'no live key has it; did you mean "team-a"? Make one: steelyard keys create team-b'


def test_a_team_that_no_key_has_is_told(tmp_path: Path) -> None:
    ((_, text),) = told(tmp_path, "team:blue")
    assert text.endswith("Make one: steelyard keys create NAME --team blue")


def test_callers_without_a_key_are_nobody_to_make_a_key_for(tmp_path: Path) -> None:
    assert told(tmp_path, "key:(none)") == []


def test_a_deployment_that_no_route_has_is_told_with_the_nearest(tmp_path: Path) -> None:
    routes = {"private": RouteSettings(("acme/gpt-4.1",))}
    ((subject, text),) = told(tmp_path, "deployment:acme/gpt-41", "deployment:acme/gpt-4.1", routes=routes)
    assert subject == "scope deployment:acme/gpt-41"
    assert text.startswith('no route has it; did you mean "acme/gpt-4.1"? It counts calls alone that ask for it by')


def test_calls_that_are_counted_and_not_recorded_are_told(tmp_path: Path) -> None:
    routes = {"private": RouteSettings(("acme/m",), record="none")}
    ((subject, text),) = told(tmp_path, "all", routes=routes, quiet=True)
    assert subject == "limits"
    assert text.startswith("[routes.private], key quiet: nothing is recorded")


def test_without_limits_nothing_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, routes={"private": RouteSettings(("acme/m",), record="none")}) == []
    assert (
        list(
            limit_findings(
                Config(limits=(LimitSettings("all", concurrent=1),), server=ServerSettings(data_dir=tmp_path))
            )
        )
        == []
    )
