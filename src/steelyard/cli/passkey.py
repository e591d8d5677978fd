"""A key for a moment, for our own calls where callers need one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steelyard.keys.file import KeyFile

__all__ = ["passkey"]

_LIFE_S = 600.0


@contextmanager
def passkey(data_dir: Path, what_for: str = "quickstart", life_s: float = _LIFE_S) -> Iterator[str | None]:
    """Give a key that is revoked afterwards, and expires in any case; None where no key is needed. Its name begins with
    `what_for`."""
    file = KeyFile(data_dir / "keys.json")
    if not file.list():
        yield None
        return
    now = time.time()
    key, secret = file.create(f"{what_for}-{int(now * 1000)}", expires_at=now + life_s)
    try:
        yield secret
    finally:
        file.revoke(key.id)
