"""What is kept of a caller's key."""

from hashlib import sha256

from msgspec import Struct

from steelyard.core.exchange import Record
from steelyard.core.priority import NORMAL, Priority

__all__ = ["Bearer", "Key", "hash_of"]


class Bearer(Struct, frozen=True):
    """Whom a key is given to, and how urgent what they ask is. Several keys may have the same team or project."""

    team: str | None = None
    project: str | None = None
    priority: Priority = NORMAL


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A caller's key without its secret. Times are seconds since the epoch (UTC).

    `hash` is the SHA-256 of the secret in hexadecimal. `routes` are the models and routes that the key may ask for,
    `None`: all. `record` lowers what the server's and the route's settings record, and never
    raises it; `None`: it does not. `purpose` names what its calls are for (`[purposes.NAME]`); `None`: the default.
    `team` and `project` are what limits and budgets may be about, beside the key itself. `priority` says whose calls go
    first where calls wait, and are shed last.
    """

    id: str
    name: str
    hash: str
    routes: tuple[str, ...] | None
    record: Record | None
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    purpose: str | None = None
    team: str | None = None
    project: str | None = None
    priority: Priority = NORMAL

    def live(self, now: float) -> bool:
        """Return whether the key opens the door at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def hash_of(secret: bytes) -> str:
    """Return what is kept of a secret.

    Slow, salted hashes protect what people choose, which can be guessed. Our secrets carry 256 random bits: whoever
    has the hash would have to try 2^255 of them, however fast each try is (NIST SP 800-63B, section 5.1.2.2: secrets
    with so much entropy may simply be hashed). And this runs once a call.
    """
    return sha256(secret).hexdigest()
