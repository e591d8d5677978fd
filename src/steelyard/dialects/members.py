"""One JSON object of a request, read member by member: what is not read is left over, and nothing gets lost."""

from typing import Any

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Fields

__all__ = ["Members", "decode_object", "wrong"]

_decode = msgspec.json.Decoder().decode


def decode_object(body: bytes) -> Fields:
    """Return a body's JSON object. Raises BadRequest."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(
            f"The body is not JSON: {error}. Send one JSON object, in UTF-8.", code="invalid_json"
        ) from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply. Flatten it.", code="invalid_json") from None
    if not isinstance(found, dict):
        raise BadRequest("The body is no JSON object. Send one.", code="invalid_json")
    return found


def wrong(path: str, what: str, code: str = "invalid_request") -> BadRequest:
    """Return the error that says what is wrong with the value at a path."""
    return BadRequest(f"{path}: {what}", code=code, param=path)


class Members:
    """The members of one object that stands at `at` ("" for the body itself). Each read takes a member away; a null
    counts as absent. Every read raises BadRequest, with the member's path, for a value of another type."""

    __slots__ = ("_left", "at")

    def __init__(self, value: Any, at: str = "") -> None:
        if not isinstance(value, dict):
            raise wrong(at, f"expected an object, got {_kind(value)}", "invalid_type")
        self._left: Fields = dict(value)
        self.at = at

    def path(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.at}.{name}" if self.at else name

    def __contains__(self, name: str) -> bool:
        return self._left.get(name) is not None

    def any(self, name: str) -> Any:
        """Return a member, whatever it is; None when it is absent."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        raise self._expected(name, "a string", value)

    def needed_text(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if value is None:
            raise wrong(self.path(name), "is missing. Give a string.", "missing_field")
        return value

    def integer(self, name: str) -> int | None:
        value = self._left.pop(name, None)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self._expected(name, "an integer", value)

    def number(self, name: str) -> float | None:
        value = self._left.pop(name, None)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise self._expected(name, "a number", value)

    def flag(self, name: str) -> bool | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, bool):
            return value
        raise self._expected(name, "true or false", value)

    def object(self, name: str) -> Fields | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, dict):
            return value
        raise self._expected(name, "an object", value)

    def array(self, name: str) -> list[Any] | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, list):
            return value
        raise self._expected(name, "an array", value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return an array of strings; a lone string stands for one of itself."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise self._expected(name, "a string or an array of strings", value)

    def rest(self) -> Fields:
        """Return what was not read."""
        return self._left

    def _expected(self, name: str, what: str, value: Any) -> BadRequest:
        return wrong(self.path(name), f"expected {what}, got {_kind(value)}", "invalid_type")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for kind, name in ((str, "a string"), (int, "an integer"), (float, "a number"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "an object"
