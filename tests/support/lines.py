"""Work in lines of Python instead of seconds: the same on every machine."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["lines_of"]


def lines_of(work: Callable[[], Any]) -> int:
    """Count the lines that some work executes.

    The collector rests meanwhile, for what it finds may have finalisers, and these have lines too."""
    count = 0

    def trace(frame: FrameType, kind: str, arg: Any) -> Any:
        nonlocal count
        count += kind == "line"
        return trace

    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        gc.enable()
    return count
