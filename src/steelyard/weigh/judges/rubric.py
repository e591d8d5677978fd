"""Rubrics: criteria and a scale, in TOML."""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.documents.document import read_document
from steelyard.documents.findings import Findings, nearest, shown
from steelyard.documents.shape import Invalid, read_struct

__all__ = ["SCHEMA", "Criterion", "Rubric", "find_rubric", "rubric_of", "shipped_rubrics"]

SCHEMA = 1

_FOLDER: Final = Path(__file__).parent / "data" / "rubrics"
_HIGHEST: Final = 100


class Criterion(Struct, frozen=True):
    """What an answer is held against."""

    name: str
    text: str


class Rubric(Struct, frozen=True, kw_only=True):
    """What an answer is scored by. The score is one whole number from `lowest` to `highest`, over all criteria."""

    schema: int
    name: str
    title: str
    version: str = "1"
    lowest: int
    highest: int
    lowest_means: str = "worst"
    highest_means: str = "best"
    criteria: tuple[Criterion, ...]

    @property
    def text(self) -> str:
        """All that it says, as JSON."""
        return msgspec.json.encode(self).decode()

    @property
    def sha256(self) -> str:
        """The digest of all that it says."""
        return sha256(self.text.encode()).hexdigest()

    def lines(self) -> str:
        """Return the criteria, one a line."""
        return "\n".join(f"- {one.name}: {one.text}" for one in self.criteria)


def shipped_rubrics() -> tuple[str, ...]:
    """Return the names of the rubrics that come along."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def rubric_of(text: str, digest: str) -> Rubric:
    """Return the rubric that a text says, as `Rubric.text` gives it. Raises ConfigError where it has another digest."""
    try:
        rubric = msgspec.json.decode(text, type=Rubric)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ConfigError(f"the rubric that was kept cannot be read: {error}") from error
    if rubric.sha256 != digest:
        raise ConfigError(f"the rubric that was kept has the SHA-256 {rubric.sha256}, and {digest} was declared")
    return rubric


def find_rubric(name: str) -> Rubric:
    """Return the rubric of a name, or of a path to a TOML file. Raises ConfigError, with file and line."""
    if name in shipped_rubrics():
        return _read(_FOLDER / f"{name}.toml")
    if Path(name).suffix == ".toml":
        return _read(Path(name))
    known = ", ".join(shipped_rubrics())
    near = nearest(name, shipped_rubrics(), f"; there are {known}")
    raise ConfigError(f'no rubric is called "{name}"{near}. A rubric of your own is given by its file, like mine.toml.')


def _read(path: Path) -> Rubric:
    findings = Findings(shown(path), {})
    document = read_document(path, findings)
    rubric = read_struct(Rubric, document, (), findings) if document is not None else None
    if rubric is None or isinstance(rubric, Invalid):
        raise ConfigError(*findings.in_order())
    if rubric.schema != SCHEMA:
        findings.add(("schema",), f"this Steelyard reads rubrics of schema {SCHEMA}")
    if not 0 <= rubric.lowest < rubric.highest <= _HIGHEST:
        findings.add(("highest",), f"expected a scale within 0 to {_HIGHEST} whose highest lies above its lowest")
    if not rubric.criteria:
        findings.add(("criteria",), "a rubric needs [[criteria]], each with name and text")
    if mistakes := findings.in_order():
        raise ConfigError(*mistakes)
    return rubric
