"""Bedrock's side of the wire, made here: event streams, and what AWS's own service model says of requests."""

import json
import re
import struct
import zlib
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

__all__ = ["complaints", "event", "exception", "message", "stream"]


def message(headers: list[tuple[str, int, bytes]], payload: bytes) -> bytes:
    """Return one message; a header is name, type and the bytes of its value."""
    lines = b"".join(
        bytes([len(name)])
        + name.encode()
        + bytes([kind])
        + (struct.pack(">H", len(value)) if kind in (6, 7) else b"")
        + value
        for name, kind, value in headers
    )
    prelude = struct.pack(">II", 16 + len(lines) + len(payload), len(lines))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + lines + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(name: str, fields: object) -> bytes:
    """Return an event as Bedrock sends it."""
    headers = [
        (":event-type", 7, name.encode()),
        (":content-type", 7, b"application/json"),
        (":message-type", 7, b"event"),
    ]
    return message(headers, json.dumps(fields).encode())


def exception(name: str, fields: object) -> bytes:
    """Return an exception in mid-stream."""
    headers = [
        (":exception-type", 7, name.encode()),
        (":content-type", 7, b"application/json"),
        (":message-type", 7, b"exception"),
    ]
    return message(headers, json.dumps(fields).encode())


def stream(*events: tuple[str, object]) -> bytes:
    return b"".join(event(name, fields) for name, fields in events)


@cache
def _shape(operation: str) -> Any:
    model = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")
    return model.operation_model(operation).input_shape


def complaints(body: bytes, operation: str = "Converse") -> list[str]:
    """Return what AWS's service model has against a body: types, members, unions, enumerations, patterns, lengths."""
    fields = json.loads(body)
    report = ParamValidator().validate({"modelId": "m", **fields}, _shape(operation))
    found = [report.generate_report()] if report.has_errors() else []
    _walk(_shape(operation), fields, "", found)
    return found


def _walk(shape: Any, value: Any, at: str, found: list[str]) -> None:
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            found += [f"{at}.{name}: unknown" for name in value if name not in shape.members]
            for name, member in shape.members.items():
                if name in value:
                    _walk(member, value[name], f"{at}.{name}", found)
        case "list":
            if len(value) < shape.metadata.get("min", 0):
                found.append(f"{at}: too short")
            for number, one in enumerate(value):
                _walk(shape.member, one, f"{at}[{number}]", found)
        case "string":
            _check_text(shape, value, at, found)


def _check_text(shape: Any, value: str, at: str, found: list[str]) -> None:
    pattern = shape.metadata.get("pattern")
    if shape.enum and value not in shape.enum:
        found.append(f"{at}: {value!r} is none of {shape.enum}")
    if pattern and not re.fullmatch(pattern, value):
        found.append(f"{at}: {value!r} does not match {pattern}")
    if len(value) < shape.metadata.get("min", 0) or len(value) > shape.metadata.get("max", 1 << 30):
        found.append(f"{at}: wrong length")
