"""The file that keeps the callers' keys: one writer at a time, and readers never see half of it."""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from steelyard.config.scopes import KEY_NAME
from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.exchange import Record
from steelyard.core.ids import new_key, short_id
from steelyard.keys.key import Bearer, Key, hash_of

__all__ = ["KeyFile"]

VERSION: Final = 1
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_ANYBODY: Final = Bearer()


class _Content(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: tuple[Key, ...]


class KeyFile:
    """The keys in a JSON file of mode 0600, beside it a lock file for writers.

    Every change is whole on the disk before its method returns. Readers take no lock: the file is replaced, not
    rewritten. The time of day and randomness can be given, for tests.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._clock = clock
        self._randomness = randomness

    def create(
        self,
        name: str,
        routes: tuple[str, ...] | None = None,
        expires_at: float | None = None,
        record: Record | None = None,
        purpose: str | None = None,
        bearer: Bearer = _ANYBODY,
    ) -> tuple[Key, str]:
        """Add a key and return it with its secret, which nobody can find out again.

        Raise ConfigError for malformed names or a time that has passed, StoreError when a live key has this name.
        """
        if not KEY_NAME.fullmatch(name):
            raise ConfigError(
                f'"{name[:70]}" cannot name a key. Use 1 to 64 letters, digits, dots, dashes and underscores, '
                "beginning with a letter or a digit."
            )
        for kind, given in (("team", bearer.team), ("project", bearer.project)):
            if given is not None and not KEY_NAME.fullmatch(given):
                raise ConfigError(f'"{given[:70]}" cannot name a {kind}. The rules are those of keys\' names.')
        if routes is not None and not all(routes):
            raise ConfigError("A route's name is empty. Name the route, or leave it out to allow all.")
        with self._writing() as keys:
            now = self._clock()
            if expires_at is not None and not now < expires_at:
                raise ConfigError(f'The key "{name}" would have expired already. Give a time in the future.')
            if any(key.name == name and key.live(now) for key in keys):
                raise StoreError(
                    f'A key "{name}" exists. Choose another name, or revoke it: steelyard keys revoke {name}'
                )
            secret = new_key(self._randomness)
            key = Key(
                id=f"key_{short_id(self._randomness)}",
                name=name,
                hash=hash_of(secret.encode()),
                routes=routes or None,
                record=record,
                created_at=now,
                expires_at=expires_at,
                purpose=purpose,
                team=bearer.team,
                project=bearer.project,
                priority=bearer.priority,
            )
            self._replace((*keys, key))
        return key, secret

    def revoke(self, name_or_id: str) -> Key:
        """Revoke a key for good and return it. Raise StoreError when there is none, or it is revoked already."""
        with self._writing() as keys:
            now = self._clock()
            key = _find(keys, name_or_id, now)
            if key.revoked_at is not None:
                raise StoreError(f'The key "{name_or_id}" is revoked already. Nothing was changed.')
            revoked = structs.replace(key, revoked_at=now)
            self._replace(tuple(revoked if one is key else one for one in keys))
        return revoked

    def list(self) -> tuple[Key, ...]:
        """Return all keys, expired and revoked ones too, the oldest first; none when there is no file.

        Raise StoreError when the file is damaged, when others may write it, or when it is gone though keys were made.
        """
        had_keys = self._had_keys()  # before the file is looked for: the first writer sets the mark after making it
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read()
        except FileNotFoundError as error:
            if had_keys:
                raise StoreError(
                    f"{self.path} is gone, though keys were made here. Restore it from a backup; or, to begin without "
                    f"keys, delete {self._lock_path} too."
                ) from error
            return ()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}. Check its owner and mode.") from error
        if mode & 0o002:
            raise StoreError(
                f"{self.path} can be written by everybody on this machine, so anybody could have added keys. "
                f"Run: chmod 600 {self.path}; then look through `steelyard keys list`."
            )
        return self._decode(content)

    def find(self, name_or_id: str) -> Key:
        """Return a key by its name or its id, live or not. Raise StoreError when there is none."""
        return _find(self.list(), name_or_id, self._clock())

    def _decode(self, content: bytes) -> tuple[Key, ...]:
        advice = "Restore it from a backup, or move it away and make new keys: the old ones cannot be recovered."
        try:
            version = msgspec.json.decode(content, type=_Version).version
            if version != VERSION:
                raise StoreError(
                    f"{self.path} has version {version}; this Steelyard reads {VERSION}. Update Steelyard."
                )
            keys = msgspec.json.decode(content, type=_Content).keys
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.path} is damaged ({error}). {advice}") from error
        if not all(_HASH.fullmatch(key.hash) for key in keys) or len({key.hash for key in keys}) < len(keys):
            raise StoreError(f"{self.path} is damaged (a hash is malformed or there twice). {advice}")
        return keys

    def _had_keys(self) -> bool:
        """The lock file holds a mark once keys have been written. So a lost file is told from one that never was, and
        does not open a gateway that was closed."""
        try:
            return self._lock_path.stat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(
                f"{self._lock_path} cannot be seen: {error.strerror}. Check the directory's mode."
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[tuple[Key, ...]]:
        """Hold the lock and yield the keys as they are; other writers wait, in this process or another."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}. Check its directory.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = self.list()
            yield keys
            # The change is made by now; on a full disk, the next writer sets the mark.
            with suppress(OSError):
                if os.fstat(lock).st_size == 0:
                    os.write(lock, b"keys were made here\n")
        finally:
            os.close(lock)

    def _replace(self, keys: tuple[Key, ...]) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        content = msgspec.json.format(msgspec.json.encode(_Content(VERSION, keys)), indent=2) + b"\n"
        try:
            # A left-over of a writer that was killed may be there; the lock says that nobody is at it.
            new.unlink(missing_ok=True)
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _write_all(file, content)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(new, self.path)
            _sync_directory(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise StoreError(
                f"{self.path} cannot be written: {error.strerror}. Mend that, see what `steelyard keys list` says, and "
                "try again."
            ) from error


class _Version(Struct):
    version: int


def _find(keys: tuple[Key, ...], name_or_id: str, now: float) -> Key:
    """An id is unique. A name may have belonged to earlier keys: the live one is meant, else the latest."""
    by_id = [key for key in keys if key.id == name_or_id]
    by_name = sorted((key for key in keys if key.name == name_or_id), key=lambda key: (key.live(now), key.created_at))
    if by_id or by_name:
        return (by_id or by_name)[-1]
    close = get_close_matches(name_or_id, [key.name for key in keys if key.live(now)], n=1)
    meant = f'Did you mean "{close[0]}"?' if close else "`steelyard keys list` shows them."
    raise StoreError(f'No key has the name or id "{name_or_id[:70]}". {meant}')


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _sync_directory(path: Path) -> None:
    # A rename is on the disk when its directory is (fsync(2), notes).
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
