"""Documents of evidence: one form, one digest, and strangers' files that are refused by what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.evidence.canonical import LARGEST, Sealed, decoded, digest, read_sealed, sealed
from tests.weigh.evidence.given import gains, recorded, table


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    home = tmp_path_factory.mktemp("home")
    return recorded(home, [str(table(home / "w.csv", gains(40)))])[1]


def test_the_digest_is_that_of_the_canonical_rest(read: Sealed) -> None:
    assert read.stated == digest(read.document)
    assert read.document["sha256"] == read.stated


def test_a_document_that_was_written_with_blanks_is_the_same_document(read: Sealed) -> None:
    spaced = decoded(json.dumps(read.document, indent=4, sort_keys=False).encode())
    assert spaced == read
    assert sealed(spaced.evidence) == sealed(read.evidence)


def test_keys_stand_in_order_and_nothing_stands_between_them(read: Sealed) -> None:
    content = sealed(read.evidence)
    assert content == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_large_whole_scores_keep_their_form(tmp_path: Path) -> None:
    rows = [{"item": f"i{place}", "a": 1e17 * place, "b": 1e17} for place in range(40)]
    read = recorded(tmp_path, [str(table(tmp_path / "w.csv", rows))])[1]
    assert read.stated == digest(read.document)


def spoilt(read: Sealed, **changed: Any) -> bytes:
    document = {**read.document, **changed}
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


def wrong(content: bytes) -> str:
    with pytest.raises(ConfigError) as error:
        decoded(content)
    return str(error.value)


def test_what_is_missing_is_named(read: Sealed) -> None:
    assert "missing required field `rows`" in wrong(spoilt(read, rows=...))
    assert "missing required field `margin`" in wrong(spoilt(read, declared={}))
    assert "sha256 is null" in wrong(spoilt(read, sha256=...))
    assert "schema is null" in wrong(spoilt(read, schema=...))


def test_what_is_of_another_type_is_named_with_its_place(read: Sealed) -> None:
    row = {**read.document["rows"][0], "baseline": "1"}
    assert "$.rows[0].baseline" in wrong(spoilt(read, rows=[row]))
    assert "$.declared.alpha" in wrong(spoilt(read, declared={**read.document["declared"], "alpha": 2}))
    assert "$.verdict" in wrong(spoilt(read, verdict=[]))
    assert "$.models" in wrong(spoilt(read, models={"baseline": read.document["models"]["baseline"]}))


def test_what_nobody_knows_is_refused(read: Sealed) -> None:
    assert "unknown field `remark`" in wrong(spoilt(read, remark="approved"))
    assert "schema is 2" in wrong(spoilt(read, schema=2))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no JSON"),
        (b"[]", "no JSON object"),
        (b'{"schema": NaN}', "NaN is no number"),
        (b'{"schema": -Infinity}', "-Infinity is no number"),
        (b'{"schema": 1e999}', "1e999 is too large"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "is too large"),
        (b'{"schema": 1, "schema": 1}', 'the key "schema" stands twice'),
        (b'{"schema": "\xff"}', "no UTF-8 at byte 12"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"schema": 1, "sha256": ""', "no JSON"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, told: str) -> None:
    assert told in wrong(content)


def test_text_that_utf_8_cannot_hold_has_no_canonical_form(read: Sealed) -> None:
    odd = decoded(spoilt(read, title="\ud800"))
    with pytest.raises(ConfigError, match="no canonical form"):
        digest(odd.document)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ConfigError, match="are the most that is read"):
        read_sealed(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.json: No such file"):
        read_sealed(tmp_path / "none.json")
    with pytest.raises(StoreError, match="Is a directory"):
        read_sealed(tmp_path)
