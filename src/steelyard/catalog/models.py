"""Local models that can be pulled by a short name."""

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError

__all__ = ["ModelSource", "model_table", "read_models"]

_TABLE = Path(__file__).parent / "data" / "models.toml"


class ModelSource(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a local model comes from: a GGUF file, `member` of the wheel `wheel==version` on the package index.

    `sha256` and `size_bytes` are the file's, not the wheel's. `licence` is an SPDX identifier. `chat`: the model was
    tuned to follow a conversation.
    """

    name: str
    title: str
    wheel: str
    version: str
    member: str
    sha256: str
    size_bytes: int
    licence: str
    chat: bool


@cache
def model_table() -> dict[str, ModelSource]:
    """Return the known local models by name. Treat it as read-only: it is shared."""
    return read_models(_TABLE.read_text(encoding="utf-8"), _TABLE.name)


def read_models(text: str, source: str) -> dict[str, ModelSource]:
    """Read local models from TOML, one table a model. Raises ConfigError with one line a mistake."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}. Correct the TOML there.") from error
    models: dict[str, ModelSource] = {}
    findings: list[str] = []
    for name, table in tables.items():
        try:
            models[name] = msgspec.convert({"name": name, **table}, ModelSource)
        except (msgspec.ValidationError, TypeError) as error:
            findings.append(f"{source}: [{name}]: {error}. Correct this field.")
    if findings:
        raise ConfigError(*findings)
    return models
