"""The directory of one weighing, and the directory of all.

    <data_dir>/weighings/ID/
        plan.json        what it does (`plan.Plan`), written once
        items.jsonl      what is asked (`plan.Planned`), an item a line, written once
        asked.jsonl      what is being asked (`asked.Asked`), appended to before each call
        calls.jsonl      what came back (`call.Call`), appended to
        judgements.jsonl what judges said, appended to
        labels.jsonl     what people said, appended to
        evidence.json    the verdict with all that it was made from
        report.html      the same as a page

A line that was not written to its end, because somebody killed the writer, is no line: it is cut off before the next is
appended, and left out by readers.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.ids import short_id
from steelyard.documents.findings import nearest
from steelyard.weigh.runs.plan import SCHEMA, Plan, Planned

__all__ = ["Folder", "Weighings", "items_sha256", "new_id"]

T = TypeVar("T", bound=Struct)

_LATEST: Final = "latest"


def new_id(now: float) -> str:
    """Return a new weighing's id: the day and time in UTC, and four random characters; ids sort by time."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now)) + short_id(os.urandom)[:4]


def items_sha256(items: Sequence[Planned]) -> str:
    """Return the digest of `items.jsonl` as `create` writes it."""
    return sha256(_lines(items)).hexdigest()


class Folder:
    """One weighing's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """Return the weighing's id."""
        return self.path.name

    def plan(self) -> Plan:
        """Return the plan. Raises StoreError where it cannot be read or is of another version."""
        path = self.path / "plan.json"
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}. Is it a weighing's directory?") from error
        except msgspec.DecodeError as error:
            raise StoreError(f"{path}: no plan of a weighing: {error}") from error
        if plan.schema != SCHEMA:
            raise StoreError(f"{path}: of schema {plan.schema}; this Steelyard reads {SCHEMA}. Use the other version.")
        return plan

    def items(self) -> list[Planned]:
        """Return the items, in their order."""
        return self.read("items.jsonl", Planned)

    def read(self, name: str, kind: type[T]) -> list[T]:
        """Return the lines of a file, oldest first; none where there is no file. Raises StoreError with the line."""
        path = self.path / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}. Check its mode.") from error
        decoder = msgspec.json.Decoder(kind)
        lines = content[: content.rfind(b"\n") + 1].split(b"\n")
        found = []
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                found.append(decoder.decode(line))
            except msgspec.DecodeError as error:
                raise StoreError(f"{path}:{number}: cannot be read: {error}") from error
        return found

    @contextmanager
    def appending(self, name: str) -> Iterator["Appender"]:
        """Open a file to append to, alone. Raises StoreError where another process appends to it now."""
        path = self.path / name
        try:
            file = path.open("ab+", buffering=0)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}. Check its mode, and the disk.") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(f"{path}: another process appends to it. Wait for it, or stop it.") from None
            _cut_torn(file)
            yield Appender(path, file)

    def write(self, name: str, content: bytes) -> Path:
        """Write a file whole, or not at all. Raises StoreError."""
        path = self.path / name
        new = path.with_name(f"{name}.{os.getpid()}.new")
        try:
            with new.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}. Check the disk.") from error
        return path


class Appender:
    """Appends lines to a file. A line that was appended outlives a kill of this process."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def append(self, line: Struct) -> None:
        """Append one line. Raises StoreError."""
        content = msgspec.json.encode(line) + b"\n"
        try:
            written = self._file.write(content)
            if written != len(content):
                raise OSError("the disk is full")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror or error}. Check the disk.") from error


class Weighings:
    """All weighings of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "weighings"

    def create(self, plan: Plan, items: Sequence[Planned]) -> Folder:
        """Make a weighing's directory, with its plan and items. Raises StoreError."""
        folder = Folder(self.path / plan.id)
        try:
            folder.path.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise StoreError(f"{folder.path} cannot be made: {error.strerror or error}. Check the disk.") from error
        folder.write("items.jsonl", _lines(items))
        folder.write("plan.json", msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
        return folder

    def ids(self) -> list[str]:
        """Return the ids of all weighings, oldest first."""
        if not self.path.is_dir():
            return []
        return sorted(path.name for path in self.path.iterdir() if (path / "plan.json").is_file())

    def find(self, name: str) -> Folder:
        """Return a weighing by its id, the beginning of one, or `latest`. Raises ConfigError where none is meant."""
        ids = self.ids()
        if name == _LATEST and ids:
            return Folder(self.path / ids[-1])
        meant = [one for one in ids if one == name] or [one for one in ids if name and one.startswith(name)]
        if len(meant) == 1:
            return Folder(self.path / meant[0])
        if meant:
            raise ConfigError(f'"{name}" may be {", ".join(meant[:5])}: write more of it')
        raise ConfigError(f'No weighing is called "{name}" in {self.path}{nearest(name, ids)}')


def _lines(items: Sequence[Planned]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def _cut_torn(file: BinaryIO) -> None:
    content_end = file.seek(0, os.SEEK_END)
    at = content_end
    while at:
        start = max(0, at - 65536)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at != content_end:
        file.truncate(at)
