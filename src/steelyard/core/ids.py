"""Identifiers: sortable by time, unguessable where that matters."""

from collections.abc import Callable

__all__ = ["exchange_ids", "new_key", "short_id"]

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def exchange_ids(clock: Callable[[], float], randomness: Callable[[int], bytes]) -> Callable[[], str]:
    """Return a source of exchange ids: `req_` and 32 hexadecimal digits, of which the first 12 are milliseconds since
    the epoch (as in RFC 9562, UUIDv7) and the rest random. Randomness is drawn in blocks, so that a call costs no
    system call of its own."""
    tails: list[str] = []
    present = 0
    head = ""

    def next_id() -> str:
        nonlocal present, head
        if not tails:
            drawn = randomness(10 * 256).hex()
            tails.extend(drawn[at : at + 20] for at in range(0, len(drawn), 20))
        milliseconds = int(clock() * 1000)
        if milliseconds != present:
            present = milliseconds
            head = f"req_{milliseconds:012x}"
        return head + tails.pop()

    return next_id


def new_key(randomness: Callable[[int], bytes]) -> str:
    """Return a caller's key: `sy-` and 50 characters of 0-9a-z that carry 256 random bits."""
    number = int.from_bytes(randomness(32), "big")
    return "sy-" + _digits(number, 50)


def short_id(randomness: Callable[[int], bytes]) -> str:
    """Return 12 characters for names of rows that people type (about 62 random bits)."""
    return _digits(int.from_bytes(randomness(8), "big"), 13)[-12:]


def _digits(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 36)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
