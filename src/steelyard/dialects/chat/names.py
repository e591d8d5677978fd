"""What a model's name tells of the server behind it.

OpenAI's own models want what compatible servers reject, and the other way round:

- `max_completion_tokens`: OpenAI refuses `max_tokens` for its reasoning models ("Unsupported parameter: 'max_tokens' is
  not supported with this model", github.com/pydantic/pydantic-ai/issues/1205), Mistral refuses `max_completion_tokens`
  (422 "extra_forbidden", github.com/mistralai/platform-docs-public/issues/7), and DeepSeek documents only `max_tokens`.
- role `developer`: refused by DeepSeek and DeepInfra (github.com/earendil-works/pi/issues/1048, pull/1578).
- `allowed_tools`, `prompt_cache_key`: OpenAI's (API reference, "Create chat completion").

So they are written for names of OpenAI's own, "openai/" or not in front; all others get the older words, which every
compatible server knows.
"""

import re
from functools import lru_cache

__all__ = ["is_google", "is_openai"]

_OPENAI = re.compile(r"(?:.*/)?(?:gpt-(?:\d|audio)|o\d|chatgpt-|chat-latest|codex-|computer-use-|ft:(?:gpt-\d|o\d))")


@lru_cache(maxsize=1024)
def is_openai(model: str) -> bool:
    """Say whether a model is one of OpenAI's own, by its name at the provider: not `gpt-oss`, which others serve."""
    return _OPENAI.match(model) is not None


def is_google(model: str) -> bool:
    """Say whether a model is one of Google's, whose server of this dialect gives thought signatures and wants them
    back."""
    return "gemini" in model or "gemma" in model
