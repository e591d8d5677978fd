"""Which models a name stands for, where Converse leaves a setting to them.

Names are base models (`anthropic.claude-sonnet-4-6`), inference profiles (`us.amazon.nova-pro-v1:0`) and ARNs. Those of
application inference profiles, provisioned and custom models do not tell their model.
"""

import re
from typing import Final, Literal

from msgspec import Struct

__all__ = ["Family", "family_of"]

_OPAQUE: Final = re.compile(r"^arn:.*:(?:application-inference-profile|provisioned-model|custom-model|[a-z-]*prompt)")
_CLAUDE_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")

_NOVA_VERSION: Final = re.compile(r"nova-(\d+)-")


class Family(Struct, frozen=True):
    """Whose a model is; `unknown`: its name does not tell. `version` is (0, 0) where the name does not tell that."""

    name: Literal["claude", "nova", "gpt-oss", "cohere", "other", "unknown"]
    version: tuple[int, int] = (0, 0)

    @property
    def caches(self) -> bool:
        """Whether cache points may be sent (Bedrock User Guide, "Prompt caching": Claude and Nova; other models answer
        400)."""
        return self.name in ("claude", "nova", "unknown")

    @property
    def adapts(self) -> bool:
        """Whether it thinks as much as it sees fit (User Guide, "Adaptive thinking": Claude from 4.6 on; older ones
        want a number of tokens)."""
        return self.name == "claude" and self.version >= (4, 6)

    @property
    def thinks_by_config(self) -> bool:
        """Whether `reasoningConfig` says how it thinks (Nova 2 User Guide, "Using the Converse API")."""
        return self.name == "nova" and self.version >= (2, 0)


def family_of(model: str) -> Family:
    """Return whose a model is, by its name or ARN."""
    name = model.lower()
    if "claude" in name or "anthropic." in name:
        found = _CLAUDE_VERSION.search(name)
        return Family("claude", (int(found[1]), int(found[2] or 0)) if found else (0, 0))
    if "amazon.nova" in name:
        found = _NOVA_VERSION.search(name)
        return Family("nova", (int(found[1]), 0) if found else (1, 0))
    if "openai." in name:
        return Family("gpt-oss")
    if "cohere." in name:
        return Family("cohere")
    return Family("unknown" if _OPAQUE.match(name) else "other")
