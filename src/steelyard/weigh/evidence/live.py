"""The document of a live weighing, made from its directory."""

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.judges import judges_of
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
    """Return the document.

    Raises ConfigError where nothing was declared, or calls are still to be made: who looks at a part and then goes on
    looks twice. Raises StoreError for what cannot be read."""
    plan = folder.plan()
    if plan.declared is None:
        raise ConfigError(
            f"{plan.id}: no margin was declared before it ran, so there is no verdict to report. Declare one first: "
            "steelyard weigh run … --margin M."
        )
    results = results_of(folder)
    for flag in results.flags:
        if flag.kind == "incomplete":
            raise ConfigError(
                f"{plan.id}: {flag.text} There is no verdict before all are made. "
                f"Go on: steelyard weigh run --resume {plan.id}"
            )
    asked, level = _asked(plan.declared), Declared(plan.declared.margin, plan.declared.alpha, plan.seed)
    decided = Decided(results, asked, level, weighed(results, asked, level))
    calls = asked_once(folder.read("calls.jsonl", Call), (asked.baseline, asked.candidate))
    return evidence_of(plan, decided, Origin(calls=calls, judges=judges_of(folder)))


def _asked(declared: Declaration) -> Asked:
    return Asked(declared.baseline, declared.candidate, declared.cluster, declared.slices, declared.missing)
