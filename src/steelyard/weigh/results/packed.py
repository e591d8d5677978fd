"""Files that were packed by gzip or xz: known by how they begin, whatever they are called."""

import gzip
import lzma
import zlib
from io import BytesIO
from typing import Final

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.zip_members import MOST_BYTES

__all__ = ["unpacked"]

_GZIP: Final = b"\x1f\x8b"
"""RFC 1952, section 2.3.1."""
_XZ: Final = b"\xfd7zXZ\x00"
"""The .xz file format 1.2.1, section 2.1.1.1."""


def unpacked(content: bytes, file: str) -> bytes:
    """Return a file's content, unpacked where it is packed. Raises ConfigError for what is broken or far too large."""
    try:
        if content.startswith(_GZIP):
            with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
                found = stream.read(MOST_BYTES + 1)
        elif content.startswith(_XZ):
            with lzma.LZMAFile(BytesIO(content)) as packed:
                found = packed.read(MOST_BYTES + 1)
        elif file.lower().endswith((".gz", ".xz")):
            raise ConfigError(f"{file}: it cannot be unpacked: it begins like neither gzip nor xz. Name it rightly.")
        else:
            return content
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ConfigError(f"{file}: it cannot be unpacked: {error}. Copy or pack it anew.") from error
    if len(found) > MOST_BYTES:
        raise ConfigError(f"{file}: unpacked it is larger than {MOST_BYTES} bytes, which are the most")
    return found
