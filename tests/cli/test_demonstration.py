"""The quickstart's second act where what it needs is missing, or broken: it is told, and nothing else fails."""

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.program import clean_environment

IMPORTS = "import asyncio, json; from steelyard.cli.demonstration import *"
HUMAN = f"{IMPORTS}; asyncio.run(print_demonstration(None))"
JSON = f"{IMPORTS}; print(json.dumps(asyncio.run(demonstrated(None))))"


def _without(module: str, program: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a program, and those that it starts, as if a module were not installed."""
    (home / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None\n")
    env = {**clean_environment(home), "PYTHONPATH": str(home)}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=home, env=env, capture_output=True, text=True, check=True, timeout=60
    )


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    done = _without("numpy", HUMAN, tmp_path)
    assert len(done.stdout.splitlines()) == 1
    assert "pip install -e '.[weigh]'" in done.stdout
    assert "steelyard weigh demo" in done.stdout
    assert done.stderr == ""
    assert "pip install" in json.loads(_without("scipy", JSON, tmp_path).stdout)["error"]


def test_a_demonstration_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    done = _without("scipy.special", HUMAN, tmp_path)
    assert "The demonstration of weighing failed: " in done.stderr
    assert "scipy.special" in done.stderr
    assert "Try it by itself: steelyard weigh demo" in done.stderr
    assert "scipy.special" in json.loads(_without("scipy.special", JSON, tmp_path).stdout)["error"]
