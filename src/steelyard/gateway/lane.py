"""A deployment while the gateway runs: its breaker, its speed, its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from steelyard.gateway.breaker import Breaker
from steelyard.gateway.signing import Signer
from steelyard.limits import Ceiling, Counter
from steelyard.policy.permits import Permit, duties_field
from steelyard.policy.plan import Target

if TYPE_CHECKING:
    from steelyard.gateway.crossing import Crossing
    from steelyard.gateway.meter import Row
    from steelyard.gateway.outliers import Watch
    from steelyard.gateway.pool import Pool

__all__ = ["Lane", "Manners", "Vitals"]


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
    `counters` are those of the limits that the deployment itself has; `watch` notes how it does beside the others of
    its route, where somebody wants to know.
    """

    __slots__ = (
        "_made",
        "breaker",
        "ceiling",
        "counters",
        "deployment",
        "fields",
        "heads",
        "manners",
        "name",
        "named",
        "permit",
        "plain",
        "pool",
        "price_source",
        "region",
        "row",
        "secrets",
        "signer",
        "target",
        "tariff",
        "vitals",
        "watch",
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
        # What each call asks of the target, where compiled code finds it sooner than in a Struct.
        self.deployment = target.deployment
        self.region = target.region
        self.tariff = tariff = target.tariff
        self.price_source = tariff.source if tariff is not None else None
        self.counters: tuple[Counter, ...] = ()
        self.ceiling: Ceiling | None = None
        self.vitals = vitals
        self.breaker = vitals.breaker
        self.watch: Watch | None = None
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
            if body.find(secret) >= 0 or fields.find(secret) >= 0:  # `in` makes an error first, and forgets it
                return True
        return False

    def scrub(self, told: bytes) -> bytes:
        """Return what the upstream told, without the credentials that it was sent, should it quote them."""
        for secret in self.secrets if self.signer is None else self._of_signer(self.signer):
            if told.find(secret) >= 0:
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
