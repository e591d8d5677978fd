"""How far the readers of the journal are: the ledger, and what follows beside it."""

from collections.abc import Mapping
from typing import Protocol

from steelyard.metrics.series import label, series

__all__ = ["Reader", "readers_page"]


class Reader(Protocol):
    """What reads the journal. `caught_up_at`: seconds since the epoch when it last had all; None: not yet."""

    taken: int
    caught_up_at: float | None


def readers_page(readers: Mapping[str, Reader]) -> str:
    """Return the page of readers by their names.

    Times, not durations: they also tell of a reader that is gone (prometheus.io, "Instrumentation", "Timestamps, not
    time since")."""
    caught_up = [
        (label("reader", name), f"{reader.caught_up_at:.3f}")
        for name, reader in readers.items()
        if reader.caught_up_at is not None
    ]
    taken = [(label("reader", name), reader.taken) for name, reader in readers.items()]
    lines = [
        *series(
            "steelyard_journal_read_timestamp_seconds",
            "gauge",
            "When a reader last had all that the journal held.",
            caught_up,
        ),
        *series(
            "steelyard_journal_exchanges_read_total",
            "counter",
            "Exchanges that a reader has taken out of the journal.",
            taken,
        ),
    ]
    return "\n".join(lines) + "\n"
