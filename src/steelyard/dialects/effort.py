"""Effort in words and thinking in tokens.

The equivalents are Google's (ai.google.dev/gemini-api/docs/openai, "Thinking"): minimal and low are 1,024 tokens,
medium 8,192, high 24,576. No provider documents more exact ones; whoever uses them reports an approximation.
"""

__all__ = ["budget_of", "effort_of"]

_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768}


def budget_of(effort: str) -> int | None:
    """Return the tokens of thinking that a word stands for; None for a word that is not known."""
    return _BUDGETS.get(effort)


def effort_of(budget: int) -> str | None:
    """Return the word nearest to a budget; None for -1, as much as the model likes."""
    if budget < 0:
        return None
    if budget == 0:
        return "none"
    return "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"
