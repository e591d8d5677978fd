"""What judges said of a live weighing's answers, and what people's labels make of it.

It is what `steelyard weigh judge` tells of the judging that was declared last, from the lines beside the calls.
"""

import msgspec

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject
from steelyard.weigh.judges.answers import answers_in_folder
from steelyard.weigh.judges.asks import Way
from steelyard.weigh.judges.judgement import DECLARED, JUDGEMENTS, Declared, Judgement
from steelyard.weigh.judges.report import Asked, report
from steelyard.weigh.judges.rubric import Rubric, find_rubric, rubric_of, shipped_rubrics
from steelyard.weigh.judges.source import LABELS
from steelyard.weigh.judges.template import SCHEMA, Template
from steelyard.weigh.labels.label import Label
from steelyard.weigh.runs.folder import Folder

__all__ = ["judges_of"]


def judges_of(folder: Folder) -> JsonObject | None:
    """Return `declared`, and either the `report` or the `reason` why there is none; None where nobody judged.

    Raises StoreError for lines that cannot be read."""
    declared = folder.read(DECLARED, Declared)
    judgements = folder.read(JUDGEMENTS, Judgement)
    if not declared or not judgements:
        return None
    last = next((one for one in reversed(declared) if one.baseline is not None), declared[-1])
    try:
        found, reason = _report(folder, last, judgements), None
    except ConfigError as error:
        found, reason = None, str(error)
    # Through JSON, which has no numbers that are none: they become null.
    row: JsonObject = msgspec.json.decode(msgspec.json.encode({"declared": last, "report": found, "reason": reason}))
    return row


def _report(folder: Folder, last: Declared, judgements: list[Judgement]) -> JsonObject:
    rubric = _rubric(last)
    template = Template(SCHEMA, last.template[:12], last.kind, last.prompt, last.system)
    way = Way(judges=last.judges, template=template, rubric=rubric, fields=last.fields, seed=last.seed)
    mine = [
        one
        for one in judgements
        if one.judge in last.judges and (one.kind, one.template, one.rubric) == (last.kind, last.template, last.rubric)
    ]
    plan = folder.plan()
    asked = Asked(
        baseline=last.baseline,
        candidate=last.candidate,
        margin=last.margin,
        alpha=last.alpha,
        cluster=last.cluster if last.families is not None or plan.declared is None else plan.declared.cluster,
        families=last.families or {},
        slices=last.slices,
    )
    planned = len({one.asked for one in mine})
    found = report(answers_in_folder(folder), mine, planned, folder.read(LABELS, Label), way, asked)
    # Reports of judgings that were declared before slices could be had no such key.
    without = ("source",) if last.families is not None else ("source", "slices")
    return {name: value for name, value in found.row().items() if name not in without}


def _rubric(last: Declared) -> Rubric | None:
    """Return the rubric that was declared. Raises ConfigError where it is not known, or is another."""
    if last.rubric is None:
        return None
    if last.rubric_text is not None:
        return rubric_of(last.rubric_text, last.rubric)
    for name in shipped_rubrics():
        rubric = find_rubric(name)
        if rubric.sha256 == last.rubric:
            return rubric
    raise ConfigError("The rubric is a file of its own, which is not kept: steelyard weigh judge tells of it.")
