"""The catalogue that is shipped, read once: its 400 files take a second."""

import tempfile
from functools import cache
from pathlib import Path

from steelyard.catalog.catalogue import Catalogue, load_catalogue

__all__ = ["keep_catalogue", "shipped_catalogue"]


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue that is shipped. Treat it as read-only: all tests share it."""
    return _read()[0]


def keep_catalogue(directory: Path) -> None:
    """Have a home's catalogue read already: else a first call, or a start, would wait for that."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _, name, content = _read()
    (directory / name).write_bytes(content)


@cache
def _read() -> tuple[Catalogue, str, bytes]:
    with tempfile.TemporaryDirectory() as made:
        catalogue = load_catalogue(cache=Path(made))
        (file,) = Path(made).iterdir()
        return catalogue, file.name, file.read_bytes()
