"""Walk through the bytes of a GGUF file's front without holding them, and without believing any length in them."""

import os
import struct

from steelyard.core.errors import StoreError

__all__ = ["Cursor", "Value"]

Value = str | int | float | bool | list["Value"]

_WINDOW = 1 << 20
_KEPT_STRING = 1 << 20  # a chat template has some kilobytes; a longer string is stepped over
_KEPT_ARRAY = 1024  # tags and languages are short; vocabularies have 10^5 entries
_KEPT_ALL = 16 << 20  # bytes that one file may make us hold
_DEPTH = 8

_STRING, _ARRAY, _BOOL = 8, 9, 7
# ggml docs/gguf.md, `enum gguf_metadata_value_type`; all little-endian.
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<B"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_LEAST_BYTES = {_STRING: 8, _ARRAY: 12}


class Cursor:
    """Read the open file `fd` forward. Every length is checked against what is left of the file; a wrong one raises
    StoreError."""

    def __init__(self, fd: int, label: str) -> None:
        self.size = os.fstat(fd).st_size
        self._fd = fd
        self._label = label
        self._window = b""
        self._base = 0
        self._at = 0
        self._budget = _KEPT_ALL

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._base + self._at

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return self.size - self.position

    def broken(self, what: str) -> StoreError:
        """Say what is wrong, where, and what to do."""
        return StoreError(
            f"{self._label} is not a usable GGUF file: {what} (at byte {self.position}). "
            "Download it again, or choose another file."
        )

    def skip(self, count: int) -> None:
        """Step over `count` bytes."""
        if count > self.left:
            raise self.broken(f"it ends within a value of {count} bytes; {self.left} are left")
        self._at += count

    def take(self, count: int) -> bytes:
        """Read `count` bytes; keep `count` small."""
        if count > self.left:
            raise self.broken(f"it ends within a value of {count} bytes; {self.left} are left")
        if self._at + count > len(self._window):
            self._base, self._at = self.position, 0
            self._window = os.pread(self._fd, max(count, _WINDOW), self._base)
            if count > len(self._window):
                raise self.broken("it became shorter while it was read")
        taken = self._window[self._at : self._at + count]
        self._at += count
        return taken

    def u32(self) -> int:
        """Read an unsigned 32-bit number."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """Read an unsigned 64-bit number."""
        return int.from_bytes(self.take(8), "little")

    def name(self, longest: int) -> str:
        """Read the string of a key or a tensor's name, at most `longest` bytes."""
        length = self.u64()
        if length > longest:
            raise self.broken(f"a name of {length} bytes, at most {longest} are allowed")
        return self._text(self.take(length))

    def value(self, kind: int, depth: int = 0) -> Value | None:
        """Read a value of the type `kind`; `None` when it is too large to be kept."""
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(depth)
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise self.broken(f"unknown value type {kind}")
        (number,) = scalar.unpack(self.take(scalar.size))
        if kind == _BOOL:
            return bool(number)
        read: int | float = number
        return read

    def _string(self) -> str | None:
        length = self.u64()
        if length > min(_KEPT_STRING, self._budget):
            self.skip(length)
            return None
        self._budget -= length
        return self._text(self.take(length))

    def _array(self, depth: int) -> list[Value] | None:
        kind, count = self.u32(), self.u64()
        scalar = _SCALARS.get(kind)
        least = scalar.size if scalar else _LEAST_BYTES.get(kind)
        if least is None:
            raise self.broken(f"an array of unknown value type {kind}")
        if depth >= _DEPTH:
            raise self.broken(f"arrays nested more than {_DEPTH} deep")
        if count * least > self.left:
            raise self.broken(f"an array of {count} values, which is more than the file holds")
        if count <= _KEPT_ARRAY:
            values = [self.value(kind, depth + 1) for _ in range(count)]
            return [value for value in values if value is not None]
        if scalar:
            self.skip(count * scalar.size)
        elif kind == _STRING:
            self._skip_strings(count)
        else:
            for _ in range(count):
                self._array(depth + 1)
        return None

    def _skip_strings(self, count: int) -> None:
        # A vocabulary: some 10^5 strings, so without a call for each of them.
        length_at = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if self._at + 8 > len(self._window):
                self._window, self._base, self._at = os.pread(self._fd, _WINDOW, self.position), self.position, 0
                if len(self._window) < 8:
                    raise self.broken("it ends within a list of strings")
            (length,) = length_at(self._window, self._at)
            if length > self.size:
                raise self.broken(f"a string of {length} bytes in a list")
            self._at += 8 + length
        if self.left < 0:
            raise self.broken("it ends within a list of strings")

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.broken("a string that is not UTF-8") from None
