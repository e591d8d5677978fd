"""The exact cache: answers that are given again to requests that ask the same. Values and stores; who may have which
answer is the gateway's to know."""

from steelyard.cache.directives import Directives, directives_of
from steelyard.cache.entry import Entry, encoded
from steelyard.cache.memory import MemoryStore
from steelyard.cache.normal import NotNormal, digest_of, members_of, written

__all__ = [
    "Directives",
    "Entry",
    "MemoryStore",
    "NotNormal",
    "digest_of",
    "directives_of",
    "encoded",
    "members_of",
    "written",
]
