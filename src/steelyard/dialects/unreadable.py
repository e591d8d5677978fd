"""Events that were to tell a piece of an answer, and arrived damaged."""

from steelyard.core.events import Failed

__all__ = ["UNREADABLE", "unreadable"]

UNREADABLE = "upstream_invalid"
"""The code of such a failure."""


def unreadable(payload: bytes, error: Exception | None = None) -> Failed | None:
    """Return the failure that an event's data is which is no JSON; None where nothing got lost by it.

    All dialects' chunks are objects. One that was begun and cannot be read held a piece of the answer, which without it
    would look whole; a server's own words between the chunks (`[DONE]`, a heartbeat) hold none.
    """
    if not payload.lstrip().startswith(b"{"):
        return None
    reason = f": {error}" if error is not None else ""
    return Failed(f"The provider sent an event that cannot be read{reason}", code=UNREADABLE)
