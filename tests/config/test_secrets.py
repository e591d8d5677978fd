"""References and secrets: resolved exactly, refused in words that never hold the secret."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.config.secrets import Secret, exposure, read_secret_file, resolve, unfit
from steelyard.config.urls import resolve_ledger_url
from steelyard.core.errors import ConfigError


def refusal(reference: str, env: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(reference, env or {}, read_secret_file)
    return str(caught.value)


def test_a_variable_is_resolved() -> None:
    assert resolve("env:ACME", {"ACME": "hunter2"}, read_secret_file) == "hunter2"


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_file_is_resolved_without_its_last_newline(ending: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"hunter2" + ending)
    assert resolve(f"file:{tmp_path}/key", {}, read_secret_file) == "hunter2"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\n\n", "holds a line break"),
        (b"hunter2\nX-Evil: 1", "holds a line break"),
        (b"hunter2\0", "holds a line break or another control character"),
        (b"hunter2 \n", "begins or ends with a blank"),
        ("hunter2–".encode(), "holds a character outside of ASCII"),
        (b"hunter2\xff", "holds a character outside of ASCII"),
        (b"hunter2" * 10_000, "is too long for a secret"),
    ],
)
def test_a_file_that_cannot_go_into_a_header_is_refused_by_its_name(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    text = refusal(f"file:{tmp_path}/key")
    assert text.startswith(f"The file {tmp_path}/key {why}")
    assert "hunter2" not in text


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert refusal("env:ACME") == "The variable ACME is not set."
    assert refusal("env:ACME", {"ACME": ""}) == "The variable ACME is empty."
    assert refusal(f"file:{tmp_path}/no") == f"The file {tmp_path}/no cannot be read: No such file or directory."
    assert refusal(f"file:{tmp_path}") == f"The file {tmp_path} cannot be read: Is a directory."


@pytest.mark.parametrize("reference", ["hunter2", "env:hunter-2", "env:", "file:", "ENV:hunter2", "file:hunter2\n"])
def test_what_is_no_reference_is_not_repeated(reference: str) -> None:
    assert "hunter" not in refusal(reference)


@given(st.text())
def test_only_what_a_header_can_carry_is_fit(value: str) -> None:
    carried = value != "" and all(" " <= letter <= "~" for letter in value) and value == value.strip(" ")
    assert (unfit(value) is None) == carried


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    for write in (pickle.dumps, json.dumps, msgspec.json.encode, msgspec.msgpack.encode):
        with pytest.raises(TypeError):
            write(secret)


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("hunter2")
    key.chmod(0o600)
    assert exposure(f"file:{key}") is None
    key.chmod(0o644)
    assert exposure(f"file:{key}") == (
        f"The file {key} can be read by everybody on this machine (mode 0644). Run: chmod 600 {key}"
    )
    assert exposure("env:KEY") is None
    assert exposure(f"file:{tmp_path}/no") is None


def test_the_ledger_url_is_resolved_with_its_password_and_refused_without_it() -> None:
    url = "postgresql+psycopg://ledger:hunter2@db/ledger"
    assert resolve_ledger_url(None, {}) is None
    assert resolve_ledger_url("sqlite:///x.db", {}) == "sqlite:///x.db"
    assert resolve_ledger_url("env:URL", {"URL": url}) == url
    with pytest.raises(ConfigError, match="what env:URL stands for is wrong: expected a URL that begins") as caught:
        resolve_ledger_url("env:URL", {"URL": "mysql://ledger:hunter2@db/ledger"})
    assert "hunter2" not in str(caught.value)
