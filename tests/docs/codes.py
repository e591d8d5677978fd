"""The codes of errors, read from the source without running it: every one that a call may be answered with."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias, get_args

from msgspec import Struct

import steelyard
from steelyard.core import errors
from steelyard.core.errors import CallError
from steelyard.gateway.race import Phase

__all__ = ["SOURCE", "Found", "emitted"]

SOURCE: Final = Path(steelyard.__file__).parent
_KINDS: Final = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, CallError)
}
# A call that waits for its next attempt ends by its total time (`Call.expire`); the others name their phase.
_TIMEOUTS: Final = {*get_args(Phase), "total"} - {"wait"}
_OF_UPSTREAM: Final = ("code", "kind")
"""Attributes whose value is another error's code, or the provider's own word, handed on."""

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Found(Struct, frozen=True, order=True):
    """A code that the source gives to an error, with the error's status."""

    code: str
    status: int


class Maker(Struct, frozen=True):
    """A function that is given the code of the error which it makes: where among its arguments, and the default."""

    kind: type[CallError]
    place: int
    name: str
    default: ast.expr | None


class Site(Struct, frozen=True):
    """A call in the source, and the function that it stands in."""

    call: ast.Call
    within: _Function | None


def emitted() -> list[Found]:
    """Return every code in the source, each once. Raises AssertionError for one that cannot be read."""
    # The catalogue reads files, for which nobody is answered; its functions have other functions' names.
    files = (file for file in sorted(SOURCE.rglob("*.py")) if "catalog" not in file.relative_to(SOURCE).parts)
    sites = [site for file in files for site in _sites(ast.parse(file.read_text("utf-8")))]
    makers = _makers(sites)
    found = {one for site in sites for one in _found(site, makers)}
    return sorted(found)


def _sites(node: ast.AST, within: _Function | None = None) -> Iterator[Site]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield Site(child, within)
        yield from _sites(child, child if isinstance(child, _Function) else within)


def _makers(sites: list[Site]) -> dict[str, Maker]:
    """Return, by name, the functions that hand a parameter on as a code: to an error, or to another such function."""
    makers: dict[str, Maker] = {}
    while True:
        known = len(makers)
        for site in sites:
            given, kind = _given(site.call, makers)
            if kind is None or not isinstance(given, ast.Name) or site.within is None:
                continue
            names = [one.arg for one in site.within.args.args]
            if given.id in names:
                place = names.index(given.id)
                default = dict(zip(reversed(names), reversed(site.within.args.defaults), strict=False)).get(given.id)
                method = names[0] in ("self", "cls")
                makers[site.within.name] = Maker(kind, place - method, given.id, default)
        if len(makers) == known:
            return makers


def _given(call: ast.Call, makers: dict[str, Maker]) -> tuple[ast.expr | None, type[CallError] | None]:
    """Return what a call gives as the code, and the error that it makes; None for a call that makes none."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in _KINDS:
        return next((word.value for word in call.keywords if word.arg == "code"), None), _KINDS[name]
    maker = makers.get(name)
    if maker is None:
        return None, None
    if len(call.args) > maker.place:
        return call.args[maker.place], maker.kind
    return next((word.value for word in call.keywords if word.arg == maker.name), maker.default), maker.kind


def _found(site: Site, makers: dict[str, Maker]) -> Iterator[Found]:
    given, kind = _given(site.call, makers)
    if kind is not None:
        yield from (Found(code, kind.status) for code in _codes(given, kind, site.within))


def _codes(given: ast.expr | None, kind: type[CallError], within: _Function | None) -> list[str]:
    match given:
        case None:
            return [kind.code]
        case ast.Constant(value=str(code)):
            return [code]
        case ast.JoinedStr(values=[ast.Constant(value="upstream_timeout_"), ast.FormattedValue()]):
            return [f"upstream_timeout_{phase}" for phase in _TIMEOUTS]
        case ast.Attribute(attr=attr) if attr in _OF_UPSTREAM:
            return []
        case ast.IfExp(body=one, orelse=other):
            return [*_codes(one, kind, within), *_codes(other, kind, within)]
        case ast.BoolOp(op=ast.Or(), values=values):
            return [code for one in values for code in _codes(one, kind, within)]
        case ast.Name(id=name) if within is not None:
            return _of_name(name, kind, within)
    raise AssertionError(f"a code that this test cannot read: {ast.unparse(given)}")


def _of_name(name: str, kind: type[CallError], within: _Function) -> list[str]:
    """Return the codes that a function's own name stands for; none for a parameter, whose callers are read instead."""
    if name in [one.arg for one in within.args.args]:
        return []
    values = [
        node.value
        for node in ast.walk(within)
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
    ]
    assert values, f"a code that this test cannot read: {name} in {within.name}"
    return [code for value in values for code in _codes(value, kind, within)]
