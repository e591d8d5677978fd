"""A document without its items' names: whoever has the items can still find each, and nobody else reads them."""

from collections.abc import Iterable
from hashlib import sha256

from msgspec.structs import replace

from steelyard.weigh.evidence.document import Evidence

__all__ = ["hashed"]


def hashed(evidence: Evidence) -> Evidence:
    """Return the document with the SHA-256 of each item's name in its place, and clusters by number.

    Clusters keep their order, by which a bootstrap draws. Where items are clustered by a column that is also a slice,
    its cells are declared to be shown, and stay. Names that can be guessed can be found by guessing."""
    if evidence.items_hashed:
        return evidence
    plain = evidence.cluster_column in evidence.declared.slices
    clusters = {} if plain else _numbered(row.cluster for row in evidence.rows if row.cluster is not None)
    return replace(
        evidence,
        items_hashed=True,
        rows=tuple(
            replace(row, item=_hash(row.item), cluster=clusters.get(row.cluster or "", row.cluster))
            for row in evidence.rows
        ),
        left_out=tuple(replace(one, item=_hash(one.item)) for one in evidence.left_out),
        calls=tuple(replace(call, item=_hash(call.item)) for call in evidence.calls),
    )


def _numbered(clusters: Iterable[str]) -> dict[str, str]:
    names = {text: text.strip() for text in clusters}
    order = sorted(set(names.values()))
    digits = len(str(len(order)))
    number = {name: f"c{place:0{digits}}" for place, name in enumerate(order, 1)}
    return {text: number[name] for text, name in names.items()}


def _hash(item: str) -> str:
    return sha256(item.encode()).hexdigest()
