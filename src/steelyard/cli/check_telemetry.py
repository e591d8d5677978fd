"""What `steelyard check` says of the access log and of traces: whether the clerk can write and send them."""

import os
from collections.abc import Iterator
from pathlib import Path

from steelyard.cli.probe import Finding
from steelyard.config.settings import Config
from steelyard.config.telemetry import has_otel_extra

__all__ = ["telemetry_findings"]


def telemetry_findings(config: Config) -> Iterator[Finding]:
    """Say whether the access log can be written, and what sends traces is installed, where they are asked for."""
    access = config.log.access
    if access is not None and access != "-":
        wrong = _complaint(Path(access))
        text = (
            f"[log] access: {access} cannot be written: {wrong}." if wrong is not None else f"{access} can be written"
        )
        yield Finding("ok" if wrong is None else "wrong", "access log", text)
    if config.otel.endpoint is not None and not has_otel_extra():
        yield Finding("wrong", "otel", "its extra is not installed. Install it: pip install 'steelyard[otel]'")


def _complaint(file: Path) -> str | None:
    """Return why a file cannot be appended to, or made with the directories above it; None: it can."""
    if file.is_dir():
        return "it is a directory"
    if file.exists():
        return None if os.access(file, os.W_OK) else "it may not be written by this user"
    above = next(one for one in file.parents if one.exists())
    if not above.is_dir():
        return f"{above} is no directory"
    return None if os.access(above, os.W_OK | os.X_OK) else f"{above} may not be written by this user"
