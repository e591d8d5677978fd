"""The clouds' own libraries, which are optional and slow to import: they are loaded when first needed."""

from importlib import import_module
from typing import Any

from steelyard.gateway.signing.renewal import unavailable

__all__ = ["library"]


def library(name: str, extra: str) -> Any:
    """Return a module. Raises UpstreamError, which names the extra of ours that brings it along."""
    try:
        return import_module(name)
    except ImportError as error:
        package = (error.name or name).partition(".")[0]
        raise unavailable(f"{package} is not installed. Run: pip install 'steelyard[{extra}]'") from None
