"""Names for what no closer type can be said of, each with its reason."""

from typing import Any, TypeAlias

__all__ = ["JsonObject", "JsonValue", "Members"]

JsonValue: TypeAlias = Any
"""Decoded JSON whose shape is somebody else's: a client's, a tool's, a user's. It is looked at before it is used."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""Decoded JSON's object, of which the same is true."""

Members: TypeAlias = dict[str, Any]
"""Some members of a Struct by their names, on their way into one: each is of the type that the Struct gives it, which a
dictionary's type cannot say."""
