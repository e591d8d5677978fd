"""What the demonstration asks: may an open-weight model answer instead of GPT-4o?

`gsm8k.csv` holds right (1) and wrong (0) by item of GSM8K's 1,319 test questions, as computed from the greedy outputs
that ZeroEval recorded, and how many calculations the reference solution takes; an empty cell is an answer that was not
recorded. No text of either is in it.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.results.read import read_results
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.verdict import Weighing
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = [
    "ATTRIBUTION",
    "CARDS",
    "CASES",
    "FILE",
    "ITEMS",
    "LICENCE",
    "SOURCE",
    "Answered",
    "Case",
    "answered",
    "recorded_results",
]

FILE: Final = Path(__file__).with_name("gsm8k.csv")

ITEMS: Final = "1,319 questions of GSM8K (sums in words), right or wrong, as recorded by ZeroEval"

SOURCE: Final = "recorded results that come along with Steelyard: margins were chosen by people who had seen them"

LICENCE: Final = (
    "outputs: ZeroEval (Lin 2024, github.com/WildEval/ZeroEval), Apache-2.0; questions: GSM8K (Cobbe et al. 2021, "
    "arXiv 2110.14168), MIT"
)

ATTRIBUTION: Final = f"{LICENCE}. Numbers only; no text of either comes along."

_NAMES: Final = {
    "gpt-4o-2024-05-13": "GPT-4o",
    "llama-3.1-405b": "Llama 3.1 405B",
    "llama-3.1-70b": "Llama 3.1 70B",
    "gemma-2-27b": "Gemma 2 27B",
}

CARDS: Final = {
    "gpt-4o-2024-05-13": "openai/gpt-4o-2024-05-13",
    "llama-3.1-405b": "meta-llama/Llama-3.1-405B-Instruct",
    "llama-3.1-70b": "meta-llama/Llama-3.1-70B-Instruct",
    "gemma-2-27b": "google/gemma-2-27b-it",
}
"""How the catalogue calls the models that are asked about."""


class Case(Struct, frozen=True):
    """One question: may `candidate` answer instead of `baseline`, both as columns of the file are called?"""

    candidate: str
    margin: float
    slices: tuple[str, ...] = ()
    baseline: str = "gpt-4o-2024-05-13"

    @property
    def question(self) -> str:
        return f"May {_NAMES[self.candidate]} answer instead of {_NAMES[self.baseline]}?"

    @property
    def asked(self) -> Asked:
        return Asked(self.baseline, self.candidate, None, self.slices)

    @property
    def declared(self) -> Declared:
        return Declared(self.margin)


class Answered(Struct, frozen=True):
    """A question and its verdict."""

    case: Case
    weighing: Weighing


CASES: Final = (Case("llama-3.1-405b", 0.03, ("steps",)), Case("llama-3.1-70b", 0.02), Case("gemma-2-27b", 0.03))
"""One of each verdict: SWAP, NEED MORE, DON'T. The first is shown in full."""


def recorded_results() -> Results:
    """Return what came along."""
    return read_results([str(FILE)])


def answered(case: Case, results: Results) -> Answered:
    """Return the verdict on a question."""
    return Answered(case, weighed(results, case.asked, case.declared))
