"""What the page's tables and paragraphs say."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from steelyard.weigh.evidence.document import SIDES, Evidence, Model, ModelFacts, OutcomeKind, Spending
from steelyard.weigh.evidence.words import percent
from steelyard.weigh.results.pairs import NO_CLUSTER

__all__ = ["OUTCOMES", "Line", "commands", "facts_lines", "method_told", "scorer_lines", "spending_lines"]

UNKNOWN: Final = "unknown"

OUTCOMES: Final[dict[OutcomeKind, str]] = {
    "both_right": "Both right",
    "baseline_only": "Only the baseline right",
    "candidate_only": "Only the candidate right",
    "both_wrong": "Both wrong",
    "candidate_better": "Candidate better",
    "equal": "Equal",
    "baseline_better": "Baseline better",
}


class Line(Struct, frozen=True):
    """One row of a table of both models. `differs`: both are known, and not the same."""

    name: str
    baseline: str
    candidate: str
    note: str = ""
    differs: bool = False


def spending_lines(evidence: Evidence) -> list[Line]:
    """Return what both models' calls came to, beside what they are worth."""
    one, other = (evidence.models[side].spending for side in SIDES)
    lines: list[Line] = []
    for name, told in _SPENT if one is not None or other is not None else _SPENT[3:6]:
        sides = [UNKNOWN if spent is None else told(spent) for spent in (one, other)]
        lines.append(Line(name, sides[0], sides[1]))
    if one is not None and other is not None:
        lines[3] = _ratio(lines[3], _number(one.cost_usd_per_1000_items), _number(other.cost_usd_per_1000_items))
        lines[4] = _ratio(lines[4], one.latency_median_s, other.latency_median_s)
        lines[5] = _ratio(lines[5], one.latency_p95_s, other.latency_p95_s)
    return lines


def _ratio(line: Line, one: float | None, other: float | None) -> Line:
    if not one or other is None:
        return line
    return Line(line.name, line.baseline, line.candidate, f"candidate: {other / one:.2g} × the baseline's")


def _number(amount: str | None) -> float | None:
    return None if amount is None else float(Decimal(amount))


def _calls(spent: Spending) -> str:
    again = spent.calls - spent.counted
    return f"{spent.calls:,}" + (f", of which {again:,} were made again" if again else "")


def _answered(spent: Spending) -> str:
    return f"{spent.answered:,} of {spent.counted:,}; {spent.unparsed:,} of them could not be read"


def _cost(spent: Spending) -> str:
    if spent.cost_usd is None:
        return f"{UNKNOWN} (known of {spent.cost_known:,} of {spent.calls:,} calls)"
    return f"${_money(spent.cost_usd)} (n = {spent.calls:,})"


def _per_thousand(spent: Spending) -> str:
    return UNKNOWN if spent.cost_usd_per_1000_items is None else f"${_money(spent.cost_usd_per_1000_items)}"


def _money(amount: str) -> str:
    """Return dollars with four significant digits."""
    value = Decimal(amount)
    if not value:
        return "0"
    places = max(2, 3 - value.adjusted())
    return f"{value:,.{places}f}"


def _median(spent: Spending) -> str:
    return _took(spent.latency_median_s, spent.latency_n)


def _p95(spent: Spending) -> str:
    return _took(spent.latency_p95_s, spent.latency_n)


def _took(seconds: float | None, n: int) -> str:
    if seconds is None:
        return UNKNOWN
    told = f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
    return f"{told} (n = {n:,})"


def _tokens(spent: Spending) -> str:
    counts = [UNKNOWN if count is None else f"{count:,}" for count in (spent.input_tokens, spent.output_tokens)]
    return f"{counts[0]} in, {counts[1]} out"


_SPENT: Final[tuple[tuple[str, Callable[[Spending], str]], ...]] = (
    ("Calls", _calls),
    ("Answers", _answered),
    ("Cost in all", _cost),
    ("Cost per 1,000 items", _per_thousand),
    ("Latency, median", _median),
    ("Latency, 95 of 100 below", _p95),
    ("Tokens", _tokens),
)


def facts_lines(evidence: Evidence) -> tuple[list[Line], list[str]]:
    """Return what cards and terms say of both models, aspect by aspect, and the aspects that are unknown of both.

    Nothing at all where neither has been looked up."""
    sides = [evidence.models[side].facts for side in SIDES]
    if all(one is None for one in sides):
        return [], []
    one, other = ((), ()) if None in sides else (sides[0] or (), sides[1] or ())
    lines = []
    for name, told in _ASPECTS:
        both = [_joined([told(each) for each in facts]) for facts in (one, other)]
        lines.append(Line(name, both[0], both[1], differs=both[0] != both[1] and UNKNOWN not in both))
    nothing = [line.name for line in lines if line.baseline == line.candidate == UNKNOWN]
    return [line for line in lines if line.name not in nothing], nothing


def _joined(values: Sequence[str | None]) -> str:
    told = list(dict.fromkeys(UNKNOWN if value is None else value for value in values))
    return " / ".join(told) or UNKNOWN


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _regions(facts: ModelFacts) -> str | None:
    if facts.self_hosted:
        return "own machines"
    return ", ".join(facts.regions) if facts.regions else None


def _days(facts: ModelFacts) -> str | None:
    if facts.retention_days is None:
        return None
    return "not at all" if facts.retention_days == 0 else f"{facts.retention_days:g} days"


_OPEN: Final = {
    "closed": "closed",
    "open-weight": "open weights",
    "mof3": "Model Openness Framework, class III",
    "mof2": "Model Openness Framework, class II",
    "mof1": "Model Openness Framework, class I",
}

_ASPECTS: Final[tuple[tuple[str, Callable[[ModelFacts], str | None]], ...]] = (
    ("Card", lambda facts: facts.card),
    ("Developer", lambda facts: facts.developer),
    ("Licence or terms", lambda facts: facts.licence),
    ("Openness", lambda facts: None if facts.openness is None else _OPEN.get(facts.openness, facts.openness)),
    ("Weights published", lambda facts: _yes(facts.weights_published)),
    ("Served by", lambda facts: facts.provider),
    ("Where it runs", _regions),
    ("What is sent is kept for", _days),
    ("Trains on what is sent", lambda facts: _yes(facts.trains_on_inputs)),
)


def scorer_lines(model: Model) -> list[str]:
    """Return who scored a side: label, version and options."""
    told = []
    for one in model.scorers:
        version = "" if one.version is None else f", version {one.version}"
        options = ", ".join(f"{key}={value}" for key, value in (one.options or {}).items())
        told.append(f"{one.label}{version}" + (f", with {options}" if options else ""))
    return told or [UNKNOWN]


def _declared_told(evidence: Evidence) -> str:
    # A run's plan is written before its first call. Who weighs what others recorded may have seen it.
    if evidence.kind == "live":
        return "Before the first call it was declared"
    return "It was declared, by whoever weighed these recorded results,"


def method_told(evidence: Evidence) -> list[str]:
    """Return in plain words how it was decided."""
    declared, verdict = evidence.declared, evidence.verdict
    margin = f"{declared.margin:g}"
    told = [
        f"Both models were scored on the same {verdict.n:,} items. What counts is the difference on each item, "
        "candidate less baseline, so easy and hard items weigh the same for both.",
        f"{_declared_told(evidence)} how much worse the candidate may be: by less than {margin}, in units "
        f"of the score. SWAP: the whole {percent(declared.alpha)} interval of the difference lies above that. DON'T: "
        f"the whole interval lies below it, or that of a slice does. NEED MORE: neither. SWAP is a one-sided test at "
        f"{100 * declared.alpha / 2:g} of 100: so seldom it is to be said of a candidate that is worse by {margin}.",
        _interval_told(evidence),
    ]
    if evidence.cluster_column is not None:
        told.append(
            f"Items with the same {evidence.cluster_column} are no independent draws; they were counted as "
            f"{verdict.clusters or 0:,} clusters."
        )
    elif declared.cluster == NO_CLUSTER:
        told.append("It was declared that the items are independent of each other.")
    if verdict.slices:
        told.append(
            f"The {len(verdict.slices)} slices were corrected for being many, by Holm's procedure: the chance that "
            f"even one of them is decided wrongly stays at {100 * declared.alpha:g} of 100. A slice that is DON'T "
            "makes the whole DON'T, for whoever swaps everything swaps that slice too."
        )
    told += [_missing_told(evidence), _means_told(evidence)]
    return told


def _interval_told(evidence: Evidence) -> str:
    verdict = evidence.verdict
    if verdict.ci is None:
        return f"There is no interval: {verdict.method.removeprefix('none: ')}. Without one, nothing is decided."
    return (
        f"The interval is {_article(verdict.method)}. A bootstrap (seed {verdict.seed}) gave a second opinion; where "
        "it disagrees, a flag says so."
    )


def _article(method: str) -> str:
    return method if method.startswith("Tango") else f"an {method}" if method[:1] in "aeiou" else f"a {method}"


def _missing_told(evidence: Evidence) -> str:
    out = len(evidence.left_out)
    if evidence.declared.missing == "fail":
        return "An answer without a score was counted as a failure, as was asked for."
    if not out:
        return "Every item had a score of both models."
    told = "1 item was" if out == 1 else f"{out:,} items were"
    return f"{told} left out: without a score of both models, or listed as contaminated."


def _means_told(evidence: Evidence) -> str:
    return (
        f"Means and shares have {percent(evidence.declared.alpha)} intervals of their own (Wilson's, or Student's t), "
        "for orientation: two of them may overlap although the paired difference is decided."
    )


def commands(evidence: Evidence) -> list[str]:
    """Return the commands that check the document."""
    files = " ".join(_quoted(one.name) for one in evidence.inputs)
    first = "steelyard weigh verify evidence.json"
    return [first, f"{first} --inputs {files}"] if files else [first]


def _quoted(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return name if plain.isalnum() and plain.isascii() else "'" + name.replace("'", "'\\''") + "'"
