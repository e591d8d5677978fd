"""Let SIGTERM and Ctrl-C end a loop between two of its steps."""

import os
import select
import signal
from types import FrameType

__all__ = ["StopOnSignal"]


class StopOnSignal:
    """Is set by SIGTERM or SIGINT. Unlike `threading.Event` it can be set by a handler that runs in the middle of its
    own `wait`: that would take the event's lock twice (Python docs, `signal`, "Signals and threads")."""

    def __init__(self) -> None:
        self._stopped = False
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def is_set(self) -> bool:
        return self._stopped

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a signal; return whether one came, now or before."""
        if not self._stopped:
            select.select([self._read], [], [], timeout)
        return self._stopped

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stopped:
            self._stopped = True
            os.write(self._write, b"x")
