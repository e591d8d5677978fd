"""What the page says of judges: the verdict that people's labels correct, and each judge's own figures."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from steelyard.core.loose import JsonValue
from steelyard.weigh.evidence.words import WORDS, percent, signed, spanned
from steelyard.weigh.verdict import Verdict

__all__ = ["JudgeLine", "Judging", "judging_told"]

UNKNOWN = "unknown"


class JudgeLine(Struct, frozen=True):
    """One judge: its figures as text."""

    judge: str
    items: str
    own: str
    unread: str
    bias: str
    consistent: str
    kappa: str
    cost: str


class Judging(Struct, frozen=True):
    """What is said of a judging. `reason` stands where there is no report."""

    verdict: Verdict | None
    word: str
    reason: str | None
    facts: tuple[tuple[str, str], ...] = ()
    judges: tuple[JudgeLine, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()


def judging_told(judges: Mapping[str, JsonValue] | None) -> Judging | None:
    """Return what the page says; None where nobody judged."""
    if judges is None:
        return None
    report = judges.get("report")
    if not isinstance(report, Mapping):
        return Judging(None, "", str(judges.get("reason") or "Nothing is known of it."))
    verdict: Verdict | None = report.get("verdict")
    return Judging(
        verdict,
        "" if verdict is None else WORDS[verdict],
        report.get("reason"),
        tuple(_facts(report)),
        tuple(_line(one) for one in report.get("judges", ())),
        tuple((flag["kind"], flag["text"]) for flag in report.get("flags", ())),
    )


def _facts(report: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    unit = "share of wins less share of losses" if report.get("kind") == "pairwise" else "points of the scale"
    difference = report.get("difference")
    found = [("Difference, as people would have it", UNKNOWN)]
    if difference is not None:
        ci = _pair(report.get("ci"))
        told = f"{signed(difference)}, {percent(report['alpha'])} interval {spanned(ci)} ({unit})"
        found = [("Difference, as people would have it", told)]
    counts = f"{_count(report, 'judged')} items, {_count(report, 'labelled')} of them by people"
    found.append(("Judged and labelled", counts))
    found += [(f"{one['name']} = {one['value']}", _slice(one)) for one in report.get("slices", ())]
    margin = report.get("margin")
    found.append(("Margin", UNKNOWN if margin is None else f"{margin:g}"))
    if (needed := report.get("labels_needed")) is not None:
        found.append(("Further labels that would do", f"{needed:,}"))
    found.append(("Method", str(report.get("method") or UNKNOWN)))
    people = report.get("people") or {}
    for one in people.get("agreement", ()):
        found.append((f"{' and '.join(one['raters'])} agree", _kappa(one["agreement"])))
    found.append(("Prompt of the judges", f"SHA-256 {report.get('template_sha256')}"))
    if report.get("rubric_sha256") is not None:
        found.append(("Rubric", f"SHA-256 {report['rubric_sha256']}"))
    return found


def _slice(one: Mapping[str, JsonValue]) -> str:
    counts = f"{one['judged']:,} judged, {one['labelled']:,} labelled"
    if one["difference"] is None or one["ci"] is None:
        return f"{UNKNOWN} ({counts}): {one['reason']}"
    word = f"{WORDS[one['verdict']]}: " if one["verdict"] is not None else ""
    return f"{word}{signed(one['difference'])}, corrected interval {spanned(_pair(one['ci']))} ({counts})"


def _line(one: Mapping[str, JsonValue]) -> JudgeLine:
    position = one.get("position") or {}
    bias = "" if not position.get("bias") else _bias(position["bias"])
    unread = [f"{name} {share['count']} of {share['n']}" for name, share in one.get("unread", {}).items()]
    kappas = [_named(name, _kappa(found)) for name, found in one.get("agreement", {}).items()]
    return JudgeLine(
        judge=one["judge"],
        items=f"{one['items']:,}",
        own=_own(one.get("uncorrected")),
        unread=", ".join(unread) or UNKNOWN,
        bias=bias or UNKNOWN,
        consistent=_share(position.get("consistent")),
        kappa="; ".join(kappas) or UNKNOWN,
        cost=_cost(one["spent"]),
    )


def _bias(found: Mapping[str, JsonValue]) -> str:
    return f"{signed(found['estimate'], 3)}, {spanned(_pair(found['ci']), 3)} (n = {found['n']})"


def _own(told: Mapping[str, JsonValue] | Sequence[Mapping[str, JsonValue]] | None) -> str:
    if told is None:
        return UNKNOWN
    if isinstance(told, Mapping):
        return f"{told['wins']} wins, {told['losses']} losses, {told['ties']} ties"
    return "; ".join(f"{side['model']} {_mean(side['mean'])} (n = {side['n']})" for side in told)


def _mean(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _kappa(found: Mapping[str, JsonValue]) -> str:
    if "kappa" not in found:
        return str(found.get("reason") or UNKNOWN)
    if found["kappa"] is None:
        return f"not defined (n = {found['n']})"
    ci = _pair(found.get("kappa_ci"))
    return f"{found['kappa']:.3f}, {spanned(ci, 3) if ci else 'no interval'} (n = {found['n']})"


def _named(name: str, told: str) -> str:
    return told if name == "pairs" else f"{name}: {told}"


def _share(share: Mapping[str, JsonValue] | None) -> str:
    if not share or share.get("share") is None:
        return UNKNOWN
    return f"{share['share']:.3f}, {spanned(_pair(share['ci']), 3, plus=False)} (n = {share['n']})"


def _cost(spent: Mapping[str, JsonValue]) -> str:
    if spent["unpriced"] and spent["unpriced"] == spent["calls"]:
        return f"{UNKNOWN} ({spent['calls']:,} calls)"
    more = f", {spent['unpriced']:,} of unknown cost" if spent["unpriced"] else ""
    return f"${spent['usd']} ({spent['calls']:,} calls{more})"


def _count(report: Mapping[str, JsonValue], name: str) -> str:
    value = report.get(name)
    return UNKNOWN if value is None else f"{value:,}"


def _pair(ci: Sequence[float] | None) -> tuple[float, float] | None:
    return None if ci is None else (ci[0], ci[1])
