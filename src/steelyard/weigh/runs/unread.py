"""Replies in a row of which nothing could be read: when to stop asking whom nobody understands."""

from collections import Counter
from typing import Final

__all__ = ["UNREAD_IN_A_ROW", "Unread"]

UNREAD_IN_A_ROW: Final = 20
"""Where every second reply can be read, as many unread ones in a row come about once in a million times; where none
can, twenty calls were paid for in vain, and not all."""


class Unread:
    """Counts, by model, unread replies in a row. `most` is how many are borne; 0: any number.

    A reply that can be read begins the count anew; a call that failed is no reply, and changes nothing."""

    def __init__(self, most: int = UNREAD_IN_A_ROW) -> None:
        self._most = most
        self._in_a_row: Counter[str] = Counter()
        self._whys: dict[str, Counter[str]] = {}

    def came(self, model: str, why: str | None) -> str | None:
        """Take a reply, and why it could not be read (None: it could); return what to tell where it is one too many."""
        if why is None:
            self._in_a_row.pop(model, None)
            self._whys.pop(model, None)
            return None
        self._in_a_row[model] += 1
        self._whys.setdefault(model, Counter())[why] += 1
        if not self._most or self._in_a_row[model] < self._most:
            return None
        reasons = "; ".join(f"{reason} ({count})" for reason, count in self._whys[model].most_common(3))
        number = self._in_a_row[model]
        return f"{model}: {number} {'reply' if number == 1 else 'replies'} in a row could not be read: {reasons}."
