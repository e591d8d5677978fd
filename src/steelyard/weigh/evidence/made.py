"""The document of a weighing: of results that others recorded, or of calls of its own."""

import platform

import numpy as np
import scipy
from msgspec import Struct

from steelyard import __version__
from steelyard.core.loose import JsonObject
from steelyard.weigh.evidence.document import (
    SCHEMA,
    SIDES,
    AskedOnce,
    Code,
    Declared,
    Evidence,
    Input,
    Mean,
    Model,
    Reading,
    ScoredWith,
    Spending,
)
from steelyard.weigh.evidence.means import means_of
from steelyard.weigh.evidence.outcomes import outcomes_of
from steelyard.weigh.evidence.rows import left_out_of, rows_of
from steelyard.weigh.evidence.spending import spending_of
from steelyard.weigh.results.pairs import Asked, paired
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.results.sides import Side
from steelyard.weigh.runs.plan import Plan
from steelyard.weigh.verdict import Weighing
from steelyard.weigh.verdict_recorded import Declared as Level

__all__ = ["Decided", "Origin", "code_here", "evidence_of"]

_VERSIONS = ("version", "scorer_version")


class Decided(Struct, frozen=True, eq=False):
    """What was weighed, and what came out."""

    results: Results
    asked: Asked
    level: Level
    weighing: Weighing


class Origin(Struct, frozen=True, kw_only=True):
    """Where the results come from: files that were read, or calls."""

    inputs: tuple[Input, ...] = ()
    reading: Reading | None = None
    calls: tuple[AskedOnce, ...] = ()
    judges: JsonObject | None = None


def code_here() -> Code:
    """Return the versions of what computes here."""
    return Code(steelyard=__version__, python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__)


def evidence_of(plan: Plan, decided: Decided, origin: Origin) -> Evidence:
    """Return the document. Raises ConfigError as `paired` does."""
    asked, level = decided.asked, decided.level
    pairs = paired(decided.results, asked)
    rows = rows_of(pairs, asked.slices)
    return Evidence(
        schema=SCHEMA,
        id=plan.id,
        kind=plan.kind,
        title=plan.title,
        created=plan.created,
        source=plan.source,
        licence=plan.licence,
        models={
            name: _model(side, plan, mean, spending_of(origin.calls, name))
            for name, side, mean in zip(SIDES, pairs.sides, means_of(rows, level.alpha), strict=True)
        },
        declared=Declared(
            margin=level.margin,
            alpha=level.alpha,
            seed=level.seed,
            cluster=asked.cluster,
            slices=tuple(dict.fromkeys(asked.slices)),
            missing=asked.missing,
            contaminated_sha256=next((one.sha256 for one in origin.inputs if one.role == "contaminated"), None),
        ),
        verdict=decided.weighing,
        outcomes=outcomes_of(rows, level.alpha),
        cluster_column=pairs.cluster,
        items_hashed=False,
        rows=rows,
        left_out=left_out_of(pairs, asked),
        calls=origin.calls,
        inputs=origin.inputs,
        reading=origin.reading,
        items_sha256=plan.items_sha256 if plan.kind == "live" else None,
        prompt_sha256=plan.prompt_sha256,
        judges=origin.judges,
        code=code_here(),
    )


def _model(side: Side, plan: Plan, mean: Mean, spending: Spending | None) -> Model:
    made = plan.scorer
    if made is not None:
        scorers: tuple[ScoredWith, ...] = (
            ScoredWith(label=made.label, name=made.name, options=made.options, version=made.version),
        )
    else:
        scorers = _scorers(side)
    unparsed = spending.unparsed if spending is not None else _unparsed(side)
    return Model(
        name=side.model,
        scorers=scorers,
        mean=mean,
        unparsed=unparsed,
        missing=side.missing,
        spending=spending,
        facts=None,
    )


def _scorers(side: Side) -> tuple[ScoredWith, ...]:
    """Return what the files say of who scored: columns `scorer` and `version`, as `weigh score` writes them."""
    everywhere = np.arange(len(side.items))
    labels = side.column("scorer", everywhere)
    if labels is None or _wide(side):
        return ()
    versions = next((found for name in _VERSIONS if (found := side.column(name, everywhere)) is not None), None)
    said = labels.said() if versions is None else list(zip(labels.said(), versions.said(), strict=True))
    told = [(one, "") if isinstance(one, str) else one for one in dict.fromkeys(said)]
    return tuple(
        ScoredWith(label=label, name=None, options=None, version=version or None) for label, version in told if label
    )


def _unparsed(side: Side) -> int | None:
    """Return how many rows say that nothing could be read from the output; None where no column says so."""
    if not side.has("parsed") or _wide(side):
        return None
    return sum(
        sum(text.strip().lower() == "false" for text in block.column("parsed").said())
        for block in side.blocks
        if "parsed" in block.sheet
    )


def _wide(side: Side) -> bool:
    return any(block.wide for block in side.blocks)
