"""Turn references (`env:NAME`, `file:PATH`) into the secrets they stand for, and never show one."""

import hmac
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from steelyard.core.errors import ConfigError

__all__ = [
    "Secret",
    "exposure",
    "is_reference",
    "read_secret_file",
    "reference_complaint",
    "resolve",
    "unfit",
]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # POSIX.1-2024, base definitions, section 3.216 "Name"
_LONGEST_BYTES: Final = 64 * 1024


class Secret:
    """A secret that shows itself only when asked to: not in `repr`, `str`, logs, tracebacks, pickles or JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, to be sent and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")


def is_reference(text: str) -> bool:
    """Return whether a text points at a secret, in form at least."""
    return text.startswith(("env:", "file:"))


def reference_complaint(text: str) -> str | None:
    """Return why `text` is no reference, without repeating it (it may be the secret itself), or `None`."""
    kind, _, name = text.partition(":")
    if not is_reference(text):
        return 'a secret must not stand here; put it into a variable or a file and write "env:NAME" or "file:PATH"'
    if kind == "env" and not _NAME.fullmatch(name):
        return 'what follows "env:" is not the name of a variable (write "env:ACME_API_KEY", without a dollar sign)'
    if kind == "file" and (not name or not name.isprintable()):
        return 'what follows "file:" is not the path of a file (write "file:/run/secrets/acme")'
    return None


def resolve(reference: str, env: Mapping[str, str], read_file: Callable[[Path], bytes]) -> str:
    """Return the secret that `env:NAME` or `file:PATH` stands for; one newline at its end is dropped.

    Raise ConfigError, which names the variable or the file and never the secret, when there is none, or when it could
    not go into a header.
    """
    wrong = reference_complaint(reference)
    if wrong is not None:
        raise ConfigError(f"A reference is wrong: {wrong}.")
    kind, _, name = reference.partition(":")
    if kind == "env":
        where = f"The variable {name}"
        value = env.get(name)
        if value is None:
            raise ConfigError(f"{where} is not set.")
    else:
        where = f"The file {name}"
        value = _text_of(Path(name), where, read_file)
    value = value.removesuffix("\n").removesuffix("\r")
    wrong = unfit(value)
    if wrong is not None:
        raise ConfigError(f"{where} {wrong}.")
    return value


def unfit(value: str) -> str | None:
    """Return why a secret could not go into a header (`is empty`, say), or `None`.

    RFC 9110, section 5.5: a field's value is visible ASCII with single spaces inside; CR, LF and NUL end or split it.
    """
    if not value:
        return "is empty"
    if value != value.strip(" \t"):
        return "begins or ends with a blank"
    if any(letter < " " or letter == "\x7f" for letter in value):
        return "holds a line break or another control character; it must hold the secret alone, on one line"
    if not value.isascii():
        return "holds a character outside of ASCII, which cannot be sent in a header (in a URL, percent-encode it)"
    return None


def exposure(reference: str) -> str | None:
    """Return a warning when the file behind a `file:` reference can be read by everybody on the machine, or `None`."""
    kind, _, name = reference.partition(":")
    if kind != "file":
        return None
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return None  # resolve says so, in better words
    if not mode & stat.S_IROTH:
        return None
    return f"The file {name} can be read by everybody on this machine (mode {mode & 0o777:04o}). Run: chmod 600 {name}"


def read_secret_file(path: Path) -> bytes:
    """Return what a file holds, at most 64 KiB of it and one byte more."""
    with path.open("rb") as file:
        return file.read(_LONGEST_BYTES + 1)


def _text_of(path: Path, where: str, read_file: Callable[[Path], bytes]) -> str:
    try:
        content = read_file(path)
    except OSError as error:
        # OSError.strerror is the system's phrase alone: "No such file or directory".
        raise ConfigError(f"{where} cannot be read: {error.strerror or type(error).__name__}.") from error
    if len(content) > _LONGEST_BYTES:
        raise ConfigError(f"{where} is too long for a secret (more than 64 KiB).")
    # A byte that is no UTF-8 becomes U+FFFD, which `unfit` refuses: the decoder's own error would hold the bytes.
    return content.decode(errors="replace")
