"""Whatever a file holds, it is read or refused with a reason."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.pairs import Asked, paired
from steelyard.weigh.results.read import read_content
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.results.source import Source
from tests.weigh.results.given import RECORDED, alpaca, evals_log


def read(content: bytes, score: str | None = None) -> None:
    """Read a file and pair its first two models; a refusal is fine, and nothing else is."""
    with suppress(ConfigError):
        blocks = read_content(Source("given", content, None, None, score))
        models = list(dict.fromkeys(block.model for block in blocks))
        if len(models) > 1:
            paired(Results(tuple(blocks), ""), Asked(models[0], models[1], None, ("topic",)))


@given(st.binary(max_size=300))
def test_bytes_of_any_kind(content: bytes) -> None:
    read(content)


@given(st.text(alphabet='item,abscore\n"\r;\t01.\0é', max_size=120))
def test_tables_of_any_kind(text: str) -> None:
    read(text.encode())


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _documents(tmp_path: Path) -> dict[str, bytes]:
    files = {
        "lm_eval": str(next((RECORDED / "lm-eval" / "assistant").glob("samples_*"))),
        "promptfoo": str(RECORDED / "promptfoo.json"),
        "alpaca": alpaca(tmp_path / "a.json", [1, 2, 1.5]),
        "evals": evals_log(tmp_path / "e.jsonl", "a", [True, None]),
    }
    return {name: Path(file).read_bytes() for name, file in files.items()}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return _documents(tmp_path_factory.mktemp("documents"))


def _changed(document: Any, path: list[int], value: Any) -> Any:
    """Return a document in which one member, found by following numbers, is another."""
    if not path or not isinstance(document, list | dict) or not document:
        return value
    if isinstance(document, list):
        at = path[0] % len(document)
        return [_changed(one, path[1:], value) if place == at else one for place, one in enumerate(document)]
    key = list(document)[path[0] % len(document)]
    return {name: _changed(one, path[1:], value) if name == key else one for name, one in document.items()}


@settings(max_examples=150)
@given(
    name=st.sampled_from(("lm_eval", "promptfoo", "alpaca", "evals")),
    path=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    value=values,
)
def test_documents_of_tools_with_any_member_changed(
    documents: dict[str, bytes], name: str, path: list[int], value: Any
) -> None:
    lines = name in ("lm_eval", "evals")
    text = documents[name].decode()
    document = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    changed = _changed(document, path, value)
    if lines and isinstance(changed, list):
        read("".join(json.dumps(row) + "\n" for row in changed).encode(), "exact_match,last-name")
    else:
        read(json.dumps(changed).encode())


@settings(max_examples=150)
@given(at=st.integers(0, 3100), value=st.integers(0, 255))
def test_archives_with_any_byte_changed(at: int, value: int) -> None:
    content = bytearray((RECORDED / "inspect-alpha.eval").read_bytes())
    content[at % len(content)] = value
    read(bytes(content), "match")


@settings(max_examples=100)
@given(path=st.lists(st.integers(0, 30), min_size=1, max_size=6), value=values)
def test_logs_of_inspect_with_any_member_changed(path: list[int], value: Any) -> None:
    log = {
        "version": 2,
        "status": "success",
        "eval": {"task": "t", "model": "a", "packages": {"inspect_ai": "0.3.285"}},
        "samples": [
            {"id": n, "epoch": 1, "input": "?", "metadata": {"topic": "x"}, "scores": {"match": {"value": "C"}}}
            for n in range(3)
        ],
    }
    read(json.dumps(_changed(log, path, value)).encode())


def test_brackets_without_end() -> None:
    for opening in (b"[", b'{"a":', b'{"item": 1}\n['):
        with pytest.raises(ConfigError):
            read_content(Source("given", opening * 100_000))
