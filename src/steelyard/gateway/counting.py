"""Counts of tokens that no upstream gives: estimated here, and said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.dialects.estimate import estimated_tokens, uncounted
from steelyard.dialects.members import decode_object
from steelyard.dialects.table import DIALECTS

if TYPE_CHECKING:
    from steelyard.core.losses import Losses
    from steelyard.core.request import Request
    from steelyard.gateway.surface import Endpoint

__all__ = ["count", "counted_request", "is_count"]


def count(endpoint: Endpoint, request: Request, losses: Losses) -> bytes:
    """Return the answer that tells how many tokens an input takes, estimated."""
    losses.approximated("input_tokens", "no deployment of this model counts tokens; four bytes are taken for one")
    for path in uncounted(request):
        losses.dropped(path, "what media take is not known, and not counted")
    return DIALECTS[endpoint.dialect].encode_count(estimated_tokens(request))


def counted_request(endpoint: Endpoint, raw: bytes, model: str | None) -> Request:
    """Return the request whose input is to be counted. Raises BadRequest."""
    dialect = DIALECTS[endpoint.dialect]
    fields = decode_object(raw)
    if not endpoint.in_path:
        # Anthropic API, "Count tokens in a Message": the members of a message, without max_tokens.
        return dialect.decode_request(msgspec.json.encode({"max_tokens": 1, **fields}))
    # Gemini API reference, "models.countTokens": `contents`, or a whole request with instructions and tools.
    whole = fields.get("generateContentRequest") or fields.get("generate_content_request") or fields
    if not isinstance(whole, dict):
        raise BadRequest("generateContentRequest: expected an object", param="generateContentRequest")
    kept = {name: value for name, value in whole.items() if name != "model"}
    return dialect.decode_request(msgspec.json.encode(kept), model=model, stream=False)


def is_count(body: bytes) -> bool:
    """Say whether a body can be a provider's count: an object, and not an error's."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and "error" not in found
