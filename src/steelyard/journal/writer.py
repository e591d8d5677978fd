"""Append exchanges to the journal, and know beforehand whether the disk can take the next one."""

import time
from collections.abc import Callable, Sequence
from os import strerror
from pathlib import Path

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.journal.framing import encode_frame
from steelyard.journal.segment import FIRST, Segment, write_all
from steelyard.journal.segments import SegmentName, make_directory, named_segments

__all__ = ["JournalWriter"]


class JournalWriter:
    """Append one worker's exchanges; one writer a worker, one thread a writer.

    `writable` is a plain attribute: true while the next exchange, and those that are under way with it, have room that
    the file system has promised: at least `reserve` bytes, half of a segment. `problem` says in words why it is false.
    A file system that breaks its promise (copy on write, a device that fails) still shows in `append`.

    The frames are in the kernel's hands when `append` returns: they outlive the process, not a loss of power.
    """

    def __init__(
        self, directory: Path, worker: str, segment_bytes: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Open the journal. Raises `StoreError` when the directory cannot be made; a full disk is no error here, it
        leaves `writable` false."""
        try:
            make_directory(directory)
        except OSError as error:
            raise StoreError(
                f"The journal's directory {directory} cannot be made: {_words(error)}. "
                "Give [server] data_dir a directory that this user may write."
            ) from error
        self.writable = False
        self.problem: str | None = None
        self.reserve = segment_bytes // 2
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._next_name = _first_name(directory, worker, int(clock() * 1000))
        self._segment: Segment | None = None
        self._spare: Segment | None = None
        self.refresh()

    @property
    def position(self) -> tuple[str, int] | None:
        """Return where the next exchange goes, if it fits: the name of the segment, and the offset in it."""
        segment = self._segment
        return None if segment is None else (segment.path.name, segment.at)

    def append(self, exchange: Exchange) -> None:
        """Return when the whole exchange is written. Raises `StoreError` when it is not, and sets `writable` false."""
        frame = encode_frame(exchange)
        size = len(frame)
        segment = self._segment
        if segment is None or segment.left < size:
            segment = self._roll(size, exchange)
        self._write(segment, frame, exchange)

    def _write(self, segment: Segment, frames: bytes, first: Exchange) -> None:
        try:
            write_all(segment.fd, frames, segment.at)
        except OSError as error:
            # A frame may be half-written there, and what follows would not be found behind it: leave the segment.
            segment.close()
            self._segment = None
            self._mark_unwritable(error)
            raise self._lost(first) from error
        segment.at += len(frames)
        if self._spare is None and segment.left < self.reserve and self.writable:
            self._provide()

    def append_all(self, exchanges: Sequence[Exchange]) -> None:
        """Return when all exchanges are written, in one write where they fit. Raises `StoreError` as `append` does."""
        if len(exchanges) == 1:
            self.append(exchanges[0])
            return
        segment = self._segment
        frames = b"".join([encode_frame(one) for one in exchanges])
        if segment is None or segment.left < len(frames):
            for one in exchanges:
                self.append(one)
            return
        self._write(segment, frames, exchanges[0])

    def refresh(self) -> None:
        """Reserve room ahead, and try again what failed. Call it about once a second; it is cheap when all is well."""
        if self._segment is None:
            self._provide()
            if self._spare is None:
                return
            try:
                self._take(self._spare)
            except OSError as error:
                self._mark_unwritable(error)
                return
        if self._segment is not None and self._segment.left < self.reserve:
            self._provide()
        else:
            self._mark_writable()

    def close(self) -> None:
        """Cut the segment to its real length and release it. An exchange that comes later still finds a new segment."""
        self.writable = False
        self.problem = "the journal is closed."
        for segment in (self._segment, self._spare):
            if segment is not None:
                segment.close()
        self._segment = self._spare = None

    def _provide(self) -> None:
        """Have a spare segment, or say why not."""
        if self._spare is None:
            try:
                self._spare = Segment.reserve(self._directory, self._segment_bytes)
            except OSError as error:
                self._mark_unwritable(error)
                return
        self._mark_writable()

    def _roll(self, size: int, exchange: Exchange) -> Segment:
        """Return a new segment with room for `size` bytes, after closing the one before."""
        try:
            spare = self._spare
            if spare is None or spare.left < size:
                spare = Segment.reserve(self._directory, max(self._segment_bytes, FIRST + size))
            return self._take(spare)
        except OSError as error:
            self._mark_unwritable(error)
            raise self._lost(exchange) from error

    def _take(self, segment: Segment) -> Segment:
        """Give a spare segment the next place in the journal. Raises OSError."""
        if segment is self._spare:
            self._spare = None
        if self._segment is not None:
            self._segment.close()
            self._segment = None
        try:
            segment.name(str(self._next_name))
        except OSError:
            segment.discard()
            raise
        name = self._next_name
        self._next_name = SegmentName(name.started_ms, name.worker, name.number + 1)
        self._segment = segment
        return segment

    def _lost(self, exchange: Exchange) -> StoreError:
        return StoreError(f"Exchange {exchange.id} could not be written to the journal: {self.problem}")

    def _mark_writable(self) -> None:
        self.writable = True
        self.problem = None

    def _mark_unwritable(self, error: OSError) -> None:
        self.writable = False
        self.problem = f"{self._directory}: {_words(error)}. Free some disk space; it is tried again each second."


def _first_name(directory: Path, worker: str, started_ms: int) -> SegmentName:
    taken = {segment.run for segment in named_segments(directory)}
    while (started_ms, worker) in taken:
        started_ms += 1
    return SegmentName(started_ms, worker, 1)


def _words(error: OSError) -> str:
    return strerror(error.errno) if error.errno is not None else str(error)
