"""The list of models, in the shape of each dialect.

Sources: OpenAI API reference, "List models"; Anthropic API, "List Models", "Get a Model"; Gemini API reference,
"models.list", "models.get".
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = ["model_body", "models_body"]

_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def models_body(names: Sequence[str], dialect: str, since: float) -> bytes:
    """Return the list of models; `since` is when they began to be served, seconds since the epoch."""
    listed = [_model(name, dialect, since) for name in names]
    if dialect == "anthropic":
        first, last = (names[0], names[-1]) if names else (None, None)
        return msgspec.json.encode({"data": listed, "has_more": False, "first_id": first, "last_id": last})
    if dialect == "gemini":
        return msgspec.json.encode({"models": listed})
    return msgspec.json.encode({"object": "list", "data": listed})


def model_body(name: str, dialect: str, since: float) -> bytes:
    """Return one model."""
    return msgspec.json.encode(_model(name, dialect, since))


def _model(name: str, dialect: str, since: float) -> dict[str, Any]:
    if dialect == "anthropic":
        created = datetime.fromtimestamp(int(since), UTC).isoformat().replace("+00:00", "Z")
        return {"type": "model", "id": name, "display_name": name, "created_at": created}
    if dialect == "gemini":
        return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": _METHODS}
    owner, slash, _ = name.partition("/")
    return {"id": name, "object": "model", "created": int(since), "owned_by": owner if slash else "steelyard"}
