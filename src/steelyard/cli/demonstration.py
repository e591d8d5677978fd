"""The quickstart's second act: `steelyard weigh demo --brief`, in a process of its own.

What it computes with takes more memory than the gateway itself; a process gives it back at its end.
"""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from steelyard.core.loose import JsonObject

__all__ = ["demonstrated", "print_demonstration"]

_WEIGH_MISSING: Final = (
    "May an open-weight model replace a closed one? To see it weighed: pip install -e '.[weigh]' in the clone of "
    "Steelyard, then steelyard weigh demo"
)
_NEEDS: Final = ("jinja2", "numpy", "rfc8785", "scipy")
_LONGEST_S: Final = 60.0
_COMMAND: Final = (sys.executable, "-m", "steelyard", "weigh", "demo", "--brief")


async def print_demonstration(config_path: Path | None) -> None:
    """Have the demonstration print itself on our standard output; say in a line what is missing, or what failed."""
    if not _has_weigh_extra():
        print(_WEIGH_MISSING, flush=True)
        return
    sys.stdout.flush()
    failed, _ = await _run(config_path, stdout=None)
    if failed is not None:
        print(failed, file=sys.stderr, flush=True)


async def demonstrated(config_path: Path | None) -> JsonObject:
    """Return what the demonstration prints for programs, or `error` with what is missing, or what failed."""
    if not _has_weigh_extra():
        return {"error": _WEIGH_MISSING}
    failed, printed = await _run(config_path, "--json", stdout=asyncio.subprocess.PIPE)
    if failed is not None:
        return {"error": failed}
    row: JsonObject = msgspec.json.decode(printed, type=JsonObject)
    return row


def _has_weigh_extra() -> bool:
    return all(find_spec(name) is not None for name in _NEEDS)


async def _run(config_path: Path | None, *arguments: str, stdout: int | None) -> tuple[str | None, bytes]:
    """Return why it failed (None: it did not), and what it printed, where that was to be heard."""
    given = () if config_path is None else ("--config", str(config_path))
    child = await asyncio.create_subprocess_exec(
        *_COMMAND, *given, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=stdout, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            printed, complaints = await child.communicate()
    except TimeoutError:
        return _failed(f"it took longer than {_LONGEST_S:g} s"), b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == 0:
        return None, printed or b""
    lines = complaints.decode(errors="replace").strip().splitlines()
    return _failed(lines[-1] if lines else f"exit code {child.returncode}"), b""


def _failed(why: str) -> str:
    return f"The demonstration of weighing failed: {why}\nTry it by itself: steelyard weigh demo"
