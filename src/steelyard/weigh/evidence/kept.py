"""Recorded weighings, kept among the others of a data directory; and what is kept of any weighing."""

import time
from datetime import UTC, datetime
from pathlib import Path

from steelyard import __version__
from steelyard.weigh.evidence.canonical import Sealed, read_sealed, sealed
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.made import Decided, Origin, evidence_of
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256, new_id
from steelyard.weigh.runs.plan import Declaration, Plan

__all__ = ["EVIDENCE", "PAGE", "keep_evidence", "keep_recorded", "kept_evidence", "moment_of"]

EVIDENCE = "evidence.json"
PAGE = "report.html"


def moment_of(now: float) -> str:
    """Return seconds since the epoch as a time of ISO 8601 in UTC."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep_recorded(data_dir: Path, decided: Decided, origin: Origin, *, hash_items: bool = False) -> Folder:
    """Keep a weighing of recorded results, and return its directory. Raises StoreError where it cannot be kept."""
    plan = _plan(decided, origin)
    evidence = evidence_of(plan, decided, origin)
    content = sealed(hashed(evidence) if hash_items else evidence)
    folder = Weighings(data_dir).create(plan, ())
    folder.write(EVIDENCE, content)
    return folder


def _plan(decided: Decided, origin: Origin) -> Plan:
    now = time.time()
    asked, level = decided.asked, decided.level
    return Plan(
        id=new_id(now),
        kind="recorded",
        created=moment_of(now),
        code=__version__,
        title=f"{asked.candidate} for {asked.baseline}",
        source=", ".join(f"{one.name} sha256:{one.sha256}" for one in origin.inputs if one.role == "results"),
        models=(asked.baseline, asked.candidate),
        items=decided.weighing.n,
        items_sha256=items_sha256(()),
        seed=level.seed,
        declared=Declaration(
            baseline=asked.baseline,
            candidate=asked.candidate,
            margin=level.margin,
            alpha=level.alpha,
            cluster=asked.cluster,
            slices=asked.slices,
            missing=asked.missing,
        ),
    )


def kept_evidence(folder: Folder) -> Sealed | None:
    """Return the document that a directory holds; None where there is none. Raises ConfigError and StoreError."""
    path = folder.path / EVIDENCE
    return read_sealed(path) if path.is_file() else None


def keep_evidence(folder: Folder, evidence: Evidence) -> bytes:
    """Write the document into a weighing's directory, and return its content. Raises StoreError."""
    content = sealed(evidence)
    folder.write(EVIDENCE, content)
    return content
