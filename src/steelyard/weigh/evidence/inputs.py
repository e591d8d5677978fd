"""The files that a weighing was made from, and a document held against them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.loose import JsonValue
from steelyard.weigh.evidence.again import asked_of, level_of
from steelyard.weigh.evidence.canonical import Sealed, plain
from steelyard.weigh.evidence.document import SIDES, Evidence, Input
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.made import Decided, Origin, evidence_of
from steelyard.weigh.evidence.verify import Checked, Difference, compared
from steelyard.weigh.results.contamination import read_contamination
from steelyard.weigh.results.read import read_results
from steelyard.weigh.runs.plan import Plan
from steelyard.weigh.verdict_recorded import weighed

__all__ = ["COMPARED", "against_files", "apart", "inputs_of"]

COMPARED: Final = ("the rows with the inputs", "all flags")


def inputs_of(files: Sequence[str], contaminated: Path | None) -> tuple[Input, ...]:
    """Return what is told of files, each FILE or MODEL=FILE, and of a list of contaminated items.

    Raises StoreError for a file that cannot be read."""
    found = []
    for name in files:
        model, equals, path = name.partition("=")
        named = bool(equals) and bool(model) and not Path(name).is_file()
        found.append(_input(Path(path if named else name), model if named else None, "results"))
    if contaminated is not None:
        found.append(_input(contaminated, None, "contaminated"))
    return tuple(found)


def _input(path: Path, model: str | None, role: JsonValue) -> Input:
    content = _content(path)
    # A name that is no UTF-8 stands in Python as lone surrogates, which JSON does not hold.
    name = os.fsencode(path.name).decode(errors="replace")
    return Input(name=name, model=model, role=role, sha256=sha256(content).hexdigest(), bytes=len(content))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error


def against_files(read: Sealed, files: Sequence[Path]) -> Checked:
    """Return how a document of recorded results compares with the files, which are known by their digests.

    Raises StoreError for a file that cannot be read, ConfigError for one that is no table of results."""
    here: dict[str, Path] = {}
    sizes: dict[str, int] = {}
    for path in files:
        content = _content(path)
        digest = sha256(content).hexdigest()
        here.setdefault(digest, path)
        sizes[digest] = len(content)
    known = {one.sha256 for one in read.evidence.inputs}
    lacking = [one for one in read.evidence.inputs if one.sha256 not in here]
    strange = [(digest, path) for digest, path in here.items() if digest not in known]
    found = [
        Difference(f"$.inputs: {one.name}", one.sha256, _nearest(one, strange) or "no file with this digest was given")
        for one in lacking
    ]
    found += [
        Difference(f"$.inputs[{place}].bytes", one.bytes, sizes[one.sha256])
        for place, one in enumerate(read.evidence.inputs)
        if one.bytes != sizes.get(one.sha256, one.bytes)
    ]
    if lacking or not read.evidence.inputs:
        notes = [f"{path} ({digest}) is none of the files that it names." for digest, path in strange]
        return Checked(tuple(found), (), (*notes, "The rows were not compared with the files."))
    try:
        fresh = _made_again(read.evidence, here)
    except ConfigError as error:
        # The files say so, whoever reads them: the document cannot have come of them.
        return Checked((Difference("$.rows", f"{len(read.evidence.rows)} rows", str(error)),), (), ())
    return Checked((*found, *apart(read, fresh)), ("the digests of the inputs", *COMPARED), ())


def apart(read: Sealed, fresh: Evidence) -> Iterator[Difference]:
    """Yield where a document differs from the one made anew, but for what cards said and what computed it."""
    again = plain(hashed(fresh) if read.evidence.items_hashed else fresh)
    for name, stated in read.document.items():
        if name in ("code", "sha256", "models"):
            continue
        yield from compared(f"$.{name}", stated, again[name])
    for side in SIDES:
        stated, computed = ({**one["models"][side], "facts": None} for one in (read.document, again))
        yield from compared(f"$.models.{side}", stated, computed)


def _nearest(one: Input, strange: Sequence[tuple[str, Path]]) -> str | None:
    """Return the digest of the file that has the same name, or is the only one."""
    same = [digest for digest, path in strange if path.name == one.name]
    return same[0] if same else strange[0][0] if len(strange) == 1 else None


def _made_again(evidence: Evidence, here: Mapping[str, Path]) -> Evidence:
    """Return the document that comes of the files. Raises ConfigError where they cannot be weighed so."""
    named = []
    listed: frozenset[str] = frozenset()
    for one in evidence.inputs:
        path = here[one.sha256]
        if one.role == "contaminated":
            listed = read_contamination(path)
        else:
            named.append(str(path) if one.model is None else f"{one.model}={path}")
    reading = evidence.reading
    results = read_results(named, reading.item if reading else None, reading.score if reading else None)
    asked, level = replace(asked_of(evidence), contaminated=listed), level_of(evidence)
    plan = Plan(
        id=evidence.id,
        kind=evidence.kind,
        created=evidence.created,
        code=evidence.code.steelyard,
        title=evidence.title,
        source=evidence.source,
        licence=evidence.licence,
        models=(asked.baseline, asked.candidate),
        items=len(evidence.rows),
        items_sha256="",
    )
    decided = Decided(results, asked, level, weighed(results, asked, level))
    return evidence_of(plan, decided, Origin(inputs=evidence.inputs, reading=reading))
