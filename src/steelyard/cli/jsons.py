"""Write JSON on standard output, for programs."""

import sys

import msgspec

__all__ = ["print_json", "print_line"]


def print_json(value: object) -> None:
    """Print one value over several lines, so that people can read it too."""
    _write(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_line(value: object) -> None:
    """Print one value on one line, at once: a stream of these can be read as it grows."""
    _write(msgspec.json.encode(value))


def _write(text: bytes) -> None:
    sys.stdout.write(text.decode() + "\n")
    sys.stdout.flush()
