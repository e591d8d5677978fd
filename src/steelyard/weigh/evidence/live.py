"""The document of a live weighing, made from its directory."""

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.made import Decided, Origin, evidence_of
from steelyard.weigh.evidence.spending import asked_once
from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder
from steelyard.weigh.runs.plan import Declaration
from steelyard.weigh.runs.results import results_of
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = ["live_evidence"]


def live_evidence(folder: Folder) -> Evidence:
    """Return the document of the calls that have come back so far.

    Raises ConfigError where nothing was declared, or no call has come back, StoreError for what cannot be read."""
    plan = folder.plan()
    if plan.declared is None:
        raise ConfigError(
            f"{plan.id}: no margin was declared before it ran, so there is no verdict to report. Declare one first: "
            "steelyard weigh run … --margin M."
        )
    results = results_of(folder)
    asked, level = _asked(plan.declared), Declared(plan.declared.margin, plan.declared.alpha, plan.seed)
    decided = Decided(results, asked, level, weighed(results, asked, level))
    calls = asked_once(folder.read("calls.jsonl", Call), (asked.baseline, asked.candidate))
    return evidence_of(plan, decided, Origin(calls=calls))


def _asked(declared: Declaration) -> Asked:
    return Asked(declared.baseline, declared.candidate, declared.cluster, declared.slices, declared.missing)
