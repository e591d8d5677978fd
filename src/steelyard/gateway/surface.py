"""What is served, and where."""

from msgspec import Struct

__all__ = ["ENDPOINTS", "PAGES", "Endpoint", "endpoint_of", "is_page"]


class Endpoint(Struct, frozen=True):
    """A path that is answered by a model. `form`: the request is multipart and is streamed on; `passes`: the answer is
    relayed as it comes, whatever its type; else it is JSON, or a stream of events where one was asked for."""

    name: str
    form: bool = False
    passes: bool = False
    streams: bool = False


ENDPOINTS = {
    f"/v1/{one.name}": one
    for one in (
        Endpoint("chat/completions", streams=True),
        Endpoint("completions", streams=True),
        Endpoint("embeddings"),
        Endpoint("rerank"),
        Endpoint("images/generations", passes=True),
        Endpoint("audio/transcriptions", form=True, passes=True),
    )
}

PAGES = frozenset(("/livez", "/readyz", "/health/liveness", "/health/readiness", "/metrics", "/v1/models", "/models"))


def endpoint_of(target: bytes) -> Endpoint | None:
    """Return the endpoint that a request's target names; with and without `/v1`, and whatever its query."""
    found = _TARGETS.get(target)
    if found is None and (b"?" in target or b"://" in target):
        path = target.partition(b"?")[0]
        if b"://" in path:
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        found = _TARGETS.get(path)
    return found


def is_page(path: str) -> bool:
    """Say whether a path is answered by the gateway itself."""
    return path in PAGES or path.startswith(("/v1/models/", "/models/"))


_TARGETS = {path.encode(): one for full, one in ENDPOINTS.items() for path in (full, full.removeprefix("/v1"))}
