"""Whether a request has the shape that its provider's reference prescribes, told in the provider's own words.

A shape is a type (`str`, `int`, `float`, `bool`, `dict`: any object), `ANY`, `None`, a frozenset of allowed strings, a
list of one shape for arrays, a dictionary of shapes (a key that ends in `!` is required), `Tagged`, or a tuple of
alternatives that differ in JSON's kind.
"""

from typing import Any, Protocol, TypeAlias

from msgspec import Struct

__all__ = ["ANY", "Refused", "Shape", "Tagged", "Words", "check"]

Shape: TypeAlias = Any
ANY = object()


class Refused(Exception):
    """The provider refuses a request, with this status and body."""

    def __init__(self, status: int, body: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers


class Words(Protocol):
    """How a provider tells what is wrong."""

    def join(self, path: str, key: str | int) -> str: ...
    def inside(self, path: str, tag: str) -> str: ...
    def unknown(self, path: str, key: str) -> Refused: ...
    def missing(self, path: str, key: str) -> Refused: ...
    def wrong(self, path: str, expected: str, value: Any) -> Refused: ...


class Tagged(Struct, frozen=True):
    """Objects whose member `tag` says which shape they have. `default` is the tag of one that has none."""

    tag: str
    shapes: dict[str, Shape]
    default: str | None = None


def check(value: Any, shape: Shape, words: Words, path: str = "") -> None:
    """Raise Refused when a value has another shape."""
    if shape is ANY:
        return
    if isinstance(shape, tuple):
        shape = next((one for one in shape if _fits(value, one)), shape[0])
    if not _fits(value, shape):
        raise words.wrong(path, _name(shape), value)
    if isinstance(shape, list):
        for index, item in enumerate(value):
            check(item, shape[0], words, words.join(path, index))
    elif isinstance(shape, Tagged):
        members = _tagged(value, shape, words, path)
        tag = value.get(shape.tag, shape.default)
        _members(value, members, words, words.inside(path, tag))
    elif isinstance(shape, dict):
        _members(value, shape, words, path)
    elif isinstance(shape, frozenset) and value not in shape:
        raise words.wrong(path, ", ".join(f"'{one}'" for one in sorted(shape)), value)


def _tagged(value: dict[str, Any], shape: Tagged, words: Words, path: str) -> dict[str, Shape]:
    tag = value.get(shape.tag, shape.default)
    if tag is None:
        raise words.missing(path, shape.tag)
    if tag not in shape.shapes:
        raise words.wrong(words.join(path, shape.tag), ", ".join(f"'{one}'" for one in shape.shapes), tag)
    return {shape.tag: ANY, **shape.shapes[tag]}


def _members(value: dict[str, Any], shape: dict[str, Shape], words: Words, path: str) -> None:
    for key in value:
        if key not in shape and f"{key}!" not in shape:
            raise words.unknown(path, key)
    for key, one in shape.items():
        name = key.removesuffix("!")
        if name in value:
            check(value[name], one, words, words.join(path, name))
        elif key.endswith("!"):
            raise words.missing(path, name)


def _fits(value: Any, shape: Shape) -> bool:
    if shape is None:
        return value is None
    if shape is ANY:
        return True
    if isinstance(shape, frozenset) or shape is str:
        return isinstance(value, str)
    if isinstance(shape, list):
        return isinstance(value, list)
    if isinstance(shape, dict | Tagged) or shape is dict:
        return isinstance(value, dict)
    if shape is bool:
        return isinstance(value, bool)
    if shape is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(shape: Shape) -> str:
    if isinstance(shape, tuple):
        return " or ".join(_name(one) for one in shape)
    if isinstance(shape, list):
        return "array"
    if isinstance(shape, dict | Tagged) or shape is dict:
        return "object"
    names = {str: "string", int: "integer", float: "number", bool: "boolean", None: "null"}
    return "string" if isinstance(shape, frozenset) else names[shape]
