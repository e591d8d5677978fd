"""What a supervisor tells a running gateway: lines on its standard input."""

import asyncio
import os
from collections.abc import Callable

__all__ = ["ORPHANED", "follow"]

ORPHANED = "orphaned"
"""What is obeyed when the supervisor has gone."""

_MOST = 4096


def follow(loop: asyncio.AbstractEventLoop, obey: Callable[[str], None]) -> None:
    """Have `obey` called with each line, and at last with ORPHANED, when the supervisor's end is closed."""
    rest = b""

    def read() -> None:
        nonlocal rest
        try:
            content = os.read(0, _MOST)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            loop.remove_reader(0)
            obey(ORPHANED)
            return
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            obey(line.decode("ascii", "replace"))

    loop.add_reader(0, read)
