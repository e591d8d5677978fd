"""Every dialect by its name, as configuration and records have it."""

from collections.abc import Mapping

from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.bedrock import BEDROCK
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Dialect, UpstreamDialect
from steelyard.dialects.gemini import GEMINI
from steelyard.dialects.responses import RESPONSES

__all__ = ["DIALECTS", "UPSTREAM_DIALECTS"]

DIALECTS: Mapping[str, Dialect] = {one.name: one for one in (CHAT, RESPONSES, ANTHROPIC, GEMINI)}
"""The dialects that clients may speak."""

UPSTREAM_DIALECTS: Mapping[str, UpstreamDialect] = {**DIALECTS, BEDROCK.name: BEDROCK}
"""The dialects that providers may speak."""
