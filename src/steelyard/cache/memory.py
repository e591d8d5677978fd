"""Answers in memory, within a number of bytes. What was not asked for the longest goes first."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from steelyard.cache.entry import Entry

__all__ = ["MemoryStore"]


class MemoryStore:
    """Entries by the digest of what was asked. `size` is bytes, `evicted` how many had to make room."""

    __slots__ = ("_entries", "evicted", "max_bytes", "size")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.evicted = 0
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def find(self, digest: bytes) -> Entry | None:
        """Return an entry, which is now the last to go; None where there is none."""
        found = self._entries.get(digest)
        if found is not None:
            self._entries.move_to_end(digest)
        return found

    def keep(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry in the place of one that was there. One that is larger than the whole store is not kept."""
        self.drop(digest)
        if entry.size > self.max_bytes:
            return
        self._entries[digest] = entry
        self.size += entry.size
        self.shrink()

    def shrink(self) -> None:
        """Drop entries until the rest fits."""
        while self.size > self.max_bytes:
            _, gone = self._entries.popitem(last=False)
            self.size -= gone.size
            self.evicted += 1

    def drop(self, digest: bytes) -> None:
        """Drop an entry, if there is one."""
        gone = self._entries.pop(digest, None)
        if gone is not None:
            self.size -= gone.size

    def sift(self, stays: Callable[[Entry], bool]) -> int:
        """Drop the entries that may not stay; return how many these were."""
        gone = [digest for digest, entry in self._entries.items() if not stays(entry)]
        for digest in gone:
            self.drop(digest)
        return len(gone)
