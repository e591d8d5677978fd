"""What a model's generation can take, told by its name."""

import re

__all__ = ["is_third"]

_THIRD = re.compile(r"gemini-(?:[3-9]|[1-9]\d)(?!\d)|gemini-(?:pro|flash|flash-lite)-latest")


def is_third(model: str) -> bool:
    """Say whether a model is of Gemini's third generation or a later one.

    These think by levels (Gemini API, "Thinking": `thinkingLevel`), take media within a function's response ("Function
    calling", "Multimodal function responses"), and refuse a turn whose first call has no signature ("Thought
    signatures"). A name that tells no generation, as a tuned model's, is taken for an earlier one.
    """
    return _THIRD.search(model) is not None
