"""JSON schema: the output is JSON, and valid by a schema of JSON Schema."""

import json
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from jsonschema import FormatChecker, SchemaError  # type: ignore[import-untyped]  # it has no types
from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # it has no types
from msgspec import Struct
from referencing import Registry
from referencing.exceptions import Unresolvable

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.json_text import json_values, lone_json
from steelyard.weigh.scorers.score import Sample, Score, judged

__all__ = ["JsonSchema"]

_LIBRARY: Final = f"jsonschema {version('jsonschema')}"


class JsonSchema(Struct, frozen=True, kw_only=True):
    """1 where the output is valid by the schema; 0 where it is not, and where it is no JSON, which is counted as
    unparsed.

    The schema is `schema`, a table; `file`, a file of JSON; or else the item's target. Its dialect is what "$schema"
    says, or draft 2020-12. References outside the schema are refused, never fetched. `find`: "whole" asks that the
    output is JSON and nothing else (a Markdown fence apart), "anywhere" takes the first object or list in it.
    `formats`: check "format" too, which JSON Schema leaves open (Validation, section 7.2.1).
    """

    name: ClassVar[str] = "json_schema"
    version: ClassVar[str] = f"1 ({_LIBRARY})"
    summary: ClassVar[str] = "The output is JSON and valid by a schema."

    schema: dict[str, Any] | None = None
    file: Path | None = None
    find: Literal["whole", "anywhere"] = "whole"
    formats: bool = False

    def score(self, sample: Sample) -> Score:
        """Check one output. Raises ConfigError for a schema that is none."""
        validator = self._validator(sample.target)
        try:
            value = lone_json(sample.output) if self.find == "whole" else _first(sample.output)
        except ValueError as error:
            return Score(0.0, False, {"reason": f"no JSON: {error}"})
        try:
            wrong = next(iter(validator.iter_errors(value)), None)
        except Unresolvable as error:
            raise ConfigError(f"the schema refers to {error.ref!r}, which is not in it") from error
        except RecursionError:
            return Score(0.0, False, {"reason": "no JSON: brackets are nested too deeply"})
        if wrong is None:
            return judged(True)
        return judged(False, where=wrong.json_path, reason=wrong.message[:200])

    def _validator(self, target: Any) -> Any:
        if self.schema is not None:
            return _made(json.dumps(self.schema, sort_keys=True), self.formats)
        if self.file is not None:
            return _made(_read(self.file), self.formats)
        if target is None:
            raise ConfigError(
                "the scorer json_schema needs the option schema or file, or a schema as the item's target"
            )
        return _made(target if isinstance(target, str) else json.dumps(target, sort_keys=True), self.formats)


@lru_cache(maxsize=1024)
def _made(text: str, formats: bool) -> Any:
    try:
        schema = json.loads(text)
        kind = validator_for(schema)
        kind.check_schema(schema)
    except (ValueError, TypeError, SchemaError) as error:
        reason = error.message if isinstance(error, SchemaError) else str(error)
        raise ConfigError(f"the schema is no JSON Schema: {reason[:200]}") from error
    # A registry of its own: without one, jsonschema fetches what a schema refers to.
    return kind(schema, registry=Registry(), format_checker=FormatChecker() if formats else None)


@lru_cache(maxsize=64)
def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the schema cannot be read: {error}") from error


def _first(text: str) -> Any:
    for value in json_values(text):
        return value
    raise ValueError("no object and no list")
