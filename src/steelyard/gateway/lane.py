"""A deployment while the gateway runs: its breaker, its speed, its connections."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from steelyard.gateway.signing import Signer
from steelyard.limits import Ceiling, Counter
from steelyard.policy.permits import Permit, duties_field
from steelyard.policy.plan import Target

if TYPE_CHECKING:
    from steelyard.gateway.crossing import Crossing
    from steelyard.gateway.meter import Row
    from steelyard.gateway.pool import Pool

__all__ = ["CLOSED", "Breaker", "BreakerState", "Lane", "Manners", "Vitals"]


class BreakerState(IntEnum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


CLOSED = BreakerState.CLOSED


class Breaker:
    """Rests a deployment that keeps failing (Nygard, "Release It!", circuit breaker).

    Closed: calls pass; `threshold` failures in a row open it. Open: calls are refused for `rest_s`, doubled at each
    failed probe up to `longest_rest_s`. Half-open: one call passes as a probe; its success closes, its failure opens.
    """

    __slots__ = ("_failures", "_longest_rest_s", "_probing", "_rest_s", "_threshold", "_until", "state", "troubled")

    def __init__(self, threshold: int = 5, rest_s: float = 5.0, longest_rest_s: float = 60.0) -> None:
        self._threshold = threshold
        self._rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self.state = CLOSED
        self.troubled = False  # whether a success would change anything

    def allows(self, now: float) -> bool:
        """Say whether a call may pass at `now`; a probe that is allowed must be reported on, or abandoned."""
        if self.state is CLOSED:
            return True
        if self.state is BreakerState.OPEN and now >= self._until:
            self.state = BreakerState.HALF_OPEN
            self._probing = False
        if self.state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return False

    def success(self) -> None:
        """Report that a call was answered."""
        self._failures = 0
        self._probing = False
        self.troubled = False
        self.state = CLOSED

    def failure(self, now: float) -> None:
        """Report that a call failed by the deployment's fault. While it rests that is one which began before, and says
        nothing new: only a failed probe makes the rest longer."""
        if self.state is BreakerState.OPEN:
            return
        self._failures += 1
        self.troubled = True
        over = self._failures - self._threshold
        if over >= 0:
            self.state = BreakerState.OPEN
            self._until = now + min(self._longest_rest_s, self._rest_s * 2.0 ** min(over, 16))
            self._probing = False

    def abandon(self) -> None:
        """Report that a call ended without telling anything of the deployment (the client left)."""
        self._probing = False

    def rest_left_s(self, now: float) -> float:
        """Return how long the deployment still rests, in seconds."""
        return max(0.0, self._until - now) if self.state is BreakerState.OPEN else 0.0


class Vitals:
    """What the gateway has learned of a deployment; it outlives a change of configuration.

    `first_token_s` is a moving average (exponential weighting, 0.2: the last ten or so calls count); None: no call yet.
    """

    __slots__ = ("breaker", "first_token_s")

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.first_token_s: float | None = None


Manners: TypeAlias = "tuple[tuple[str | None, Crossing | None], tuple[str | None, Crossing | None]]"

_UNTRANSLATED: Manners = ((None, None), (None, None))


class Lane:
    """A target of a plan, as one endpoint calls it, together with its vitals and its counters.

    `manners` says, for a whole answer and for a stream, at which of the target's paths the client's own bytes are
    understood, and how they are translated where they are not; it does not matter where every call is simply relayed
    (`plain`). `permit` says what it may be used for; `named` are the header lines that tell the client of it.
    `counters` are those of the limits that the deployment itself has.
    """

    __slots__ = (
        "_made",
        "breaker",
        "ceiling",
        "counters",
        "fields",
        "heads",
        "manners",
        "name",
        "named",
        "permit",
        "plain",
        "pool",
        "row",
        "secrets",
        "signer",
        "target",
        "vitals",
    )

    def __init__(
        self,
        target: Target,
        vitals: Vitals,
        row: Row,
        manners: Manners | None = None,
        signer: Signer | None = None,
        permit: Permit | None = None,
    ) -> None:
        self.target = target
        self.counters: tuple[Counter, ...] = ()
        self.ceiling: Ceiling | None = None
        self.vitals = vitals
        self.breaker = vitals.breaker
        self.name = target.deployment.encode()
        self.heads: dict[str, bytes] = {}
        self.pool: Pool | None = None
        self.row = row
        self.manners = manners or _UNTRANSLATED
        self.signer = signer
        twisted = target.lacks or target.drop_model or target.body_extra or signer is not None
        self.plain = manners is None and not twisted
        self.secrets = _sought(target.secrets)
        self._made: tuple[tuple[bytes, ...], tuple[bytes, ...]] = ((), ())
        self.permit = permit
        owed = permit.decision.duties if permit is not None and permit.decision is not None else ()
        duties = b"x-steelyard-duties: %b\r\n" % duties_field(owed).encode() if owed else b""
        self.named = b"x-steelyard-deployment: %b\r\n%b" % (self.name, duties)
        self.fields = b"content-type: application/json\r\n" + self.named

    def is_quoted(self, fields: bytes, body: bytes) -> bool:
        """Say whether an answer quotes the credentials that the upstream was sent."""
        for secret in self.secrets:  # noqa: SIM110  (a generator would cost more than the search)
            if secret in body or secret in fields:
                return True
        return False

    def scrub(self, told: bytes) -> bytes:
        """Return what the upstream told, without the credentials that it was sent, should it quote them."""
        for secret in self.secrets if self.signer is None else self._of_signer(self.signer):
            if secret in told:
                told = told.replace(secret, b"[secret]")
        return told

    def _of_signer(self, signer: Signer) -> tuple[bytes, ...]:
        """Return what is sought where calls are signed: the configuration's secrets, and those made since."""
        made = signer.secrets()
        if made != self._made[0]:
            self._made = made, (*self.secrets, *_sought(made))
        return self._made[1] or self.secrets


def _sought(secrets: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return what is looked for in answers. What is shorter than eight bytes is no credential, and could be a part of
    any answer."""
    known = [secret for secret in secrets if len(secret) >= 8]
    return tuple(dict.fromkeys(form for secret in known for form in _forms(secret)))


def _forms(secret: bytes) -> tuple[bytes, ...]:
    """Return a secret as it may stand in an answer: as it is, as a JSON string, and with slashes escaped besides, as
    PHP's json_encode writes them."""
    quoted = msgspec.json.encode(secret.decode("latin-1"))[1:-1]
    return secret, quoted, quoted.replace(b"/", b"\\/")
