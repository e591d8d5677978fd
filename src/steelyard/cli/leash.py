"""A child of the supervisor ends when the supervisor does, even when that was killed."""

import ctypes
import os
import signal
import sys
import threading
import time

__all__ = ["hold_leash"]

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LOOK_S = 1.0


def hold_leash(supervisor: int | None) -> None:
    """From now on, get SIGTERM when the process `supervisor` ends; `None`: nobody supervises. Exit when it has ended.

    Call it from the main thread and begin with it."""
    if supervisor is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(supervisor,), daemon=True).start()
    # It may have ended before the kernel was asked to watch it; then we have another parent already.
    if os.getppid() != supervisor:
        sys.exit(0)


def _watch(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
