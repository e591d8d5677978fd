"""The files that a weighing was made from, and a document held against them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.evidence.again import asked_of, level_of
from steelyard.weigh.evidence.canonical import Sealed, plain
from steelyard.weigh.evidence.document import Evidence, Input
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.evidence.rows import left_out_of, rows_of
from steelyard.weigh.evidence.verify import Checked, Difference, compared
from steelyard.weigh.results.contamination import read_contamination
from steelyard.weigh.results.pairs import Asked, paired
from steelyard.weigh.results.read import read_results
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.runs.folder import Folder
from steelyard.weigh.runs.results import results_of
from steelyard.weigh.verdict_recorded import weighed

__all__ = ["against_files", "against_folder", "against_results", "inputs_of"]


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


def _input(path: Path, model: str | None, role: Any) -> Input:
    content = _content(path)
    return Input(name=path.name, model=model, role=role, sha256=sha256(content).hexdigest(), bytes=len(content))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error


def against_files(read: Sealed, files: Sequence[Path]) -> Checked:
    """Return how a document of recorded results compares with the files, which are known by their digests.

    Raises StoreError for a file that cannot be read, ConfigError for one that is no table of results."""
    here: dict[str, Path] = {}
    for path in files:
        here.setdefault(sha256(_content(path)).hexdigest(), path)
    known = {one.sha256 for one in read.evidence.inputs}
    lacking = [one for one in read.evidence.inputs if one.sha256 not in here]
    strange = [(digest, path) for digest, path in here.items() if digest not in known]
    found = [
        Difference(f"$.inputs: {one.name}", one.sha256, _nearest(one, strange) or "no file with this digest was given")
        for one in lacking
    ]
    if lacking or not read.evidence.inputs:
        notes = [f"{path} ({digest}) is none of the files that it names." for digest, path in strange]
        return Checked(tuple(found), (), (*notes, "The rows were not compared with the files."))
    results, asked = _read(read.evidence, here)
    told = against_results(read, results, asked)
    return Checked(told.differences, ("the digests of the inputs", *told.compared), told.notes)


def against_folder(read: Sealed, folder: Folder) -> Checked:
    """Return how a document compares with the directory of a live weighing.

    Raises StoreError and ConfigError where that cannot be read."""
    if read.evidence.kind != "live":
        raise ConfigError(
            f"{folder.path} is a directory, and {read.evidence.id} is of recorded results: give the files"
        )
    fresh = live_evidence(folder)
    found = list(compared("$.calls", read.document["calls"], plain(_hidden(fresh, read.evidence).calls)))
    found += compared("$.judges", read.document["judges"], plain(fresh.judges))
    plan = fresh.declared, fresh.items_sha256, fresh.prompt_sha256
    stated = read.evidence.declared, read.evidence.items_sha256, read.evidence.prompt_sha256
    if plan != stated:
        found.append(Difference("$.declared", plain(stated[0]), plain(plan[0])))
    told = against_results(read, results_of(folder), asked_of(read.evidence))
    return Checked((*found, *told.differences), ("the calls", *told.compared), told.notes)


def _hidden(fresh: Evidence, like: Evidence) -> Evidence:
    return hashed(fresh) if like.items_hashed else fresh


def _nearest(one: Input, strange: Sequence[tuple[str, Path]]) -> str | None:
    """Return the digest of the file that has the same name, or is the only one."""
    same = [digest for digest, path in strange if path.name == one.name]
    return same[0] if same else strange[0][0] if len(strange) == 1 else None


def _read(evidence: Evidence, here: dict[str, Path]) -> tuple[Results, Asked]:
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
    return results, replace(asked_of(evidence), contaminated=listed)


def against_results(read: Sealed, results: Results, asked: Asked) -> Checked:
    """Return how a document compares with results that were read anew: row by row, and all flags."""
    evidence = read.evidence
    try:
        weighing = weighed(results, asked, level_of(evidence))
        pairs = paired(results, asked)
    except ConfigError as error:
        return Checked((Difference("$.rows", f"{len(evidence.rows)} rows", str(error)),), (), ())
    fresh = replace(
        evidence,
        items_hashed=False,
        rows=rows_of(pairs, evidence.declared.slices),
        left_out=left_out_of(pairs, asked),
        cluster_column=pairs.cluster,
        calls=(),
    )
    fresh = _hidden(fresh, evidence)
    found: list[Difference] = []
    for name in ("rows", "left_out", "cluster_column"):
        found += compared(f"$.{name}", read.document[name], plain(getattr(fresh, name)))
    found += compared("$.verdict", read.document["verdict"], plain(weighing))
    return Checked(tuple(found), ("the rows with the inputs", "all flags"), ())
