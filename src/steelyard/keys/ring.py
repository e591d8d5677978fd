"""Look callers' keys up, on every call."""

from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from math import inf

from steelyard.core.errors import Unauthorized
from steelyard.keys.key import Key

__all__ = ["KeyRing"]


class KeyRing:
    """The keys as they were read once; never changed, so that a look-up needs no lock.

    `required` says whether callers need a key at all: as soon as one was ever made. Revoking the last one must not
    open the door.
    """

    __slots__ = ("_by_digest", "keys", "required")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        self.required = bool(self.keys)
        self._by_digest = {bytes.fromhex(key.hash): _entry(key) for key in self.keys}

    def find(self, secret: bytes, now: float) -> Key:
        """Return the key whose secret this is. Raise Unauthorized when there is none or it is closed.

        `now`: seconds since the epoch. Only who has the secret learns that a key is revoked or expired; to all others
        every wrong secret looks the same.

        Timing: the dictionary is searched for the secret's SHA-256, not for the secret. How long that takes may tell
        something about the digest, but a caller cannot choose digests digit by digit to learn a stored one, and a
        digest does not lead back to its secret. The last comparison takes the same time wherever the digests differ.
        """
        digest = sha256(secret).digest()
        entry = self._by_digest.get(digest)
        if entry is not None and compare_digest(entry[0], digest):
            if now < entry[1]:
                return entry[2]
            raise _closed(entry[2])
        raise _unknown(secret)


def _entry(key: Key) -> tuple[bytes, float, Key]:
    """The digest, the time until which the key opens (never: minus infinity), and the key."""
    if key.revoked_at is not None:
        return bytes.fromhex(key.hash), -inf, key
    return bytes.fromhex(key.hash), inf if key.expires_at is None else key.expires_at, key


def _closed(key: Key) -> Unauthorized:
    if key.revoked_at is not None:
        return Unauthorized(
            "This API key has been revoked. Ask whoever runs this gateway for another one.", code="key_revoked"
        )
    return Unauthorized("This API key has expired. Ask whoever runs this gateway for another one.", code="key_expired")


def _unknown(secret: bytes) -> Unauthorized:
    if not secret:
        return Unauthorized(
            "No API key was sent. Send one in the header: Authorization: Bearer sy-…", code="missing_api_key"
        )
    return Unauthorized("This API key is not known here. Check it for missing characters.", code="invalid_api_key")
