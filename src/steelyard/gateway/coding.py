"""Content codings (RFC 9110, 8.4): upstreams are asked for none, and some send one all the same."""

import zlib

__all__ = ["CODINGS", "MOST_ANSWER_BYTES", "Expansion", "decoded", "expansion_of", "header"]

CODINGS = frozenset((b"gzip", b"x-gzip", b"deflate"))
MOST_ANSWER_BYTES = 256 * 1024 * 1024
_MOST_EXPANDED_BYTES = 64 * 1024 * 1024


class Expansion:
    """Takes the coding from a stream, piece by piece."""

    __slots__ = ("_expand",)

    def __init__(self) -> None:
        self._expand = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def __call__(self, piece: bytes) -> bytes:
        """Return what a piece holds. Raises ValueError, with the reason, for what cannot be read."""
        try:
            plain = self._expand.decompress(piece, _MOST_EXPANDED_BYTES)
        except zlib.error as error:
            raise ValueError(f"its content-encoding cannot be read ({error})") from None
        if self._expand.unconsumed_tail:
            raise ValueError("its content-encoding holds far too much")
        return plain


def expansion_of(headers: list[tuple[bytes, bytes]]) -> Expansion | None:
    """Return what takes the coding from an answer with these headers; None where there is none."""
    coding = (header(headers, b"content-encoding") or b"identity").lower()
    return Expansion() if coding in CODINGS else None


def decoded(body: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return a whole body without its coding. Raises ValueError, with the reason, when it cannot be read."""
    coding = (header(headers, b"content-encoding") or b"identity").lower()  # RFC 9110, 8.4.1: case-insensitive
    if coding == b"identity":
        return body
    plain = None
    if coding in CODINGS:
        expand = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            plain = expand.decompress(body, MOST_ANSWER_BYTES)
        except zlib.error:
            plain = None
        if not expand.eof:
            plain = None
    if plain is None:
        raise ValueError(f"its content-encoding {coding.decode('latin-1')} cannot be read")
    return plain


def header(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first header of that name, which is in lower case; None when there is none."""
    for one, value in headers:
        if one == name:
            return value
    return None
