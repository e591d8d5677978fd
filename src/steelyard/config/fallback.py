"""After which failures another deployment is asked: the words of a route's `fallback_on`."""

import re
from typing import Final

from steelyard.documents.findings import nearest

__all__ = ["CONTENT_FILTER", "CONTEXT_LENGTH", "DEFAULT", "WORDS", "fallback_complaint"]

CONTEXT_LENGTH: Final = "context_length"
CONTENT_FILTER: Final = "content_filter"
WORDS: Final = ("unreachable", "timeout", "cut", "invalid", CONTEXT_LENGTH, CONTENT_FILTER)
DEFAULT: Final = (
    *("401", "402", "403", "404", "405", "408", "409", "410", "425", "429", "5xx"),
    *("unreachable", "timeout", "cut", "invalid"),
)
"""Statuses that speak of this deployment or this moment, not of the request, and failures without a status."""

_STATUS: Final = re.compile("[345]xx|[345][0-9][0-9]")


def fallback_complaint(word: str) -> str | None:
    """Return what is wrong with a word, as the end of a sentence; None: nothing."""
    if _STATUS.fullmatch(word) or word in WORDS:
        return None
    choices = f'; expected a status ("429"), a class ("5xx"), or one of {", ".join(WORDS)}'
    return f'"{word}" is no failure{nearest(word, WORDS, choices)}'
