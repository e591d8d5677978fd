"""Hand what the journal holds to a sink, in order, and go on where it was left after any end."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.journal.frames import SchemaError
from steelyard.journal.segments import named_segments
from steelyard.journal.tail import BATCH_BYTES, Tail

__all__ = ["Follower", "Sink", "Stop"]

BATCH = 2000
"""Exchanges that a sink gets at once, unless it wants fewer."""

_POLL_S = 0.2
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0

_log = logging.getLogger("steelyard.clerk")


class Stop(Protocol):
    """What ends `Follower.run`; `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool: ...


class Sink(Protocol):
    """Where exchanges go. A mark is what the sink wants to be given back after a restart."""

    def resume(self, mark: object) -> None:
        """Begin, or begin again after an error, behind `mark`; `None`: for the first time. Raises OSError."""

    def close(self) -> None:
        """End, after the last exchange."""

    def take(self, exchanges: Sequence[Exchange]) -> object:
        """Take exchanges, which may be the same as were taken behind the last mark that was given back; return the new
        mark. Raises OSError when it could not: it will be resumed, and given them again."""


class _Kept(Struct, frozen=True):
    """What is kept on disk: how far each segment was handed on, and the sink's mark."""

    positions: dict[str, int]
    mark: object = None


class Follower:
    """Follow the journal of one data directory for one sink. Only one process may do so under one name: the clerk,
    which holds the directory's lock.

    Positions are kept in `NAME.position` beside the segments, after the sink has taken what lies before them. A kill in
    between has the sink given the same again, with the mark that it returned before. `taken` exchanges were
    handed on by this one; `caught_up_at` is when these were all that was there, by the clock.
    """

    def __init__(
        self, directory: Path, name: str, sink: Sink, clock: Callable[[], float] = time.time, batch: int = BATCH
    ) -> None:
        """`batch`: how many exchanges the sink gets at once, at most."""
        self._directory = directory
        self.name = name
        self._path = directory / f"{name}.position"
        self._sink = sink
        self._clock = clock
        self._batch = batch
        self._tail: Tail | None = None
        self._positions: dict[str, int] = {}
        self._finished: frozenset[str] = frozenset()
        self.taken = 0
        self.caught_up_at: float | None = None

    def step(self) -> int:
        """Hand one batch on; return how many exchanges it held. Raises OSError, and StoreError for a journal of another
        version."""
        tail = self._tail or self._open()
        self._tail = None  # until all is well again
        began = self._clock()
        try:
            batch = tail.read(self._batch)
        except SchemaError as error:
            raise StoreError(str(error)) from error
        if batch.positions:
            mark = self._sink.take([entry.exchange for entry in batch.entries])
            present = {str(name) for name in named_segments(self._directory)}
            positions = {name: at for name, at in self._positions.items() if name in present} | batch.positions
            self._keep(_Kept(positions, mark))
            self._positions = positions
        tail.accept(batch)
        self._tail = tail
        if batch.finished:
            self._finished = tail.finished
        self.taken += len(batch.entries)
        if len(batch.entries) < self._batch and sum(entry.bytes for entry in batch.entries) < BATCH_BYTES:
            self.caught_up_at = began
        return len(batch.entries)

    def has_read(self, segment: str) -> bool:
        """Say whether a segment was handed on to its end."""
        return segment in self._finished

    def run(self, stop: Stop) -> None:
        """Hand on until told to stop, then what is left. What a sink cannot take is kept, and tried again."""
        pause = 0.0
        while not stop.is_set():
            try:
                taken = self.step()
            except (OSError, StoreError) as error:
                if not pause:
                    _log.warning("%s: %s. The journal keeps everything; trying again.", self.name, error)
                pause = min(max(_FIRST_PAUSE_S, pause * 2), _LONGEST_PAUSE_S)
                stop.wait(pause)
                continue
            if pause:
                _log.warning("%s: goes on.", self.name)
                pause = 0.0
            if not taken:
                stop.wait(_POLL_S)
        if not pause:
            self._finish()
        self._sink.close()

    def _finish(self) -> None:
        try:
            while self.step():
                continue
        except (OSError, StoreError) as error:
            _log.warning("%s: %s. What is left in the journal is taken at the next start.", self.name, error)

    def _open(self) -> Tail:
        kept = self._kept()
        self._sink.resume(kept.mark)
        self._positions = kept.positions
        return Tail(self._directory, kept.positions)

    def _kept(self) -> _Kept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return _Kept({})
        except msgspec.DecodeError:
            _log.warning("%s cannot be read; what the journal holds is taken from its beginning.", self._path)
            return _Kept({})

    def _keep(self, kept: _Kept) -> None:
        fresh = self._path.with_suffix(".fresh")
        fresh.write_bytes(msgspec.json.encode(kept))
        fresh.replace(self._path)
