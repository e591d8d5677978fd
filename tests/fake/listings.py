"""Lists of models, as Anthropic and Google give them."""

from typing import Any

__all__ = ["anthropic_models", "gemini_models"]


def anthropic_models(names: list[str]) -> dict[str, Any]:
    """Return the list (platform.claude.com/docs/en/api/models-list)."""
    rows = [
        {"type": "model", "id": name, "display_name": name.title(), "created_at": "2025-02-19T00:00:00Z"}
        for name in names
    ]
    return {"data": rows, "has_more": False, "first_id": names[0], "last_id": names[-1]}


def gemini_models(names: list[str]) -> dict[str, Any]:
    """Return the list (ai.google.dev/api/models#method:-models.list)."""
    methods = ["generateContent", "countTokens"]
    rows = [
        {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name.title(),
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": methods,
        }
        for name in names
    ]
    return {"models": rows}
