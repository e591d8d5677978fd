"""What has been cleared: a file in the data directory that every gateway looks at, so that one command reaches all of
them, those too that start later."""

import os
from pathlib import Path

import msgspec

from steelyard.core.errors import StoreError

__all__ = ["EVERY_ROUTE", "clear", "cleared", "cleared_path"]

EVERY_ROUTE = "*"

_decode = msgspec.json.Decoder(dict[str, float]).decode


def cleared_path(data_dir: Path) -> Path:
    """Return where the file lies."""
    return data_dir / "cache-cleared.json"


def cleared(data_dir: Path) -> dict[str, float]:
    """Return up to which moment (seconds since the epoch) answers are void, by route; `*`: of every route."""
    try:
        return _decode(cleared_path(data_dir).read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}


def clear(data_dir: Path, route: str | None, at: float) -> None:
    """Have answers of a route, or of all, be void that were made up to a moment. Raises StoreError."""
    path = cleared_path(data_dir)
    marks = {**cleared(data_dir), EVERY_ROUTE if route is None else route: at}
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(msgspec.json.encode(marks))
        fresh.chmod(0o600)
        os.replace(fresh, path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}. Nothing was cleared.") from None
