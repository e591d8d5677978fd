"""Read a judge's reply, strictly: what does not say just one thing in the form that was asked for says nothing."""

import re
from typing import Final, Literal

from msgspec import Struct

__all__ = ["Choice", "ScoreRead", "VerdictRead", "read_score", "read_verdict"]

Choice = Literal["A", "B", "tie"]

_MARKS: Final = r"[\s*_`#>\[\]()\"'$.]*"
"""What may stand around a line's words: emphasis, brackets, quotation marks, a full stop."""

_VERDICT: Final = re.compile(rf"{_MARKS}verdict{_MARKS}:{_MARKS}(?P<said>A|B|tie){_MARKS}", re.IGNORECASE)
_BARE: Final = re.compile(rf"{_MARKS}(?P<said>A|B|(?i:tie)){_MARKS}")
_SCORE: Final = re.compile(
    rf"{_MARKS}score{_MARKS}:{_MARKS}(?P<said>[0-9]{{1,3}})(?:\s*/\s*(?P<of>[0-9]{{1,3}}))?{_MARKS}", re.IGNORECASE
)
_BARE_SCORE: Final = re.compile(rf"{_MARKS}(?P<said>[0-9]{{1,3}}){_MARKS}")
# Models that think aloud put it in front of the answer, in these tags (Qwen3 and DeepSeek-R1, chat templates).
_THOUGHT: Final = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


class VerdictRead(Struct, frozen=True):
    """`choice` None: nothing could be read, and `why` says what was wrong."""

    choice: Choice | None
    why: str | None = None


class ScoreRead(Struct, frozen=True):
    """`score` None: nothing could be read, and `why` says what was wrong."""

    score: int | None
    why: str | None = None


def read_verdict(reply: str) -> VerdictRead:
    """Return the verdict: the last line is "Verdict: A", "Verdict: B" or "Verdict: tie", or the reply is no more than
    A, B or tie. Two lines with different verdicts are none."""
    said, why = _last(reply, _VERDICT, _BARE)
    if said is None:
        return VerdictRead(None, why)
    name = said["said"]
    return VerdictRead("tie" if name.lower() == "tie" else "A" if name.upper() == "A" else "B")


def read_score(reply: str, lowest: int, highest: int) -> ScoreRead:
    """Return the score: the last line is "Score: N" or "Score: N/HIGHEST", or the reply is no more than N.

    What lies off the scale is none, and so are two lines with different scores."""
    said, why = _last(reply, _SCORE, _BARE_SCORE)
    if said is None:
        return ScoreRead(None, why)
    score, of = int(said["said"]), said.groupdict().get("of")
    if of is not None and int(of) != highest:
        return ScoreRead(None, "another scale")
    return ScoreRead(score) if lowest <= score <= highest else ScoreRead(None, "off the scale")


def _last(reply: str, line: re.Pattern[str], bare: re.Pattern[str]) -> tuple[re.Match[str] | None, str | None]:
    text = _THOUGHT.sub("", reply).strip()
    if not text:
        return None, "empty"
    alone = bare.fullmatch(text)
    if alone is not None:
        return alone, None
    lines = [one for one in text.split("\n") if one.strip()]
    found = [match for one in lines if (match := line.fullmatch(one)) is not None]
    if not found or line.fullmatch(lines[-1]) is None:
        return None, "no last line in the form that was asked for"
    if len({match["said"].lower() for match in found}) > 1:
        return None, "several different ones"
    return found[-1], None
