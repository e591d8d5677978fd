"""Weighings for the tests, recorded and live, with their evidence."""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steelyard.weigh.evidence.canonical import Sealed, decoded, sealed
from steelyard.weigh.evidence.document import Evidence, Reading
from steelyard.weigh.evidence.inputs import inputs_of
from steelyard.weigh.evidence.kept import keep_recorded, kept_evidence
from steelyard.weigh.evidence.made import Decided, Origin
from steelyard.weigh.results.contamination import read_contamination
from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.results.read import read_results
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256
from steelyard.weigh.runs.plan import Declaration, Plan, Planned, ScoredBy
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = ["again", "gains", "live_folder", "recorded", "table", "tampered"]


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def gains(n: int, seed: int = 7, **columns: Any) -> list[dict[str, object]]:
    """Return n items with right and wrong of models a and b, and columns whose values take turns."""
    drawn = random.Random(seed)
    rows = []
    for place in range(n):
        row: dict[str, object] = {"item": f"i{place}"}
        row |= {name: values[place % len(values)] for name, values in columns.items()}
        rows.append({**row, "a": int(drawn.random() < 0.7), "b": int(drawn.random() < 0.7)})
    return rows


def recorded(
    home: Path, files: Sequence[str], *, margin: float = 0.1, hash_items: bool = False, **asked: Any
) -> tuple[Folder, Sealed]:
    """Keep a weighing of a (baseline) and b (candidate), and return its directory and its evidence as it was read."""
    listed = asked.pop("contaminated", None)
    contaminated = read_contamination(listed) if listed is not None else frozenset()
    wanted = Asked(**{"baseline": "a", "candidate": "b", "contaminated": contaminated, **asked})
    results = read_results(files)
    level = Declared(margin)
    decided = Decided(results, wanted, level, weighed(results, wanted, level))
    origin = Origin(inputs=inputs_of(files, listed), reading=Reading(item=None, score=None))
    folder = keep_recorded(home, decided, origin, hash_items=hash_items)
    read = kept_evidence(folder)
    assert read is not None
    return folder, read


def live_folder(home: Path, calls: Sequence[Call], **declared: Any) -> Folder:
    """Write a live weighing of models a and b with these calls, as a runner does."""
    names = list(dict.fromkeys(call.item for call in calls))
    items = [
        Planned(
            id=name,
            place=f"items.jsonl:{place}",
            messages=({"role": "user", "content": f"Question {name}?"},),
            request={},
            target="yes",
            row={"topic": "even" if place % 2 == 0 else "odd"},
        )
        for place, name in enumerate(names)
    ]
    plan = Plan(
        id="20261123-010203-abcd", kind="live", created="2026-11-23T01:02:03Z", code="0.1.0", title="items.jsonl",
        source="items.jsonl", models=("a", "b"), items=len(items), items_sha256=items_sha256(items),
        prompt_sha256="0" * 64, repeats=1 + max(call.repeat for call in calls),
        scorer=ScoredBy(name="exact", options={"ignore_case": True}, label="exact(ignore_case)", version="1"),
        declared=Declaration(**{"baseline": "a", "candidate": "b", "margin": 0.1, **declared}),
    )  # fmt: skip
    folder = Weighings(home).create(plan, items)
    with folder.appending("calls.jsonl") as file:
        for call in calls:
            file.append(call)
    return folder


def again(evidence: Evidence) -> Sealed:
    """Return a document sealed anew, as one who tampers with it would."""
    return decoded(sealed(evidence))


def tampered(read: Sealed, path: Sequence[str | int], value: Any) -> Sealed:
    """Return a document with another value at a place, and the digest that it stated."""

    document = json.loads(json.dumps(read.document))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return decoded(json.dumps(document).encode())
