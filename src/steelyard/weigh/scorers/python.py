"""Python: a function of your own, named by its entry point."""

import hashlib
import inspect
import math
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, cast

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.score import Sample, Score, unparsed

__all__ = ["Python"]


class Python(Struct, frozen=True, kw_only=True):
    """What your function returns: a number, true or false, None for unparsed, or a `Score`.

    `function` is "module:function", found where Python finds modules and in the current directory. It is called as
    `function(output, target, row)`: a text, the item's target, the item's columns. Its code runs with your rights: name
    only code that you have read. The version is the first 12 digits of the SHA-256 of its module's source.
    """

    name: ClassVar[str] = "python"
    summary: ClassVar[str] = "A function of your own: module:function."

    function: str

    def __post_init__(self) -> None:
        """Refuse what names no function: with ValueError, as msgspec asks."""
        _function(self.function)
        _digest(self.function)

    @property
    def version(self) -> str:
        """The version: a digest of the module's source, so that changed code is another version."""
        return f"1 (sha256 {_digest(self.function)})"

    def score(self, sample: Sample) -> Score:
        """Call the function. Raises ConfigError where it returns no score, and where it raises, with the line."""
        function = _function(self.function)
        try:
            returned = function(sample.output, sample.target, sample.row)
        except Exception as error:  # it is somebody else's code, and may raise anything
            raise ConfigError(f"{self.function} raised {type(error).__name__}: {error}{_where(error)}") from error
        if isinstance(returned, Score):
            return returned
        if returned is None:
            return unparsed("the function returned None")
        if isinstance(returned, bool | int | float) and math.isfinite(returned):
            return Score(float(returned), True)
        raise ConfigError(f"{self.function} returned {returned!r:.60}; expected a finite number, true, false or None")


@lru_cache(maxsize=64)
def _function(target: str) -> Callable[[str, Any, Any], Any]:
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise ValueError('function: expected "module:function"')
    here = str(Path.cwd())
    if here not in sys.path:
        # A console script does not look in the current directory, where people keep such a module. It comes last, that
        # nothing that lies there may take the place of an installed module.
        sys.path.append(here)
    try:
        found = getattr(import_module(module_name), name)
    except AttributeError as error:
        raise ValueError(f"function: {error}") from error
    except Exception as error:  # a module is somebody else's code too, and may raise anything when it is imported
        told = str(error) if isinstance(error, ImportError) else f"{module_name}: {type(error).__name__}: {error}"
        raise ValueError(f"function: {told}") from error
    if not callable(found):
        raise ValueError(f"function: {target} is no function")
    return cast("Callable[[str, Any, Any], Any]", found)


@lru_cache(maxsize=64)
def _digest(target: str) -> str:
    module = sys.modules[target.partition(":")[0]]
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError) as error:
        raise ValueError(f"function: {target} has no source in Python, so nobody could tell when it changed") from error
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def _where(error: Exception) -> str:
    """Return the line that raised, in brackets: none where it is not in code of Python's beyond the call."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
