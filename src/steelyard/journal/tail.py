"""Read what all writers wrote, from given positions, while they write."""

import os
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.journal.ends import is_damaged
from steelyard.journal.frames import Scan, SchemaError, Stop, decode_payload, scan
from steelyard.journal.segment import FIRST, MAGIC
from steelyard.journal.segments import SegmentName, is_locked, named_segments

__all__ = ["BATCH_BYTES", "Batch", "Entry", "Tail", "exchanges_behind"]

BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of frames after which a reading ends, so that recorded bodies do not fill the memory."""

_CHUNK = 1 << 20

_FIRST_LOOK = 1 << 14
# Most looks find nothing or a few frames; reserved room that reads as zeros need not be copied each time.


class Entry(Struct, frozen=True):
    """One exchange as found: in which segment, how many bytes its frame has, and the offset after it."""

    segment: str
    next_offset: int
    bytes: int
    exchange: Exchange


class Batch(Struct, frozen=True):
    """What one reading found: exchanges in order, the positions after them, the segments that hold nothing more, and
    findings, one line for each place that could not be read."""

    entries: list[Entry]
    positions: dict[str, int]
    finished: frozenset[str]
    findings: tuple[str, ...] = ()


class Tail:
    """Read all segments of all workers once.

    `positions` says, by segment name, where to go on: the offset after the last frame that was accepted. `read` changes
    nothing; `accept` moves on. Within a run of a worker exchanges come in the order in which they were appended.
    """

    def __init__(self, directory: Path, positions: Mapping[str, int]) -> None:
        self._directory = directory
        self._positions = dict(positions)
        self._finished: set[str] = set()
        self._turn = 0

    @property
    def finished(self) -> frozenset[str]:
        """Segments that were read to their end, and will not grow."""
        return frozenset(self._finished)

    def read(self, limit: int = 2000) -> Batch:
        """Return up to about `limit` exchanges that are next; an empty batch when there is nothing new.

        Raises `SchemaError` when the next frame is of a version that is not ours, OSError when a file cannot be read.
        """
        batch = Batch([], {}, frozenset())
        waiting = [name for name in named_segments(self._directory) if str(name) not in self._finished]
        for run in self._in_turn(waiting):
            for name in run:
                found = self._read_segment(str(name), limit - len(batch.entries))
                batch = _joined(batch, found)
                if len(batch.entries) >= limit or sum(entry.bytes for entry in batch.entries) >= BATCH_BYTES:
                    return batch
                if str(name) not in found.finished:
                    break
        return batch

    def _in_turn(self, waiting: list[SegmentName]) -> Iterator[list[SegmentName]]:
        """Yield the segments of each run. Each reading begins with another worker, so that a busy one does not keep the
        others waiting; the runs of one worker come in their order."""
        workers = sorted({name.worker for name in waiting})
        turn = self._turn % len(workers) if workers else 0
        for worker in workers[turn:] + workers[:turn]:
            own = [name for name in waiting if name.worker == worker]
            for _, run in groupby(own, key=lambda name: name.run):
                yield list(run)

    def accept(self, batch: Batch) -> None:
        """Move on behind a batch, as soon as it is safe elsewhere."""
        self._positions.update(batch.positions)
        self._finished.update(batch.finished)
        self._turn += 1

    def forget(self, segment: str) -> None:
        """Drop the position of a segment that was deleted."""
        self._positions.pop(segment, None)
        self._finished.discard(segment)

    def _read_segment(self, name: str, limit: int) -> Batch:
        try:
            fd = os.open(self._directory / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            # An empty segment goes when its writer closes it.
            return Batch([], {}, frozenset((name,)))
        try:
            # Asked before reading: when the writer is dead now, whatever is read next is final.
            live = is_locked(fd)
            return _Reading(fd, name, self._positions.get(name, FIRST), live=live).read(limit)
        finally:
            os.close(fd)


def exchanges_behind(directory: Path, positions: Mapping[str, int]) -> Iterator[Exchange]:
    """Yield every exchange behind the positions, until there is nothing new. Raises StoreError."""
    tail = Tail(directory, positions)
    while True:
        try:
            batch = tail.read()
        except OSError as error:
            raise StoreError(f"The journal {directory} cannot be read: {error.strerror}.") from error
        if not batch.entries:
            return
        tail.accept(batch)
        for entry in batch.entries:
            yield entry.exchange


class _Reading:
    """One look into one segment: at most `limit` exchanges, and not much more than BATCH_BYTES."""

    def __init__(self, fd: int, name: str, start: int, *, live: bool) -> None:
        self._fd = fd
        self._name = name
        self._live = live
        self._start = start
        self._size = os.fstat(fd).st_size
        self._entries: list[Entry] = []
        self._findings: list[str] = []

    def read(self, limit: int) -> Batch:
        at = self._start
        if at == FIRST and not self._begins_well():
            return self._batch(self._size, finished=not self._live)
        wanted = _FIRST_LOOK
        while True:
            room = min(wanted, self._size - at)
            buffer = os.pread(self._fd, max(room, 0), at)
            found = scan(buffer, 0, limit - len(self._entries))
            if not self._decode(found, at):
                return self._batch(self._entries[-1].next_offset, finished=False)
            at += found.at
            if found.stop is Stop.LIMIT or at - self._start >= BATCH_BYTES:
                return self._batch(at, finished=False)
            if not self._has_more(found, at, len(buffer) == room):
                break
            wanted = max(_CHUNK, found.wanted)
        if self._live:
            # Nothing more, or a frame that is being written at this moment.
            return self._batch(at, finished=False)
        if is_damaged(self._fd, at, found):
            self._findings.append(
                f"{self._name}: damaged at {at}; the {self._size - at} bytes from there on are left out. "
                "The file is kept as it is for a closer look."
            )
            at = self._size
        return self._batch(at, finished=True)

    def _begins_well(self) -> bool:
        magic = os.pread(self._fd, FIRST, 0)
        if magic == MAGIC or not any(magic):
            return True
        self._findings.append(f"{self._name}: is not a journal of a version that this Steelyard reads; it is left out")
        return False

    def _has_more(self, found: Scan, at: int, whole: bool) -> bool:
        """Say whether the file holds what the buffer was too short for. `whole`: the buffer has all that was asked for;
        otherwise the file has just been cut."""
        return whole and found.exhausted and at + found.wanted <= self._size

    def _decode(self, found: Scan, base: int) -> bool:
        """Take the payloads in; stop before a version that is not ours, which is an error when it comes first."""
        begin = base
        for offset, payload in found.payloads:
            after = base + offset
            try:
                exchange = decode_payload(payload)
            except SchemaError:
                if not self._entries:
                    raise
                return False
            except msgspec.DecodeError as error:
                self._findings.append(f"{self._name}: the frame at {begin} holds no exchange ({error}); it is left out")
            else:
                self._entries.append(Entry(self._name, after, after - begin, exchange))
            begin = after
        return True

    def _batch(self, at: int, *, finished: bool) -> Batch:
        return Batch(
            self._entries,
            {self._name: at} if at > self._start else {},
            frozenset((self._name,)) if finished else frozenset(),
            tuple(self._findings),
        )


def _joined(one: Batch, two: Batch) -> Batch:
    return Batch(
        one.entries + two.entries,
        one.positions | two.positions,
        one.finished | two.finished,
        one.findings + two.findings,
    )
