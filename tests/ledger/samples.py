"""A journal to take in."""

from pathlib import Path

from steelyard.core.exchange import Exchange
from steelyard.journal.writer import JournalWriter

__all__ = ["journal_of"]


def journal_of(directory: Path, exchanges: list[Exchange], segment_bytes: int = 64 * 1024, worker: str = "w0") -> None:
    """Write exchanges as a worker would, and end."""
    writer = JournalWriter(directory, worker, segment_bytes)
    for exchange in exchanges:
        writer.append(exchange)
    writer.close()
