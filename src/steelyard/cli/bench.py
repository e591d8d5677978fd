"""`steelyard bench`: run the repository's measurements."""

import subprocess
import sys
from pathlib import Path

import click

import steelyard
from steelyard.core.errors import ConfigError

__all__ = ["bench"]


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def bench(arguments: tuple[str, ...]) -> int:
    """Measure the gateway against nginx and direct calls.

    The measurements are a part of the repository, not of the installed package. All ARGS go to them: --json prints
    JSON, --quick is rough, `steelyard bench -- --help` tells all. The exit code is 1 when a target was missed, and 2
    when wrk, nginx or the repository is missing.
    """
    root = _repository()
    if root is None:
        raise ConfigError(
            "The measurements are not part of the installed package. Run them in a clone of the repository: make bench"
        )
    given = arguments[1:] if arguments[:1] == ("--",) else arguments
    return subprocess.run([sys.executable, "-m", "bench", *given], cwd=root, check=False).returncode


def _repository() -> Path | None:
    """Return the repository of an editable installation, or the one that we stand in."""
    places = (Path(steelyard.__file__).parents[2], Path.cwd())
    return next((place for place in places if (place / "bench" / "__main__.py").is_file()), None)
