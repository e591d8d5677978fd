"""Read what a GGUF file says of itself: its metadata and its tensors' shapes, not its weights.

Format: ggml docs/gguf.md (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3, little-endian.
"""

import math
import os
from collections import Counter
from pathlib import Path

from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.engines.ggml_types import FILE_TYPES, TENSOR_TYPES
from steelyard.engines.gguf_cursor import Cursor, Value

__all__ = ["GgufFile", "read_gguf"]

_MAX_KEY = 65_535  # gguf.md: "It must be at most 2^16-1/65535 bytes long"
_MAX_TENSOR_NAME = 256  # gguf.md: at most 64; ggml's own limit has been raised by builds
_MAX_DIMENSIONS = 8  # gguf.md: "Currently at most 4, but this may change"
_LEAST_KEY_VALUE = 8 + 4 + 1
_LEAST_TENSOR = 8 + 4 + 4 + 8
_BIG_ENDIAN_VERSIONS = (2 << 24, 3 << 24)


class GgufFile(Struct, frozen=True):
    """What the file at `path` says of itself; `None` where it says nothing. `context_length` is the number of tokens
    the model was trained for, `parameters` the number of weights, `quantization` llama.cpp's name (`Q4_1`), or the
    type that most weights have. `shards` is above 1 for one part of a split model. Large metadata values (vocabularies)
    are left out of `metadata`."""

    path: Path
    version: int
    size_bytes: int
    parameters: int
    metadata: dict[str, Value]
    architecture: str | None
    name: str | None
    licence: str | None
    licence_link: str | None
    context_length: int | None
    chat_template: str | None
    quantization: str | None
    shards: int


class _Tensors(Struct, frozen=True):
    parameters: int
    end: int  # bytes of tensor data that the file must have
    commonest: str | None


def read_gguf(path: Path) -> GgufFile:
    """Read the header of the GGUF file at `path`. A file that is not GGUF, is of a version we cannot read, lies about a
    length or ends too early raises StoreError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}. Check the path.") from None
    try:
        return _read(Cursor(fd, str(path)), path)
    except IsADirectoryError:
        raise StoreError(f"{path} is a directory. Name the .gguf file in it.") from None
    finally:
        os.close(fd)


def _read(cursor: Cursor, path: Path) -> GgufFile:
    version, tensor_count, pair_count = _header(cursor)
    metadata = _metadata(cursor, pair_count)
    tensors = _tensors(cursor, tensor_count)
    alignment = _whole(metadata, "general.alignment") or 32
    start = cursor.position + (-cursor.position % alignment)
    if tensor_count and start + tensors.end > cursor.size:
        raise cursor.broken(
            f"it has {cursor.size} bytes and its tensors need {start + tensors.end}, so its end is missing"
        )
    architecture = _text(metadata, "general.architecture")
    file_type = _whole(metadata, "general.file_type")
    return GgufFile(
        path=path,
        version=version,
        size_bytes=cursor.size,
        parameters=tensors.parameters,
        metadata=metadata,
        architecture=architecture,
        name=_text(metadata, "general.name"),
        licence=_text(metadata, "general.license"),
        licence_link=_text(metadata, "general.license.link"),
        context_length=_whole(metadata, f"{architecture}.context_length"),
        chat_template=_text(metadata, "tokenizer.chat_template"),
        quantization=tensors.commonest if file_type is None else FILE_TYPES.get(file_type, tensors.commonest),
        shards=_whole(metadata, "split.count") or 1,
    )


def _header(cursor: Cursor) -> tuple[int, int, int]:
    magic = cursor.take(min(4, cursor.size))
    if magic != b"GGUF":
        found = f"the bytes {magic.hex(' ')}" if magic else "nothing, as it is empty"
        raise cursor.broken(f"it begins with {found}, not with 47 47 55 46 (GGUF)")
    version = cursor.u32()
    if version in _BIG_ENDIAN_VERSIONS:
        raise cursor.broken("it is big-endian, made for another kind of machine")
    if version not in (2, 3):
        raise cursor.broken(f"it has format version {version}; versions 2 and 3 can be read")
    tensor_count, pair_count = cursor.u64(), cursor.u64()
    if pair_count * _LEAST_KEY_VALUE + tensor_count * _LEAST_TENSOR > cursor.left:
        raise cursor.broken(f"it promises {pair_count} values and {tensor_count} tensors, more than it can hold")
    return version, tensor_count, pair_count


def _metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    seen: set[str] = set()
    for _ in range(count):
        key = cursor.name(_MAX_KEY)
        if key in seen:
            raise cursor.broken(f"the key {key!r} occurs twice")
        seen.add(key)
        value = cursor.value(cursor.u32())
        if value is not None:
            metadata[key] = value
    return metadata


def _tensors(cursor: Cursor, count: int) -> _Tensors:
    weights: Counter[str] = Counter()
    parameters = end = 0
    for _ in range(count):
        cursor.name(_MAX_TENSOR_NAME)
        dimensions = cursor.u32()
        if dimensions > _MAX_DIMENSIONS:
            raise cursor.broken(f"a tensor of {dimensions} dimensions")
        elements = math.prod(cursor.u64() for _ in range(dimensions))
        kind, offset = cursor.u32(), cursor.u64()
        parameters += elements
        tensor_type = TENSOR_TYPES.get(kind)
        # A type newer than our table: where it begins is known, how long it is is not.
        length = -(-elements // tensor_type.block) * tensor_type.size if tensor_type else 0
        weights[tensor_type.name if tensor_type else f"type {kind}"] += elements
        end = max(end, offset + length)
    commonest = weights.most_common(1)
    return _Tensors(parameters, end, commonest[0][0] if commonest else None)


def _text(metadata: dict[str, Value], key: str) -> str | None:
    value = metadata.get(key)
    return value if isinstance(value, str) and value else None


def _whole(metadata: dict[str, Value], key: str) -> int | None:
    value = metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
