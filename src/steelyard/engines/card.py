"""The first card of a model: what its own file, and the place it came from, claim about it."""

import json
import tomllib
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.engines.gguf import GgufFile

__all__ = ["SCHEMA", "Card", "Claim", "first_card", "read_card", "write_card"]

SCHEMA = 1

ClaimValue = str | int | bool | list[str]


class Claim(Struct, frozen=True, omit_defaults=True):
    """One thing said about a model, who says it, and when that was looked up. `source` is `gguf:KEY` for the file's
    metadata, `file` for what was measured on the file, or where the file came from. A claim that is not there is
    unknown."""

    value: ClaimValue
    source: str
    retrieved: date
    expires: date | None = None
    sha256: str | None = None


class Card(Struct, frozen=True):
    """The claims about the model `model`. `origin` is the place its file was taken from."""

    model: str
    origin: str
    claims: dict[str, Claim]
    schema: int = SCHEMA

    def text(self, claim: str) -> str | None:
        """Return a claim's value when it is a text, or None when it is unknown."""
        found = self.claims.get(claim)
        return found.value if found and isinstance(found.value, str) else None

    def number(self, claim: str) -> int | None:
        """Return a claim's value when it is a whole number, or None when it is unknown."""
        found = self.claims.get(claim)
        return found.value if found and isinstance(found.value, int) else None


# Names of claims and the metadata they are read from (ggml docs/gguf.md, "General metadata").
_FROM_METADATA = {
    "title": "general.name",
    "author": "general.author",
    "organization": "general.organization",
    "licence": "general.license",
    "licence_name": "general.license.name",
    "licence_link": "general.license.link",
    "description": "general.description",
    "url": "general.url",
    "repo_url": "general.repo_url",
    "quantized_by": "general.quantized_by",
    "finetune": "general.finetune",
    "languages": "general.languages",
    "datasets": "general.datasets",
    "tags": "general.tags",
    "architecture": "general.architecture",
    "chat_template": "tokenizer.chat_template",
}


def first_card(model: str, file: GgufFile, sha256: str, origin: str, today: date) -> Card:
    """Make the card of a model that has just been stored: `file`'s own claims, and what was measured on it."""
    claims: dict[str, Claim] = {}
    for name, key in _FROM_METADATA.items():
        value = file.metadata.get(key)
        if isinstance(value, str) and value:
            claims[name] = Claim(value, f"gguf:{key}", today)
        elif isinstance(value, list) and value:
            claims[name] = Claim([str(item) for item in value], f"gguf:{key}", today)
    parents = _parents(file)
    if parents:
        claims["base_model"] = Claim(parents, "gguf:general.base_model", today)
    if file.context_length:
        claims["context"] = Claim(file.context_length, f"gguf:{file.architecture}.context_length", today)
    if file.quantization:
        claims["quantization"] = Claim(file.quantization, "gguf:general.file_type", today)
    claims["parameters"] = Claim(file.parameters, "gguf:tensors", today)
    claims["size_bytes"] = Claim(file.size_bytes, "file", today)
    claims["sha256"] = Claim(sha256, "file", today)
    return Card(model, origin, claims)


def _parents(file: GgufFile) -> list[str]:
    # gguf.md, "Source metadata": general.base_model.count, then general.base_model.{id}.repo_url or .name
    count = file.metadata.get("general.base_model.count")
    found = []
    for number in range(min(count, 64) if isinstance(count, int) else 0):
        stem = f"general.base_model.{number}"
        parent = file.metadata.get(f"{stem}.repo_url") or file.metadata.get(f"{stem}.name")
        if isinstance(parent, str):
            found.append(parent)
    return found


def write_card(path: Path, card: Card) -> None:
    """Write `card` as TOML, for people to read and correct."""
    lines = [
        "# What is known of this model, who says so, and since when. What is not here is unknown.",
        f"schema = {card.schema}",
        f"model = {_toml(card.model)}",
        f"origin = {_toml(card.origin)}",
    ]
    for name, claim in card.claims.items():
        lines += ["", f"[claims.{name}]", f"value = {_toml(claim.value)}", f"source = {_toml(claim.source)}"]
        lines.append(f"retrieved = {claim.retrieved.isoformat()}")
        if claim.expires:
            lines.append(f"expires = {claim.expires.isoformat()}")
        if claim.sha256:
            lines.append(f"sha256 = {_toml(claim.sha256)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_card(path: Path) -> Card:
    """Read the card at `path`. One that cannot be read raises StoreError."""
    try:
        with path.open("rb") as file:
            return msgspec.convert(tomllib.load(file), Card)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise StoreError(
            f"The card {path} cannot be read: {error}. Correct it, or remove the model and pull it again."
        ) from None


def _toml(value: ClaimValue) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        # TOML 1.0 "String": a basic string escapes as JSON does, and DEL too, which JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return json.dumps(value)
