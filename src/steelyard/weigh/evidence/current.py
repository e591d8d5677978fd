"""The evidence of a weighing as its directory has it now: as it was kept, or made anew where calls came since."""

from collections.abc import Callable
from datetime import date

from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.policy.known import Known
from steelyard.weigh.evidence.canonical import digest
from steelyard.weigh.evidence.document import SIDES, Evidence
from steelyard.weigh.evidence.kept import kept_evidence
from steelyard.weigh.evidence.known import facts_of, names_of
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.runs.folder import Folder

__all__ = ["current_evidence", "with_facts"]


def current_evidence(folder: Folder) -> Evidence:
    """Return the document. Raises ConfigError where it was changed since it was written, or cannot be made."""
    recorded = folder.plan().kind == "recorded"
    kept = kept_evidence(folder)
    if kept is not None and kept.stated != digest(kept.document):
        raise ConfigError(
            f"{folder.path}/evidence.json was changed since it was written: steelyard weigh verify says what differs."
        )
    if recorded:
        if kept is None:
            raise ConfigError(f"{folder.path}: its evidence.json is gone. Weigh the recorded results again.")
        return kept.evidence
    fresh = live_evidence(folder)
    if kept is not None and _same(kept.evidence, fresh):
        return kept.evidence
    return fresh


def _same(kept: Evidence, fresh: Evidence) -> bool:
    """Say whether nothing but what is known of the models was added."""
    blank = {side: replace(kept.models[side], facts=None) for side in SIDES}
    return replace(kept, models=blank) == fresh


def with_facts(evidence: Evidence, known: Callable[[], Known], on: date) -> Evidence:
    """Return the document with what cards and terms say of both models, where that is not in it as yet.

    `known` is asked only then. Raises ConfigError where the configuration names what is not there."""
    if all(evidence.models[side].facts is not None for side in SIDES):
        return evidence
    have = known()
    served = bool(evidence.calls)
    models = {
        side: replace(evidence.models[side], facts=facts_of(names_of(evidence, side), served, have, on))
        for side in SIDES
    }
    return replace(evidence, models=models)
