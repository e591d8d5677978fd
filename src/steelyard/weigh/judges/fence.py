"""Fences around what is judged, with a mark that nobody who wrote it could know.

Delimiters that are drawn anew for every prompt are the plainest form of spotlighting (Hines et al. 2024, "Defending
Against Indirect Prompt Injection Attacks With Spotlighting", arXiv 2403.14720). They make it harder for an answer to
pass for the judge's own instructions, and prove nothing: a judge may still obey what stands inside (Li et al. 2025,
"LLMs Cannot Reliably Judge (Yet?)", arXiv 2506.09443). What an answer says to a judge is flagged apart (`told`).
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

__all__ = ["fenced", "mark_for"]

_LENGTH = 16


def mark_for(seed: int, texts: Sequence[str]) -> str:
    """Return 16 hexadecimal digits that stand in none of the texts; the same for the same seed and texts.

    It hangs on all texts of the prompt, so whoever wrote one of them could not work it out."""
    attempt = 0
    while True:
        mark = sha256(msgspec.json.encode([seed, attempt, *texts])).hexdigest()[:_LENGTH]
        if not any(mark in text for text in texts):
            return mark
        attempt += 1


def fenced(name: str, text: str, mark: str) -> str:
    """Return a text between two lines that carry its name and the mark."""
    return f"<<<BEGIN {name} {mark}>>>\n{text}\n<<<END {name} {mark}>>>"
