"""Which labels stand, of lines that are only ever appended."""

from collections.abc import Iterable

from steelyard.weigh.labels.label import Label

__all__ = ["standing"]


def standing(labels: Iterable[Label]) -> list[Label]:
    """Return what stands: of each rater's labels of the same answers the last, unless it was taken back."""
    last: dict[tuple[str, str, str, frozenset[str]], Label] = {}
    for label in labels:
        key = (label.rater, label.kind, label.item, frozenset(label.models))
        last.pop(key, None)
        last[key] = label
    return [label for label in last.values() if label.said != "undone"]
