import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from steelyard.core.errors import StoreError
from steelyard.engines.progress import Progress
from steelyard.engines.store import ModelStore
from tests.engines import gguf_bytes as gguf
from tests.engines.hub_server import Hub

CONTENT = gguf.whole(filler=25_000_000)  # the library reads blocks of 10 MB
SOURCE = "hf:OWNER/REPO:dir/FILE.gguf"
HALF = 12_000_000

PULL = """
import sys
from pathlib import Path
from steelyard.engines.store import ModelStore
ModelStore(Path(sys.argv[1])).pull(sys.argv[2])
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        monkeypatch.delenv(name)
    with Hub(CONTENT).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield hub


def test_a_file_of_the_hub_is_pulled_and_described(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []

    model = ModelStore(tmp_path).pull(SOURCE, report=seen.append)

    assert model.name == "file"
    assert model.path.read_bytes() == CONTENT
    assert model.card.origin == SOURCE
    assert model.card.text("sha256") == hashlib.sha256(CONTENT).hexdigest()
    assert Progress("downloading", len(CONTENT), len(CONTENT)) in seen
    assert hub.ranges == [None]


def test_a_revision_and_a_name_can_be_chosen(hub: Hub, tmp_path: Path) -> None:
    model = ModelStore(tmp_path).pull("hf:OWNER/REPO@v1:dir/FILE.gguf", name="mine")

    assert (model.name, model.card.origin) == ("mine", "hf:OWNER/REPO@v1:dir/FILE.gguf")


def test_a_connection_that_breaks_is_resumed(hub: Hub, tmp_path: Path) -> None:
    hub.stop_at = HALF

    model = ModelStore(tmp_path).pull(SOURCE)

    assert model.path.read_bytes() == CONTENT
    assert len(hub.ranges) == 2
    assert hub.ranges[1] is not None


def test_a_killed_pull_leaves_no_model_and_the_next_one_continues_it(hub: Hub, tmp_path: Path) -> None:
    hub.stop_at, hub.stall = HALF, True
    parts = tmp_path / "models" / ".staging" / "file" / "parts"
    with subprocess.Popen([sys.executable, "-c", PULL, str(tmp_path), SOURCE]) as killed:
        try:
            deadline = time.monotonic() + 30
            while not (part := next(parts.glob("*.part"), None)) or part.stat().st_size < 10_000_000:
                assert time.monotonic() < deadline
                assert killed.poll() is None
                time.sleep(0.02)
        finally:
            killed.send_signal(signal.SIGKILL)
    kept = part.stat().st_size
    store = ModelStore(tmp_path)

    assert store.list_models() == []

    assert store.pull(SOURCE).path.read_bytes() == CONTENT
    assert hub.ranges == [None, f"bytes={kept}-"]
    assert list((tmp_path / "models" / ".staging").iterdir()) == []


def test_damage_on_the_way_is_noticed_and_nothing_is_kept(hub: Hub, tmp_path: Path) -> None:
    hub.content = CONTENT[:-1] + b"x"
    store = ModelStore(tmp_path)

    with pytest.raises(StoreError, match="was refused"):
        store.pull(SOURCE)

    assert store.list_models() == []
    hub.content = CONTENT
    assert store.pull(SOURCE).path.read_bytes() == CONTENT


def test_a_small_file_is_checked_by_its_git_id(hub: Hub, tmp_path: Path) -> None:
    hub.content = gguf.whole()
    hub.etag = hashlib.sha1(b"blob %d\0" % len(hub.content) + hub.content).hexdigest()

    assert ModelStore(tmp_path).pull(SOURCE).path.read_bytes() == hub.content


def test_a_file_without_a_checksum_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.etag = "weak"

    with pytest.raises(StoreError, match="no checksum"):
        ModelStore(tmp_path).pull(SOURCE)


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("hf:OWNER/REPO:other.gguf", "Check the file's name"),
        ("hf:NOBODY/NOTHING:other.gguf", "Check the owner and the name"),
    ],
)
def test_what_the_hub_does_not_have_is_named(hub: Hub, tmp_path: Path, source: str, step: str) -> None:
    with pytest.raises(StoreError, match=rf"[^.]\. {step}"):
        ModelStore(tmp_path).pull(source)

    assert list((tmp_path / "models" / ".staging").iterdir()) == []


def test_a_hub_that_cannot_be_reached_is_named(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(StoreError, match=r"[^.]\. What has arrived is kept; check the network and HF_ENDPOINT"):
        ModelStore(tmp_path).pull(SOURCE)

    assert list((tmp_path / "models" / ".staging").iterdir()) == []


def test_a_pull_that_fails_half_way_keeps_its_part(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "models" / ".staging" / "file" / "parts" / f"{hashlib.sha256(CONTENT).hexdigest()}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:HALF])
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(StoreError, match="What has arrived is kept"):
        ModelStore(tmp_path).pull(SOURCE)

    assert part.read_bytes() == CONTENT[:HALF]
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    assert ModelStore(tmp_path).pull(SOURCE).path.read_bytes() == CONTENT
    assert hub.ranges == [f"bytes={HALF}-"]


def test_a_token_goes_to_the_hub_and_nowhere_else(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecretsecretsecret")

    model = ModelStore(tmp_path).pull(SOURCE)

    assert hub.authorizations == {"Bearer hf_secretsecretsecretsecretsecret"}
    assert hub.cdn_authorizations == {None}
    assert "secret" not in (model.path.parent / "card.toml").read_text()
