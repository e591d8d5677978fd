"""Who signs the calls of which deployment: one signer for all deployments that share credentials."""

from steelyard.gateway.signing import Signer
from steelyard.gateway.signing.google import GoogleSigner
from steelyard.gateway.signing.sigv4 import AwsSigner
from steelyard.policy.plan import SigningFacts, Target

__all__ = ["Signers"]


class Signers:
    """The signers of a process. They keep their credentials over a change of configuration."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str, SigningFacts], Signer] = {}

    def of(self, target: Target) -> Signer | None:
        """Return who signs the calls of a target; None when they carry a key, or nothing."""
        if target.signing is None:
            return None
        facts = target.signing_facts
        assert facts is not None
        known = self._known.get((target.signing, facts))
        if known is None:
            known = self._known[target.signing, facts] = _signer(target.signing, facts)
        return known


def _signer(kind: str, facts: SigningFacts) -> Signer:
    if kind == "aws":
        return AwsSigner(facts.service, facts.region or "us-east-1")
    return GoogleSigner(facts.service, facts.credentials)
