"""Read tables of TOML into Structs, noting every mistake instead of stopping at the first."""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Final, TypeVar, cast

import msgspec.inspect as shapes
from msgspec import Struct

from steelyard.documents.findings import Findings, nearest
from steelyard.documents.locate import KeyPath

__all__ = ["INVALID", "Invalid", "read_field", "read_struct", "read_text", "unknown_keys"]

T = TypeVar("T", bound=Struct)


class Invalid:
    """What a reader returns in place of a value that it has reported."""


INVALID: Final = Invalid()


@cache
def _fields(struct: type[Struct]) -> dict[str, shapes.Field]:
    described = shapes.type_info(struct)
    assert isinstance(described, shapes.StructType)
    return {field.name: field for field in described.fields}


def read_struct(struct: type[T], table: object, path: KeyPath, findings: Findings) -> T | Invalid:
    """Return the Struct that `table` describes; a wrong field is reported and left at its default.

    `INVALID` when it is no table, or when a field without a default is missing or wrong.
    """
    if not isinstance(table, Mapping):
        findings.add(path, f"expected a table, got {_kind(table)}")
        return INVALID
    fields = _fields(struct)
    unknown_keys(table, tuple(fields), path, findings)
    values: dict[str, object] = {}
    whole = True
    for name, field in fields.items():
        if name in table:
            value = read_field(struct, name, table[name], (*path, name), findings)
            if not isinstance(value, Invalid):
                values[name] = value
        elif field.required:
            findings.add((*path, name), "missing")
        whole = whole and (name in values or not field.required)
    return struct(**values) if whole else INVALID


def read_field(struct: type[Struct], name: str, raw: object, path: KeyPath, findings: Findings) -> object:
    """Return the value of one field, checked for type and range, or `INVALID`."""
    value = _read(_fields(struct)[name].type, raw, path, findings)
    if isinstance(value, Invalid):
        return value
    wrong = findings.complaint(struct, name, value) if findings.complaint is not None and value is not None else None
    if wrong is not None:
        findings.add(path, wrong)
        return INVALID
    return value


def read_text(struct: type[Struct], name: str, text: str, path: KeyPath, findings: Findings) -> object:
    """Do as `read_field` with a variable of the environment, which is text even where a number is meant."""
    shape = _fields(struct)[name].type
    number: object = text
    if isinstance(shape, shapes.IntType | shapes.FloatType):
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
            findings.add(path, f'expected a whole number, got "{text[:40]}"')
            return INVALID
        number = int(text)
    return read_field(struct, name, number, path, findings)


def unknown_keys(table: Mapping[str, object], known: tuple[str, ...], path: KeyPath, findings: Findings) -> None:
    """Report each key that is not known, with the nearest that is."""
    for name in table:
        if name not in known:
            choices = f"; known here: {', '.join(sorted(known))}"
            findings.add((*path, name), f"unknown key{nearest(name, known, choices)}")


def _read(shape: shapes.Type, raw: object, path: KeyPath, findings: Findings) -> object:
    match shape:
        case shapes.UnionType(types=types):
            (inner,) = (member for member in types if not isinstance(member, shapes.NoneType))
            return _read(inner, raw, path, findings)
        case shapes.StructType(cls=cls):
            return read_struct(cls, raw, path, findings)
        case shapes.VarTupleType(item_type=item):
            return _read_list(item, raw, path, findings)
        case shapes.DictType(value_type=item):
            return _read_table(item, raw, path, findings)
        case _:
            value = _scalar(shape, raw)
            if isinstance(value, _Wrong):
                findings.add(path, value.text)
                return INVALID
            return value


def _read_list(item: shapes.Type, raw: object, path: KeyPath, findings: Findings) -> object:
    if not isinstance(raw, list | tuple):
        findings.add(path, f"expected a list, got {_kind(raw)}")
        return INVALID
    values = tuple(_read(item, value, (*path, index), findings) for index, value in enumerate(raw))
    return INVALID if any(isinstance(value, Invalid) for value in values) else values


def _read_table(item: shapes.Type, raw: object, path: KeyPath, findings: Findings) -> object:
    if not isinstance(raw, Mapping):
        findings.add(path, f"expected a table, got {_kind(raw)}")
        return INVALID
    read = {name: _read(item, value, (*path, name), findings) for name, value in raw.items()}
    # What is wrong has been reported; what is right goes on to the next checks.
    return {name: value for name, value in read.items() if not isinstance(value, Invalid)}


class _Wrong(Struct, frozen=True):
    text: str


def _scalar(shape: shapes.Type, raw: object) -> object:
    match shape:
        case shapes.StrType():
            return raw if isinstance(raw, str) else _expected("a string", raw)
        case shapes.BoolType():
            return raw if isinstance(raw, bool) else _expected("true or false", raw)
        case shapes.IntType():
            return raw if isinstance(raw, int) and not isinstance(raw, bool) else _expected("a whole number", raw)
        case shapes.FloatType():
            return _number(raw)
        case shapes.DecimalType():
            return _price(raw)
        case shapes.LiteralType(values=values):
            return _choice(values, raw)
        case shapes.DateType():
            return raw if type(raw) is date else _expected("a date like 2026-11-22", raw)
        case shapes.AnyType():
            return raw
        case shapes.CustomType(cls=cls) if cls is Path:
            return Path(raw) if isinstance(raw, str) and raw and "\0" not in raw else _expected("a path", raw)
        case _:
            raise TypeError(f"no way is known to write {shape} in TOML")


def _expected(what: str, raw: object) -> _Wrong:
    return _Wrong(f"expected {what}, got {_kind(raw)}")


def _number(raw: object) -> object:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return _expected("a number", raw)
    if not math.isfinite(raw) or abs(raw) > 1e30:
        return _Wrong("expected a finite number")
    return float(raw)


def _choice(values: tuple[object, ...], raw: object) -> object:
    names = [str(value) for value in values]
    if raw in names:
        return raw
    got = f'got "{raw}"{nearest(raw, names)}' if isinstance(raw, str) else f"got {_kind(raw)}"
    return _Wrong(f"expected one of {', '.join(names)}, {got}")


def _price(raw: object) -> object:
    if isinstance(raw, float):
        # 0.1 + 0.2 != 0.3 in binary floating point, and a bill is added up from millions of these.
        return _Wrong('write the amount as a string, like "2.50": a float cannot hold it exactly')
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        return _expected('an amount as a string, like "2.50"', raw)
    try:
        price = Decimal(raw)
    except InvalidOperation:
        return _Wrong('expected an amount like "2.50"')
    return price if price.is_finite() else _Wrong('expected an amount like "2.50"')


_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number with a fraction"),
    (str, "a string"),
    ((list, tuple), "a list"),
    (Mapping, "a table"),
    ((date, datetime, time), "a date or time"),
)


def _kind(raw: object) -> str:
    """Name a value's type for a person. Never the value: it may be a secret."""
    if raw == "":
        return "an empty string"
    return next((name for kinds, name in _KINDS if isinstance(raw, cast(type, kinds))), type(raw).__name__)
