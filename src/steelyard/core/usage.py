"""What a call consumed, in tokens."""

from msgspec import Struct

__all__ = ["Usage"]


class Usage(Struct, frozen=True, array_like=True, gc=False):
    """Tokens of one call. A part is counted inside its whole, never beside it: `cached` and `cache_write` are parts of
    `input`; `reasoning` is a part of `output`; audio tokens are parts of either. `None` is unknown.

    `estimated` says that the provider did not report these figures and the gateway counted them itself.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    estimated: bool = False
