"""What is served, and where, in the paths of four dialects."""

import re
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, unquote

from steelyard.core.errors import BadRequest

__all__ = ["ENDPOINTS", "PAGES", "Endpoint", "dialect_of", "endpoint_of", "is_page", "kept_in", "model_in", "query_of"]


_Trait: TypeAlias = Literal["form", "passes", "streams", "translates", "counts", "in_path", "streamed"]


class Endpoint:
    """A path that is answered by a model. `form`: the request is multipart and is streamed on; `passes`: the answer is
    relayed as it comes, whatever its type; else it is JSON, or a stream of events where one was asked for.

    `translates`: a deployment of another dialect may answer; `counts`: the answer is a count of the input's tokens;
    `in_path`: the path, not the body, names the model and says whether the answer is streamed (`streamed`)."""

    __slots__ = ("counts", "dialect", "form", "in_path", "name", "passes", "streamed", "streams", "translates")

    def __init__(self, name: str, dialect: str, *traits: _Trait) -> None:
        self.name = name
        self.dialect = dialect
        self.form = "form" in traits
        self.passes = "passes" in traits
        self.streams = "streams" in traits
        self.translates = "translates" in traits
        self.counts = "counts" in traits
        self.in_path = "in_path" in traits
        self.streamed = "streamed" in traits


ENDPOINTS = {
    f"/v1/{one.name}": one
    for one in (
        Endpoint("chat/completions", "openai", "streams", "translates"),
        Endpoint("completions", "openai", "streams"),
        Endpoint("embeddings", "openai"),
        Endpoint("rerank", "openai"),
        Endpoint("images/generations", "openai", "passes"),
        Endpoint("audio/transcriptions", "openai", "form", "passes"),
        Endpoint("responses", "openai-responses", "streams", "translates"),
        Endpoint("messages", "anthropic", "streams", "translates"),
        Endpoint("messages/count_tokens", "anthropic", "translates", "counts"),
    )
}

# Gemini API reference, "models.generateContent": POST /v1beta/{model=models/*}:generateContent.
_ON_MODELS = {
    one.name.encode(): one
    for one in (
        Endpoint("generateContent", "gemini", "translates", "in_path"),
        Endpoint("streamGenerateContent", "gemini", "streams", "translates", "in_path", "streamed"),
        Endpoint("countTokens", "gemini", "translates", "counts", "in_path"),
    )
}
_ON_MODEL = re.compile(rb"/v1(?:beta|alpha)?[0-9]*/models/([^?#]+):([A-Za-z]+)(?:\?.*)?")

_KEPT = re.compile(r"(?:/v1)?/responses/([^/]+)(/input_items)?")
_MODELS = ("/v1/models", "/models", "/v1beta/models")
PAGES = frozenset(("/livez", "/readyz", "/health/liveness", "/health/readiness", "/metrics", *_MODELS))
_BELOW_MODELS = tuple(f"{path}/" for path in _MODELS)


def endpoint_of(target: bytes) -> Endpoint | None:
    """Return the endpoint that a request's target names; with and without `/v1`, and whatever its query."""
    found = _TARGETS.get(target)
    if found is None:
        path = _origin_form(target)
        found = _TARGETS.get(path.partition(b"?")[0])
        if found is None and b"/models/" in path:
            on_model = _ON_MODEL.fullmatch(path)
            found = _ON_MODELS.get(on_model[2]) if on_model is not None else None
    return found


def model_in(target: bytes) -> str:
    """Return the model that the path of an `in_path` endpoint names. SDKs escape the slash of "provider/model", or do
    not. Raises BadRequest."""
    on_model = _ON_MODEL.fullmatch(_origin_form(target))
    assert on_model is not None
    try:
        return unquote(on_model[1].decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("The model's name in the path is not UTF-8, percent-encoded.", param="model") from None


def query_of(target: bytes, name: str) -> str | None:
    """Return a parameter of a request's query; None when it is absent."""
    query = target.partition(b"?")[2]
    return parse_qs(query.decode("latin-1")).get(name, [None])[0] if query else None


def dialect_of(target: bytes, headers: dict[bytes, bytes]) -> str:
    """Return the dialect in which a request is answered that no endpoint takes, or that goes wrong before one does."""
    found = endpoint_of(target)
    if found is not None:
        return found.dialect
    path = _origin_form(target)
    if path.startswith(b"/v1beta/") or b"x-goog-api-key" in headers:
        return "gemini"
    if b"anthropic-version" in headers:
        return "anthropic"
    return "openai-responses" if path.startswith((b"/v1/responses/", b"/responses/")) else "openai"


def kept_in(path: str) -> tuple[str, str] | None:
    """Return the id of the kept response that a path names, and what is asked below it; None for other paths."""
    found = _KEPT.fullmatch(path)
    return (found[1], found[2] or "") if found is not None else None


def is_page(path: str) -> bool:
    """Say whether a path is answered by the gateway itself."""
    return path in PAGES or path.startswith(_BELOW_MODELS)


def _origin_form(target: bytes) -> bytes:
    """Return path and query of a target in absolute form (RFC 9112, 3.2.2), or what is in origin form already."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    return b"/" + target.partition(b"://")[2].partition(b"/")[2]


_TARGETS = {path.encode(): one for full, one in ENDPOINTS.items() for path in (full, full.removeprefix("/v1"))}
