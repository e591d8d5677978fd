"""The prices that genai-prices publishes, without the library around them.

genai-prices builds its snapshot of pydantic models and brings an HTTP client to update it: importing it takes 0.23 to
0.38 s of CPU and 31 MB, more than half of what a gateway may take to start and to live. Its prices are a Python file
that constructs plain objects (`genai_prices/data.py`: `from .types import *; providers = [...]`). Here that file is run
with the light nouns of `pricebook.types` in place of the library's: 0.02 s and 3 MB. When a release writes the file
otherwise, the library itself is imported: its objects have the same attributes, and everything works on, slower.
"""

import importlib.util
import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, cast

from steelyard.catalog.pricebook.types import ConditionalPrice, ModelInfo, ModelPrice, Provider, TieredPrices
from steelyard.core.errors import StoreError

__all__ = [
    "ConditionalPrice",
    "ModelInfo",
    "ModelPrice",
    "Provider",
    "TieredPrices",
    "find_model",
    "models_of",
    "price_providers",
    "read_file",
    "read_library",
    "version",
]

_LIBRARY = "genai_prices"
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


def read_file() -> list[Provider]:
    """Read genai-prices' data file with our nouns. Raises what a file of another form raises."""
    path = _library_path() / "data.py"
    # The loader takes the byte code that pip compiled, or compiles and keeps it: no parsing of 1.6 MB at every start.
    code = SourceFileLoader(f"{_LIBRARY}.data", str(path)).get_code(f"{_LIBRARY}.data")
    # `from .types import *` in the file means the module next to this one.
    names: dict[str, Any] = {"__name__": f"{__name__}.data", "__package__": __name__}
    exec(cast(Any, code), names)  # noqa: S102 - the code of an installed dependency, as an import would run it
    return cast(list[Provider], names["providers"])


def read_library() -> list[Provider]:
    """Read genai-prices' snapshot through the library. Slow to import, right for every release."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - only when the short way fails, see above

    return cast(list[Provider], get_snapshot().providers)


@cache
def version() -> str:
    """Return the installed release of genai-prices. (importlib.metadata would import the email package for it.)"""
    for folder in sorted(_library_path().parent.glob(f"{_LIBRARY}-*.dist-info")):
        return folder.name.removeprefix(f"{_LIBRARY}-").removesuffix(".dist-info")
    return "of an unknown release"


@cache
def _library_path() -> Path:
    spec = importlib.util.find_spec(_LIBRARY)
    if spec is None or spec.origin is None:
        raise StoreError("The library genai-prices, which knows the prices, is not installed. Install steelyard again.")
    return Path(spec.origin).parent


@cache
def _providers() -> dict[str, Provider]:
    try:
        providers = read_file()
    except (ImportError, OSError, SyntaxError, NameError, TypeError, AttributeError, KeyError):
        providers = read_library()
    return {provider.id: provider for provider in providers}


def price_providers() -> tuple[str, ...]:
    """Return the ids by which genai-prices knows providers."""
    return tuple(sorted(_providers()))


@lru_cache(maxsize=4096)
def find_model(provider_id: str, model: str) -> ModelInfo | None:
    """Find the model that a reference means, by genai-prices' rules: any of a provider's models that matches, else a
    model of the providers whose models it resells, else the same with a date written `-20251211` as `-2025-12-11`.

    An id that ends with `_*` is a router's: what follows the last ":" of the model names who serves it.
    """
    if provider_id.endswith("_*"):
        model, _, served_by = model.rpartition(":")
        provider_id = provider_id.removesuffix("*") + served_by
    provider = _providers().get(provider_id)
    if provider is None or not model:
        return None
    reference = model.lower()
    found = _match(provider, reference)
    if found is None and (dashed := _COMPACT_DATE.sub(_dashed, reference)) != reference:
        found = _match(provider, dashed)
    return found


def _match(provider: Provider, reference: str) -> ModelInfo | None:
    resold = [_providers().get(name) for name in provider.fallback_model_providers or ()]
    for seller in (provider, *resold):
        if seller is not None and (model := _first_match(seller.id, reference)) is not None:
            return model
    return None


def _first_match(provider_id: str, reference: str) -> ModelInfo | None:
    """Return the first of a provider's models that matches: only patterns are tried one by one."""
    models = _providers()[provider_id].models
    exact, patterned = _index(provider_id)
    found = exact.get(reference, len(models))
    for place in patterned:
        if place > found:
            break
        if models[place].is_match(reference):
            return models[place]
    return models[found] if found < len(models) else None


@cache
def _index(provider_id: str) -> tuple[dict[str, int], list[int]]:
    """Return the places of a provider's models: by name where a model is told by names alone, and of all others."""
    exact: dict[str, int] = {}
    patterned: list[int] = []
    for place, model in enumerate(_providers()[provider_id].models):
        if _is_exact(model.match):
            for name in _exact_names(model.match):
                exact.setdefault(name.lower(), place)
        else:
            patterned.append(place)
    return exact, patterned


def _is_exact(match: Any) -> bool:
    clauses = getattr(match, "or_", None)
    return hasattr(match, "equals") if clauses is None else all(map(_is_exact, clauses))


def _dashed(found: re.Match[str]) -> str:
    try:
        return f"-{date(*map(int, found.groups())).isoformat()}"
    except ValueError:
        return found.group(0)


def models_of(provider_id: str) -> Iterator[tuple[str, ModelInfo]]:
    """Yield a provider's models, each with a name by which `find_model` finds it. Models that have none are left out:
    genai-prices tells them by patterns only."""
    for provider in _providers().values():
        router, served_by = provider_id.removesuffix("*"), ""
        if provider_id.endswith("_*") and provider.id.startswith(router):
            served_by = f":{provider.id.removeprefix(router)}"
        elif provider.id != provider_id:
            continue
        for model in provider.models:
            for name in (model.id, *_exact_names(model.match)):
                if find_model(provider_id, name + served_by) is model:
                    yield name + served_by, model
                    break


def _exact_names(match: Any) -> Iterator[str]:
    if (name := getattr(match, "equals", None)) is not None:
        yield name
    for clause in getattr(match, "or_", ()):
        yield from _exact_names(clause)
