"""A judging's report, for people."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from steelyard.cli.shown import console, table, usd_of
from steelyard.cli.visible import visible
from steelyard.cli.weigh_recorded import VERDICT_WORDS
from steelyard.weigh.judges.figures import JudgeFigures, PairFigures, ScoreFigures
from steelyard.weigh.judges.report import Report
from steelyard.weigh.judges.slices import JudgedSlice
from steelyard.weigh.judges.verdict import Outcome
from steelyard.weigh.judging.agreement import Agreement
from steelyard.weigh.judging.prediction_powered import Refused
from steelyard.weigh.judging.proportions import Share
from steelyard.weigh.judging.self_preference import SelfPreference
from steelyard.weigh.verdict import decided

__all__ = ["show_judging"]

_STOPPED: Final = "stopped"
_SLICE: Final = "slice"
_ON_TOP: Final = (_STOPPED, _SLICE)
"""Kinds of flags that stand above everything else."""


def show_judging(report: Report) -> None:
    """Print a report: the verdict on top, what it rests on, each judge, and the flags."""
    screen = console()
    for flag in report.flags:
        if flag.kind == _STOPPED:
            screen.print(Text("Stopped.", "bold yellow"), Text(visible(flag.text)), soft_wrap=True)
            click.echo()
    if report.outcome is not None:
        _verdict(report, report.outcome)
        click.echo()
    _slices(report, screen)
    for one in report.judges:
        screen.print(Text("judge   ", "bold"), Text(visible(f"{one.judge}: {one.items:,} items, {_cost(one)}")))
        for name, said in _judge(one, report):
            screen.print(Text(f"  {name:<13}"), Text(visible(said)), soft_wrap=True)
    for name, said in _facts(report):
        screen.print(Text(f"{name:<8}", "bold"), Text(visible(said)), soft_wrap=True)
    for flag in report.flags:
        if flag.kind in _ON_TOP:
            continue
        screen.print(Text(f"! {flag.kind}:", "yellow"), Text(visible(flag.text)), soft_wrap=True)


def _verdict(report: Report, outcome: Outcome) -> None:
    screen = console()
    if outcome.verdict is not None:
        word, style = VERDICT_WORDS[outcome.verdict]
        screen.print(Text(word, style), Text(visible(_sentence(report, outcome))), soft_wrap=True)
    elif outcome.reason is not None:
        screen.print(Text(visible(outcome.reason)), soft_wrap=True)
    for flag in report.flags:
        if flag.kind == _SLICE:
            screen.print(Text(f"  {visible(flag.text)}", "bold red"), soft_wrap=True)
    if outcome.ci is not None:
        told = f"{outcome.difference:+.4f} [{outcome.ci[0]:+.4f}, {outcome.ci[1]:+.4f}]"
        unit = "share of wins less share of losses" if report.kind == "pairwise" else "points of the scale"
        screen.print(Text(f"  difference, as people would have it: {told} ({unit})"), soft_wrap=True)


def _slices(report: Report, screen: Console) -> None:
    """Print a line a slice: how many items, the corrected difference, and what it says of the margin."""
    if not report.slices:
        return
    cells = [
        (f"{one.name} = {one.value}", f"{one.judged:,}", f"{one.labelled:,}", _difference(one), _word(one))
        for one in report.slices
    ]
    table(("SLICE", "JUDGED", "LABELLED", "DIFFERENCE", ""), cells, right=("JUDGED", "LABELLED"))
    click.echo()


def _difference(one: JudgedSlice) -> str:
    if one.difference is None or one.ci is None:
        return "unknown"
    return f"{one.difference:+.4f} [{one.ci[0]:+.4f}, {one.ci[1]:+.4f}]"


def _word(one: JudgedSlice) -> Text:
    if one.verdict is None:
        return Text("")
    word, style = VERDICT_WORDS[one.verdict]
    return Text(word, style)


def _sentence(report: Report, outcome: Outcome) -> str:
    margin = f"{report.margin:g}"
    if outcome.verdict == "SWAP":
        return (
            f"{report.candidate} may take the place of {report.baseline}: it is worse by less than {margin}, if at all."
        )
    if outcome.verdict == "DONT" and decided(outcome.ci, report.margin or 0.0) != "DONT":
        return f"{report.candidate} may not take the place of {report.baseline}: not everywhere."
    if outcome.verdict == "DONT":
        return f"{report.candidate} may not take the place of {report.baseline}: it is worse by more than {margin}."
    needed = outcome.labels_needed
    more = f" Labels needed: {needed:,} more, {outcome.labelled + needed:,} in all." if needed is not None else ""
    return f"{outcome.reason or 'Nothing is decided.'}{more}"


def _judge(one: JudgeFigures, report: Report) -> Iterator[tuple[str, str]]:
    yield "unread", ", ".join(f"{share.count} of {share.n} {name}" for name, share in one.unread.items()) or "none"
    if one.position is not None:
        order = f"the same verdict in both {_share(one.position.consistent)}; ties {_share(one.position.ties)}"
        yield "both orders", order
    if one.position is not None and one.position.bias is not None:
        low, high = one.position.bias.ci
        yield "first place", f"preferred by {one.position.bias.estimate:+.3f} [{low:+.3f}, {high:+.3f}] of a verdict"
    for name, agreed in one.agreement.items():
        yield "with people", f"{'' if name == 'pairs' else f'{name}: '}{_agreement(agreed)}"
    yield from _own(one)
    if one.uncorrected is not None:
        yield "uncorrected", f"no verdict: {_uncorrected(one.uncorrected, report)}"


def _cost(one: JudgeFigures) -> str:
    if one.spent.unpriced == one.spent.calls and one.spent.unpriced:
        return "unknown"
    more = f" and {one.spent.unpriced} calls of unknown cost" if one.spent.unpriced else ""
    return f"{usd_of(Decimal(one.spent.usd))}{more}"


def _share(share: Share) -> str:
    return "unknown" if share.share is None else f"{share.share:.3f} of {share.n}"


def _agreement(found: Agreement | Refused) -> str:
    if isinstance(found, Refused):
        return f"unknown. {found.reason}"
    same = f"the same on {_share(found.raw)}"
    if found.kappa is None:
        return f"{same}; kappa is not defined"
    interval = f" [{found.kappa_ci[0]:.3f}, {found.kappa_ci[1]:.3f}]" if found.kappa_ci is not None else ", no interval"
    return f"kappa {found.kappa:.3f}{interval}; {same}"


def _uncorrected(found: PairFigures | tuple[ScoreFigures, ...], report: Report) -> str:
    if not isinstance(found, PairFigures):
        return ", ".join(
            f"{side.model} {'unknown' if side.mean is None else f'{side.mean:.3f}'} ({side.n} read)" for side in found
        )
    rate = "unknown"
    if found.win_rate is not None and found.win_rate_ci is not None:
        rate = f"{found.win_rate:.4f} [{found.win_rate_ci[0]:.4f}, {found.win_rate_ci[1]:.4f}]"
    counts = f"{found.wins} wins, {found.losses} losses, {found.ties} ties, {found.unread} unread"
    return f"{counts} of {report.candidate}; win rate {rate}"


def _own(one: JudgeFigures) -> Iterator[tuple[str, str]]:
    found = one.self_preference
    if isinstance(found, Refused):
        yield "own side", f"{one.own}; self-preference unknown. {found.reason}"
    elif isinstance(found, SelfPreference):
        low, high = found.excess.ci
        excess = f"{found.excess.estimate:+.3f} [{low:+.3f}, {high:+.3f}]"
        yield "own side", f"{one.own}; {excess} more of the preference than people give it, n = {found.pairs}"


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    outcome = report.outcome
    if outcome is not None:
        clusters = "" if outcome.clusters is None else f", {outcome.clusters} clusters"
        yield "items", f"{report.items:,}, {outcome.judged:,} of them judged, {outcome.labelled:,} labelled{clusters}"
        slices = f"; slices corrected by Holm over {len(report.slices)}" if report.slices else ""
        yield "method", f"{outcome.method}; {100 * (1 - report.alpha):g} %{slices}; seed {report.seed}"
    if outcome is not None and outcome.corrected is not None:
        found = outcome.corrected
        gain = "" if found.gain is None else f", worth {found.gain:.2f} times the labels alone"
        labels = f"labels alone {found.by_labels:+.4f} (standard error {found.by_labels_se:.4f})"
        yield "rests on", f"{labels}; judges trusted at {found.weight:.3f}{gain}"
    people = report.people
    if people.raters:
        yield "people", f"{', '.join(people.raters)}; {people.labels:,} labelled items"
    for pair in people.agreement:
        yield "", f"{' and '.join(pair.raters)}: {_agreement(pair.agreement)}"
    rubric = f", rubric {report.rubric_sha256[:12]}" if report.rubric_sha256 is not None else ""
    yield "prompts", f"template {report.template_sha256[:12]}{rubric}; answers {report.inputs_sha256[:12]} (SHA-256)"
