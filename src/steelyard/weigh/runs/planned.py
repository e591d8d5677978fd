"""Make a plan of what was asked for, and hold another against it."""

import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from steelyard import __version__
from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.items.chosen import Chosen, check_columns
from steelyard.weigh.runs.folder import Folder, items_sha256, new_id
from steelyard.weigh.runs.plan import Declaration, Plan, Planned
from steelyard.weigh.runs.scoring import check_targets, scored_by
from steelyard.weigh.scorers.score import Scorer

__all__ = ["Wanted", "check_same", "planned", "planned_items"]

_FREE: Final = frozenset({"id", "created", "code", "gateway", "title", "flags", "max_usd"})
"""What another run of the same weighing may have otherwise."""
_UNBOUND: Final = frozenset({"python"})
"""Scorers whose scores may lie outside of 0 to 1."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What was asked for beside the items. `scorer` None: the one that the items' source names, if it does."""

    models: tuple[str, ...]
    scorer: Scorer | None = None
    repeats: int = 1
    seed: int = 0
    gateway: str | None = None
    max_usd: str | None = None
    declared: Declaration | None = None


def planned(chosen: Chosen, wanted: Wanted, now: float) -> Plan:
    """Return the plan. Raises ConfigError for what could only be found out to be wrong after money was spent: models
    named twice, columns that no item has, targets that the scorer cannot use, a verdict without scores."""
    twice = sorted({model for model in wanted.models if wanted.models.count(model) > 1})
    if twice:
        raise ConfigError(f'--models names "{twice[0]}" twice. Ask one model several times by --repeats.')
    made = wanted.scorer or chosen.scorer
    declared = wanted.declared
    if declared is not None:
        if made is None:
            raise ConfigError("A verdict needs scores, and nothing says how to score. Give --scorer NAME.")
        if declared.margin >= 1 and made.name not in _UNBOUND:
            raise ConfigError(
                f"The margin is {declared.margin:g}, and no two scores of {made.name} differ by more than 1: every "
                "candidate would pass. A margin of 3 points in 100 is 0.03."
            )
        columns = {"--slice": declared.slices, "--cluster": (declared.cluster,) if declared.cluster else ()}
        for option, names in columns.items():
            for name in names:
                if (option, name) != ("--cluster", "none"):
                    check_columns(chosen.items, {option: name})
    if made is not None:
        check_targets(made, chosen.items)
    return Plan(
        id=new_id(now),
        kind="live",
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        code=__version__,
        title=chosen.title,
        source=chosen.source,
        licence=chosen.licence,
        models=wanted.models,
        items=len(chosen.items),
        held=chosen.held,
        items_sha256=items_sha256(chosen.items),
        prompt_sha256=chosen.prompt_sha256,
        scorer=None if made is None else scored_by(made),
        repeats=wanted.repeats,
        seed=wanted.seed,
        gateway=wanted.gateway,
        max_usd=wanted.max_usd,
        declared=declared,
        flags=chosen.flags,
    )


def planned_items(folder: Folder, plan: Plan) -> Sequence[Planned]:
    """Return the items of a weighing that is to go on. Raises StoreError where they are not those of its plan, and
    ConfigError where it makes no calls."""
    if plan.kind != "live":
        raise ConfigError(f"{folder.id} is a weighing of recorded results: it makes no calls.")
    items = folder.items()
    if items_sha256(items) != plan.items_sha256:
        raise StoreError(f"{folder.path / 'items.jsonl'} is not what {folder.id} was planned with. Begin it anew.")
    return items


def check_same(folder: Folder, plan: Plan, other: Plan) -> None:
    """Raise ConfigError where what was asked for now is not what a weighing was planned with."""
    differing = [
        name for name in structs.asdict(plan) if name not in _FREE and getattr(plan, name) != getattr(other, name)
    ]
    if differing:
        told = "; ".join(f"{name}: {_told(plan, name)}, and now {_told(other, name)}" for name in differing)
        raise ConfigError(
            f"{folder.id} was planned otherwise: {told}. Resume it as it is (--resume {folder.id} alone), or begin "
            "another weighing without --resume."
        )


def _told(plan: Plan, name: str) -> str:
    value = getattr(plan, name)
    if isinstance(value, Struct):
        value = structs.asdict(value)
    text = str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
