"""The gateway under steady load, beside providers that break and clients that leave, for some seconds. `make soak` does
the same for ten minutes at 1,000 calls a second."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS, RATE = 12, 200


@pytest.mark.slow
def test_the_gateway_stays_as_it_was_under_load_with_faults() -> None:
    """Of 2,400 calls of 16 kB, 1,800 are judged: memory and open files are flat (at most 4 kB and 0.005 files a call at
    the upper end of a 95 % interval: one call in four whose body were kept would show, or one file in two hundred),
    every answer is in the ledger once, none is torn, none is stuck, and nothing is left open."""
    command = [sys.executable, "-m", "bench.soak", "--seconds", str(SECONDS), "--rate", str(RATE), "--json"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=110)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if not check["holds"]] == [], report
    assert report["calls"] > SECONDS * RATE * 0.5, "on a busy machine it may be fewer than were asked for"
    assert report["answered"] > 500
    assert report["left"] > 50
    assert {"200", "502"} <= set(report["statuses"]), "faults came through where there was no other deployment"
