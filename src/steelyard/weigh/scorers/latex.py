"""LaTeX: the output's formula is mathematically the target, by Math-Verify (huggingface/Math-Verify)."""

import logging
import threading
from functools import lru_cache
from importlib.metadata import version
from typing import Any, ClassVar, Final

from math_verify import parse, verify  # type: ignore[import-untyped]  # it has no types
from math_verify.errors import TimeoutException  # type: ignore[import-untyped]  # it has no types
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.score import Sample, Score, judged, targets_of, unparsed

__all__ = ["Latex"]

_LIBRARY: Final = f"math-verify {version('math-verify')}, sympy {version('sympy')}"

# It logs every formula that it cannot read, which are counted here as unparsed.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)


class Latex(Struct, frozen=True, kw_only=True):
    r"""1 where the last formula or number of the output (\boxed{} first) equals the target: 0.5, 1/2 and \frac12 do.

    `digits`: numbers are equal that are so when rounded to as many. A formula that takes longer than `limit_s` seconds
    to read or to compare is unparsed. Only the main thread can stop it, so scoring in another raises ConfigError.
    """

    name: ClassVar[str] = "latex"
    version: ClassVar[str] = f"1 ({_LIBRARY})"
    summary: ClassVar[str] = "The output's formula equals the target, by Math-Verify."

    digits: int = 6
    limit_s: int = 5

    def __post_init__(self) -> None:
        """Refuse what would switch the limit off: with ValueError, as msgspec asks."""
        if self.limit_s < 1 or self.digits < 0:
            raise ValueError("limit_s must be 1 or more, and digits 0 or more")

    def score(self, sample: Sample) -> Score:
        """Read the formula and compare it with the target, LaTeX with or without its dollars, or a list of these."""
        if threading.current_thread() is not threading.main_thread():
            raise ConfigError(
                "the scorer latex works in the main thread alone: only there can a slow formula be stopped"
            )
        wanted = [_target(one, self.limit_s) for one in targets_of(sample, self.name)]
        try:
            answer = parse(sample.output, parsing_timeout=self.limit_s)
            if not answer:
                return unparsed("no formula was found")
            right = any(self._equal(one, answer) for one in wanted)
        except TimeoutException:
            return unparsed(f"the formula took longer than {self.limit_s} s")
        except Exception as error:  # SymPy raises whatever a hostile formula leads to; none of it may end the scoring.
            return unparsed(f"the formula cannot be compared: {type(error).__name__}")
        if not right and all(isinstance(one, str) for one in answer):
            return unparsed("the formula cannot be read", answer=_shown(answer))
        return judged(right, answer=_shown(answer))

    def _equal(self, wanted: Any, answer: Any) -> bool:
        return bool(
            verify(wanted, answer, float_rounding=self.digits, timeout_seconds=self.limit_s, raise_on_error=True)
        )


@lru_cache(maxsize=4096)
def _target(text: str, limit_s: int) -> Any:
    # Without its dollars LaTeX would be read as prose, and of 1+x only the 1.
    for form in (text,) if "$" in text or "\\boxed" in text else (f"${text}$", text):
        found = parse(form, parsing_timeout=limit_s)
        if found:
            return found
    raise ConfigError(f'the target "{text[:60]}" is no formula that Math-Verify reads')


def _shown(answer: list[Any]) -> str:
    """Return the formula as it was written: SymPy's own text of it may take for ever to print."""
    return next((one for one in reversed(answer) if isinstance(one, str)), "")[:200]
