"""A judging's report, for people."""

from collections.abc import Iterator
from decimal import Decimal

import click
from rich.text import Text

from steelyard.cli.shown import console, table, usd_of
from steelyard.cli.visible import visible
from steelyard.cli.weigh_recorded import VERDICT_WORDS
from steelyard.weigh.judges.figures import JudgeFigures, PairFigures
from steelyard.weigh.judges.report import Report
from steelyard.weigh.judges.verdict import Outcome
from steelyard.weigh.judging.agreement import Agreement
from steelyard.weigh.judging.prediction_powered import Refused
from steelyard.weigh.judging.proportions import Share
from steelyard.weigh.judging.self_preference import SelfPreference

__all__ = ["show_judging"]


def show_judging(report: Report) -> None:
    """Print a report: the verdict on top, what it rests on, each judge, and the flags."""
    screen = console()
    if report.outcome is not None:
        _verdict(report, report.outcome)
        click.echo()
    table(
        ("JUDGE", "ITEMS", "UNREAD", "TIES", "CONSISTENT", "POSITION BIAS", "KAPPA WITH PEOPLE", "COST"),
        [_judge(one) for one in report.judges],
        right=("ITEMS",),
    )
    click.echo()
    for line in _uncorrected(report):
        screen.print(Text(visible(line)), soft_wrap=True)
    for one in report.judges:
        for line in _own(one):
            screen.print(Text(visible(line)), soft_wrap=True)
    for name, said in _facts(report):
        screen.print(Text(f"{name:<8}", "bold"), Text(visible(said)), soft_wrap=True)
    for flag in report.flags:
        screen.print(Text(f"! {flag.kind}:", "yellow"), Text(visible(flag.text)), soft_wrap=True)


def _verdict(report: Report, outcome: Outcome) -> None:
    screen = console()
    if outcome.verdict is not None:
        word, style = VERDICT_WORDS[outcome.verdict]
        screen.print(Text(word, style), Text(visible(_sentence(report, outcome))), soft_wrap=True)
    elif outcome.reason is not None:
        screen.print(Text(visible(outcome.reason)), soft_wrap=True)
    if outcome.ci is not None:
        told = f"{outcome.difference:+.4f} [{outcome.ci[0]:+.4f}, {outcome.ci[1]:+.4f}]"
        unit = "share of wins less share of losses" if report.kind == "pairwise" else "points of the scale"
        screen.print(Text(f"  difference, as people would have it: {told} ({unit})"), soft_wrap=True)


def _sentence(report: Report, outcome: Outcome) -> str:
    margin = f"{report.margin:g}"
    if outcome.verdict == "SWAP":
        return (
            f"{report.candidate} may take the place of {report.baseline}: it is worse by less than {margin}, if at all."
        )
    if outcome.verdict == "DONT":
        return f"{report.candidate} may not take the place of {report.baseline}: it is worse by more than {margin}."
    needed = outcome.labels_needed
    more = f" Labels needed: {needed:,} more, {outcome.labelled + needed:,} in all." if needed is not None else ""
    return f"{outcome.reason or 'Nothing is decided.'}{more}"


def _judge(one: JudgeFigures) -> tuple[str, ...]:
    position = one.position
    bias = "none"
    if position is not None and position.bias is not None:
        bias = f"{position.bias.estimate:+.3f} [{position.bias.ci[0]:+.3f}, {position.bias.ci[1]:+.3f}]"
    unread = ", ".join(f"{name} {share.count}" for name, share in one.unread.items())
    return (
        one.judge,
        f"{one.items:,}",
        unread or "none",
        _share(position.ties) if position is not None else "",
        _share(position.consistent) if position is not None else "",
        bias if position is not None else "",
        "; ".join(_agreement(name, found) for name, found in one.agreement.items()) or "no labels",
        _cost(one),
    )


def _cost(one: JudgeFigures) -> str:
    if one.spent.unpriced == one.spent.calls and one.spent.unpriced:
        return "unknown"
    more = f" and {one.spent.unpriced} calls of unknown cost" if one.spent.unpriced else ""
    return f"{usd_of(Decimal(one.spent.usd))}{more}"


def _share(share: Share) -> str:
    return "unknown" if share.share is None else f"{share.share:.3f} of {share.n}"


def _agreement(name: str, found: Agreement | Refused) -> str:
    head = "" if name == "pairs" else f"{name}: "
    if isinstance(found, Refused):
        return f"{head}no labels"
    if found.kappa is None:
        return f"{head}not defined (n = {found.n})"
    interval = f" [{found.kappa_ci[0]:.3f}, {found.kappa_ci[1]:.3f}]" if found.kappa_ci is not None else ", no interval"
    return f"{head}{found.kappa:.3f}{interval} (n = {found.n})"


def _uncorrected(report: Report) -> Iterator[str]:
    for one in report.judges:
        if isinstance(one.uncorrected, PairFigures):
            own = one.uncorrected
            rate = "unknown"
            if own.win_rate is not None and own.win_rate_ci is not None:
                rate = f"{own.win_rate:.4f} [{own.win_rate_ci[0]:.4f}, {own.win_rate_ci[1]:.4f}]"
            counts = f"{own.wins} wins, {own.losses} losses, {own.ties} ties, {own.unread} unread"
            yield f"not corrected, no verdict: {one.judge} gives {report.candidate} {counts}; win rate {rate}"
        elif one.uncorrected is not None:
            means = ", ".join(
                f"{side.model} {'unknown' if side.mean is None else f'{side.mean:.3f}'} "
                f"({side.n} read, {side.unread} unread)"
                for side in one.uncorrected
            )
            yield f"not corrected, no verdict: {one.judge} gives {means}"


def _own(one: JudgeFigures) -> Iterator[str]:
    found = one.self_preference
    if isinstance(found, Refused):
        yield f"self-preference of {one.judge} for {one.own}: not known. {found.reason}"
    elif isinstance(found, SelfPreference):
        low, high = found.excess.ci
        yield (
            f"self-preference of {one.judge} for {one.own}: {found.excess.estimate:+.3f} [{low:+.3f}, {high:+.3f}] "
            f"more of the preference than people give it (n = {found.pairs})"
        )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    outcome = report.outcome
    if outcome is not None:
        clusters = "" if outcome.clusters is None else f", {outcome.clusters} clusters"
        yield "items", f"{report.items:,}, {outcome.judged:,} of them judged, {outcome.labelled:,} labelled{clusters}"
        yield "method", f"{outcome.method}; {100 * (1 - report.alpha):g} %; seed {report.seed}"
    if outcome is not None and outcome.corrected is not None:
        found = outcome.corrected
        gain = "" if found.gain is None else f", worth {found.gain:.2f} times the labels alone"
        labels = f"labels alone {found.by_labels:+.4f} (standard error {found.by_labels_se:.4f})"
        yield "rests on", f"{labels}; judges trusted at {found.weight:.3f}{gain}"
    people = report.people
    if people.raters:
        yield "people", f"{', '.join(people.raters)}; {people.labels:,} labelled items"
    for pair in people.agreement:
        yield "", f"{' and '.join(pair.raters)}: kappa {_agreement('pairs', pair.agreement)}"
    rubric = f", rubric {report.rubric_sha256[:12]}" if report.rubric_sha256 is not None else ""
    yield "prompts", f"template {report.template_sha256[:12]}{rubric}; answers {report.inputs_sha256[:12]} (SHA-256)"
