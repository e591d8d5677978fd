"""When two calls ask the same: what of a request, its headers and its caller says what is asked, and for whom."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from steelyard.cache import NotNormal, digest_of, members_of, written
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.gateway.body import JsonBody, PathBody

if TYPE_CHECKING:
    from steelyard.config.settings import CacheSettings
    from steelyard.gateway.account import Body
    from steelyard.gateway.call import Call
    from steelyard.gateway.way import Way
    from steelyard.keys.key import Key

__all__ = ["Likeness"]

_VERSION: Final = 1
"""Changes when answers that were kept before are to be found no more."""

_FAMILIES: Final = {
    "chat/completions": "chat",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "responses": "responses",
    "messages": "messages",
    "generateContent": "generate",
    "streamGenerateContent": "generate",
}
"""Endpoints whose answers are kept; one family's are answers to each other's calls."""

_SPOKEN: Final = (b"openai-beta", b"openai-organization", b"openai-project", b"anthropic-version", b"anthropic-beta")
"""Headers that go on to providers (`gateway.heads`), and may change the answer."""

_ELSEWHERE: Final = frozenset(
    (
        "previous_response_id",  # OpenAI API reference, "Create a model response": conversations and prompts that it
        "conversation",  # keeps, answers that are made later, tools that it runs
        "prompt",
        "background",
        "web_search_options",  # OpenAI API reference, "Create chat completion"
        "search_parameters",  # xAI API reference, "Chat completions"
        "plugins",  # OpenRouter documentation, "Web search"
        "mcp_servers",  # Anthropic API, "MCP connector"
        "container",  # Anthropic API, "Code execution tool"
        "cachedContent",  # Gemini API reference, "GenerateContentRequest"
        "cached_content",
    )
)
"""Members by which an answer depends on what lies, or happens, at the provider."""

_MOST_FORMS: Final = 8192


class Likeness:
    """Digests of what calls ask. What they come to is known again by the bytes of their bodies."""

    __slots__ = ("_forms", "_most_bytes", "_share")

    def __init__(self, settings: CacheSettings) -> None:
        self._share = settings.share
        self._most_bytes = settings.max_entry_bytes
        self._forms: dict[tuple[bytes, str], tuple[bytes, bool] | None] = {}

    def of(self, call: Call, way: Way, body: Body) -> bytes | None:
        """Return the digest of what is asked, and for whom; None where no answer to it may be kept."""
        family = _FAMILIES.get(call.endpoint.name)
        if family is None or not isinstance(body, JsonBody | PathBody) or body.size > self._most_bytes:
            return None
        if body.previous is not None:
            return None
        name = (sha256(body.raw).digest(), family)
        forms = self._forms
        if name in forms:
            form = forms[name]
        else:
            if len(forms) >= _MOST_FORMS:
                forms.clear()
            form = forms[name] = self._form(body.raw, family)
        if form is None or (form[1] and _is_relayed(call, way)):
            return None
        headers = call.incoming.headers
        said = [headers.get(one) for one in _SPOKEN]
        strict = headers.get(b"x-steelyard-strict", b"")
        who = _whom(call.key, self._share)
        return digest_of(_VERSION, family, way.route, way.plan.purpose, who, said, strict, form[0])

    def _form(self, raw: bytes, family: str) -> tuple[bytes, bool] | None:
        """Return the digest of a body's normal form, and whether the provider keeps the answer, should it be asked in
        its own dialect; None where no answer may be kept."""
        try:
            members = members_of(raw)
        except NotNormal:
            return None
        if members.get("store") is True or not _ELSEWHERE.isdisjoint(name for name in members if members[name]):
            return None
        if "tools" in members and not all(map(_is_clients, _listed(members["tools"]))):
            return None
        for name in ("model", "stream", "stream_options"):
            members.pop(name, None)
        if self._share != "user":
            _leave_out_user(members, family)
        # OpenAI API reference, "Create a model response", store: true, where it is not said.
        kept = family == "responses" and members.get("store") is not False
        try:
            return sha256(written(members)).digest(), kept
        except NotNormal:
            return None


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_clients(tool: JsonValue) -> bool:
    """Say whether a tool is run by the client: one that the provider runs may find something else each time."""
    if not isinstance(tool, dict):
        return False
    if "type" in tool:
        return tool["type"] in ("function", "custom")
    declared = {"functionDeclarations", "function_declarations"}
    return "input_schema" in tool or "parameters" in tool or (bool(tool) and set(tool) <= declared)


def _leave_out_user(members: JsonObject, family: str) -> None:
    """Leave out whom a caller calls for. The Responses tell it in their answers: there it stays."""
    if family == "responses":
        return
    members.pop("user", None)
    members.pop("safety_identifier", None)
    metadata = members.get("metadata")
    if family == "messages" and isinstance(metadata, dict):
        members["metadata"] = {name: value for name, value in metadata.items() if name != "user_id"}


def _is_relayed(call: Call, way: Way) -> bool:
    return any(call.endpoint.name in lane.target.paths for lane in way.lanes)


def _whom(key: Key | None, share: str) -> tuple[str, str]:
    """Return for whom answers are kept: kind and name."""
    if share == "all":
        return "all", ""
    if key is None:
        return "nobody", ""
    if share == "team" and key.team is not None:
        return "team", key.team
    return "key", key.id
