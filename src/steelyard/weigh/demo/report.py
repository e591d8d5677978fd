"""The demonstration's evidence and page, in a directory of their own: the next demonstration writes them anew."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from steelyard import __version__
from steelyard.core.errors import StoreError
from steelyard.policy.known import Known
from steelyard.weigh.demo.cases import CARDS, FILE, LICENCE, SOURCE, Answered
from steelyard.weigh.evidence.document import SIDES, Evidence, Reading
from steelyard.weigh.evidence.inputs import inputs_of
from steelyard.weigh.evidence.kept import PAGE, keep_evidence, moment_of
from steelyard.weigh.evidence.known import facts_of
from steelyard.weigh.evidence.made import Decided, Origin, evidence_of
from steelyard.weigh.evidence.page.render import page_of
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.runs.folder import Folder, items_sha256
from steelyard.weigh.runs.plan import Plan

__all__ = ["evidence_for", "write_report"]

_ID: Final = "demo"


def evidence_for(found: Answered, results: Results, known: Callable[[], Known] | None, now: float) -> Evidence:
    """Return the document of a question, with what the cards of both models say, where `known` is given.

    Raises ConfigError where the configuration names a card that is not there."""
    asked = found.case.asked
    decided = Decided(results, asked, found.case.declared, found.weighing)
    origin = Origin(inputs=inputs_of([str(FILE)], None), reading=Reading(item=None, score=None))
    plan = Plan(
        id=_ID,
        kind="recorded",
        created=moment_of(now),
        code=__version__,
        title=found.case.question,
        source=SOURCE,
        licence=LICENCE,
        models=(asked.baseline, asked.candidate),
        items=found.weighing.n,
        items_sha256=items_sha256(()),
    )
    evidence = evidence_of(plan, decided, origin)
    return evidence if known is None else _with_cards(evidence, known(), datetime.fromtimestamp(now, UTC).date())


def _with_cards(evidence: Evidence, known: Known, on: date) -> Evidence:
    models = {
        side: replace(model, facts=facts_of([CARDS[model.name]], False, known, on))
        for side, model in ((side, evidence.models[side]) for side in SIDES)
    }
    return replace(evidence, models=models)


def write_report(data_dir: Path, evidence: Evidence, page: Path | None = None) -> Path:
    """Write evidence and page below a data directory, the page elsewhere where `page` says so; return where it is.

    Raises StoreError."""
    folder = Folder(data_dir / _ID)
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder.path} cannot be made: {error.strerror or error}. Check the disk.") from error
    keep_evidence(folder, evidence)
    content = page_of(evidence).encode()
    if page is None:
        return folder.write(PAGE, content)
    return Folder(page.parent).write(page.name, content)
