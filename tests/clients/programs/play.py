"""`play.py FRONT PROGRAM URL UPSTREAM…`: run a program's checks and print what they saw, as JSON: upstream → check →
answer. FRONT is a directory of packages that count before the environment's own; "" is none.

A program is a module next to this one with `CHECKS`: functions (coroutines too) of the gateway's URL and of the
provider that is to be asked, which return what a JSON document can hold. One that raises has
`{"raised": …}` for an answer.
"""

import asyncio
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["main"]

Check = Callable[[str, str], Any]


def main(front: str, program: str, url: str = "", *upstreams: str) -> None:
    """Print what the program's checks return; without upstreams, only load it."""
    if front:
        sys.path.insert(0, front)
    checks = _loaded(program)
    told = {one: {check.__name__: _answer(check, url, one) for check in checks} for one in upstreams}
    # Clients write to stdout what they please, and the answers are its last line.
    print("\n" + json.dumps(told))


def _loaded(program: str) -> tuple[Check, ...]:
    # The directory is not on the path: the programs are named as what they use is.
    found = importlib.util.spec_from_file_location(f"program_{program}", Path(__file__).with_name(f"{program}.py"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    checks: tuple[Check, ...] = module.CHECKS
    return checks


def _answer(check: Check, url: str, upstream: str) -> Any:
    try:
        answer = check(url, upstream)
        return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer
    except Exception as reason:  # the edge of this program: the test tells what was raised, and other checks go on
        traceback.print_exc()
        return {"raised": f"{type(reason).__name__}: {reason}"}


async def _awaited(answer: Any) -> Any:
    return await answer


if __name__ == "__main__":
    main(*sys.argv[1:])
