"""Fetch one wheel from the package index with pip, wherever this machine keeps pip."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from steelyard.core.errors import StoreError
from steelyard.engines.progress import Progress, Report

__all__ = ["download_wheel", "pip_command"]

_POLL_S = 0.1
_UNITS = {"bytes": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_SIZE = re.compile(r"\.whl \((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)")  # pip/_internal/utils/misc.py, format_size
_CREDENTIALS = re.compile(r"://[^/\s@]+@")


def download_wheel(requirement: str, parts: Path, lock: int, report: Report) -> Path:
    """Download the wheel that `requirement` pins into `parts`, or take the whole one that lies there, and return its
    path. The open file `lock` is handed to pip, so that whoever waits for it waits for an orphaned pip too. Raises
    StoreError with pip's own words."""
    target, scratch = parts / "wheel", parts / "scratch"
    if whole := next(_whole_wheels(target), None):
        return whole
    for folder in (target, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    log = parts / "pip.log"
    command = [
        *pip_command(),
        *("download", "--no-deps", "--only-binary", ":all:", "--no-input", "--progress-bar", "off"),
        *("--disable-pip-version-check", "--dest", str(target), requirement),
    ]
    # pip writes the growing wheel under TMPDIR and moves it when it is whole. PIP_RESUME_RETRIES: pip 25.1 and later
    # resume a cut download that often; earlier ones ignore the variable.
    environment = {"PIP_RESUME_RETRIES": "5", **os.environ, "TMPDIR": str(scratch)}
    with log.open("wb") as output:
        running = subprocess.Popen(
            command,
            cwd=parts,  # `-m` looks in the working directory first; here lies nothing of that name
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
        )
    try:
        while running.poll() is None:
            total = _announced_size(log)  # rounded by pip, hence min
            done = _bytes_below(scratch)
            report(Progress("downloading", done if total is None else min(done, total), total))
            time.sleep(_POLL_S)
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait()
    whole = next(_whole_wheels(target), None)
    if running.returncode or whole is None:
        raise StoreError(_failure(requirement, log))
    shutil.rmtree(scratch, ignore_errors=True)
    report(Progress("downloading", whole.stat().st_size, whole.stat().st_size))
    return whole


def pip_command() -> list[str]:
    """Return the words that run a pip: this environment's, the one that Python carries in ensurepip (an environment
    that uv made has no pip), uv's, or the first on PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if carried := next(_carried_pips(), None):
        return [sys.executable, f"{carried}/pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    if other := shutil.which("pip3") or shutil.which("pip"):
        return [other]
    raise StoreError(
        "No pip was found, and it is what downloads the model. "
        f"Install it: {sys.executable} -m ensurepip, or uv pip install pip."
    )


def _carried_pips() -> Iterator[Path]:
    # PEP 453 has ensurepip carry pip as a wheel, which runs from within; Debian keeps it in WHEEL_PKG_DIR.
    spec = importlib.util.find_spec("ensurepip")
    if spec and spec.origin:
        yield from Path(spec.origin).parent.glob("_bundled/pip-*.whl")
    if folder := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        yield from Path(folder).glob("pip-*.whl")


def _whole_wheels(folder: Path) -> Iterator[Path]:
    # A zip file's directory is at its end, so a wheel that was cut off has none.
    for wheel in folder.glob("*.whl"):
        with wheel.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 65_557))  # APPNOTE.TXT 4.3.16: 22 bytes and a comment of at most 65,535
            if b"PK\x05\x06" in file.read():
                yield wheel


def _bytes_below(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):  # os.walk passes over what vanishes meanwhile
        for name in names:
            if name.endswith(".whl"):
                try:
                    total += os.stat(os.path.join(parent, name)).st_size
                except FileNotFoundError:
                    continue
    return total


def _announced_size(log: Path) -> int | None:
    found = _SIZE.search(log.read_text(encoding="utf-8", errors="replace"))
    return round(float(found[1]) * _UNITS[found[2]]) if found else None


def _failure(requirement: str, log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower()] or lines
    words = _CREDENTIALS.sub("://", " ".join(told[-3:]))
    return (
        f"pip could not download {requirement}: {words or 'it said nothing'}. Check the network and the package index "
        "(PIP_INDEX_URL), then pull again."
    )
