"""The scorers by name, made from options that a task or the command line gives."""

import tomllib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec.inspect as shapes
from msgspec import Struct, to_builtins

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import Findings, nearest
from steelyard.documents.locate import KeyPath
from steelyard.documents.shape import Invalid, read_struct
from steelyard.weigh.scorers.score import Scorer

__all__ = ["SCORERS", "label_of", "make_scorer", "options_from", "scorer", "scorer_class"]

# A table of places, so that only the chosen scorer's library is imported: SymPy alone takes a second or two.
SCORERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "exact": "steelyard.weigh.scorers.exact:Exact",
        "contains": "steelyard.weigh.scorers.contains:Contains",
        "regex": "steelyard.weigh.scorers.regex:Regex",
        "choice": "steelyard.weigh.scorers.choice:Choice",
        "numeric": "steelyard.weigh.scorers.numeric:Numeric",
        "latex": "steelyard.weigh.scorers.latex:Latex",
        "json_schema": "steelyard.weigh.scorers.json_schema:JsonSchema",
        "tool_call": "steelyard.weigh.scorers.tool_call:ToolCall",
        "instructions": "steelyard.weigh.scorers.instructions.scorer:Instructions",
        "overlap": "steelyard.weigh.scorers.overlap:Overlap",
        "refusal": "steelyard.weigh.scorers.refusal:Refusal",
        "python": "steelyard.weigh.scorers.python:Python",
    }
)
"""Every scorer's name, and where it lives (`module:class`)."""


def scorer(name: str, options: Mapping[str, Any] | None = None) -> Scorer:
    """Return the scorer of this name with these options. Raises ConfigError for a name or an option that is none."""
    findings = Findings(f"scorer {name}", {})
    made = make_scorer(name, options or {}, (), findings)
    mistakes = findings.in_order()
    if made is None or mistakes:
        raise ConfigError(*mistakes)
    return made


def make_scorer(name: str, options: Mapping[str, Any], path: KeyPath, findings: Findings) -> Scorer | None:
    """Return the scorer; None, with what is wrong reported below `path`, when there is none. Raises ConfigError for a
    name that is none, and for a library that is not installed."""
    kind = scorer_class(name)
    mistakes = len(findings.in_order())
    if not path:
        findings.origins |= {(field,): f"scorer {name}: {field}" for field in (*kind.__struct_fields__, *options)}
    try:
        made = read_struct(kind, options, path, findings)
    except ValueError as error:
        # A scorer's own check of its options, in its __post_init__.
        if path:
            findings.add(path, str(error))
        else:
            findings.add_whole(str(error))
        return None
    if isinstance(made, Invalid) or len(findings.in_order()) > mistakes:
        return None
    return made  # type: ignore[return-value]  # each class of SCORERS is a Scorer, which a type of Structs cannot say


def scorer_class(name: str) -> type[Struct]:
    """Return the class behind a name. Raises ConfigError for an unknown name, and for a library that is missing."""
    place = SCORERS.get(name)
    if place is None:
        known = f"; there are {', '.join(SCORERS)}"
        raise ConfigError(f'no scorer is called "{name}"{nearest(name, SCORERS, known)}')
    module, _, attribute = place.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'the scorer {name} needs {error.name}, which is not installed. Run: pip install "steelyard[weigh]"'
        ) from error
    assert isinstance(kind, type)
    assert issubclass(kind, Struct)
    return kind


def label_of(made: Scorer) -> str:
    """Return the name with the options that are not at their defaults: one text for equal scorers, for the record.

    An option that names a file is told with the beginning of its content's SHA-256. Raises ConfigError where the file
    cannot be read."""
    assert isinstance(made, Struct)
    fields = shapes.type_info(type(made)).fields  # type: ignore[attr-defined]  # of a Struct: it has fields
    told = [
        f"{field.name}={_told(value)}"
        for field in fields
        if (value := getattr(made, field.name)) != (None if field.required else field.default)
    ]
    return f"{made.name}({', '.join(told)})" if told else made.name


def _told(value: object) -> object:
    if not isinstance(value, Path):
        return to_builtins(value)
    try:
        return f"{value}@{sha256(value.read_bytes()).hexdigest()[:12]}"
    except OSError as error:
        raise ConfigError(f"{value}: cannot be read: {error.strerror or error}") from error


def options_from(name: str, settings: Iterable[str]) -> dict[str, Any]:
    """Return options from `key=value` texts: values of TOML, or words where a text is asked for. Raises ConfigError."""
    shape = shapes.type_info(scorer_class(name))
    fields = {field.name: field for field in shape.fields}  # type: ignore[attr-defined]  # of a Struct: it has fields
    options: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--option {setting}: expected key=value, like --option ignore_case=true")
        if key not in fields:
            known = f"; {name} has {', '.join(fields) or 'no options'}"
            raise ConfigError(f"--option {key}: unknown option{nearest(key, fields, known)}")
        options[key] = _value(fields[key].type, text)
    return options


def _value(shape: shapes.Type, text: str) -> Any:
    members = shape.types if isinstance(shape, shapes.UnionType) else (shape,)
    if any(isinstance(member, shapes.StrType | shapes.LiteralType | shapes.CustomType) for member in members):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        # Reported by the reader of options, which knows what is expected.
        return text
