"""How far a pull has come, for a progress bar."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

__all__ = ["Progress", "Report", "Stage", "silent"]

Stage = Literal["waiting", "downloading", "checking"]


class Progress(Struct, frozen=True):
    """`waiting`: another process pulls the same model; `downloading`; `checking`: unpacking, checksums. `total_bytes`
    is `None` while it is unknown."""

    stage: Stage
    done_bytes: int
    total_bytes: int | None


Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Report to nobody."""
