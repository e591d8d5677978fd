"""How far the readers of the journal are: the ledger, and what follows beside it."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["Reader", "readers_page"]


class Reader(Protocol):
    """What reads the journal. `caught_up_at`: seconds since the epoch when it last had all; None: not yet."""

    taken: int
    caught_up_at: float | None


def readers_page(readers: Mapping[str, Reader]) -> str:
    """Return the page of readers by their names.

    Times, not durations: they also tell of a reader that is gone (prometheus.io, "Instrumentation", "Timestamps, not
    time since")."""
    lines = [
        "# HELP steelyard_journal_read_timestamp_seconds When a reader last had all that the journal held.",
        "# TYPE steelyard_journal_read_timestamp_seconds gauge",
    ]
    for name, reader in readers.items():
        if reader.caught_up_at is not None:
            lines.append(f'steelyard_journal_read_timestamp_seconds{{reader="{name}"}} {reader.caught_up_at:.3f}')
    lines += [
        "# HELP steelyard_journal_exchanges_read_total Exchanges that a reader has taken out of the journal.",
        "# TYPE steelyard_journal_exchanges_read_total counter",
    ]
    lines += [f'steelyard_journal_exchanges_read_total{{reader="{name}"}} {one.taken}' for name, one in readers.items()]
    return "\n".join(lines) + "\n"
