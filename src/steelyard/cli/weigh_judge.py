"""`steelyard weigh judge`: ask models which answer is better, and correct what they say by people's labels."""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import click
import msgspec
import uvloop

from steelyard import __version__
from steelyard.cli.jsons import print_json
from steelyard.cli.judging_shown import show_judging
from steelyard.cli.options import Given, OptionValue, config_option, json_option, read_config
from steelyard.cli.weigh_calling import (
    calling,
    calling_options,
    check_models,
    check_prices,
    dollars_given,
    offers_of,
)
from steelyard.cli.weigh_judge_options import judging_options
from steelyard.cli.weigh_judge_work import Work, work_of
from steelyard.cli.weigh_label import source_columns
from steelyard.cli.weigh_run_shown import progress_shown, say, show_costs
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.judges.asking import Pace, ask_all, remaining
from steelyard.weigh.judges.judgement import Declared, Judgement
from steelyard.weigh.judges.report import Report, report
from steelyard.weigh.judges.till import Begun, Till, bounds_of, costs_of_asks, spent_before
from steelyard.weigh.judges.votes import VOTE_HEADS, vote_rows
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.table import read_labels
from steelyard.weigh.results.sheet import Flag
from steelyard.weigh.runs.folder import Appender
from steelyard.weigh.runs.purse import Purse
from steelyard.weigh.runs.runner import Progress

__all__ = ["judge"]


@click.command()
@judging_options
@calling_options
@source_columns
@config_option
@json_option
def judge(source: str, config_path: Path | None, as_json: bool, **given: OptionValue) -> int:
    """Ask judges about answers, and say by people's labels what their word is worth.

    RUN is a weighing's id, its beginning, `latest`, or its directory; FILE holds recorded outputs, one a row: item,
    model, prompt, output. Each pair is shown in both orders. Every call goes through the gateway, is recorded there,
    and is written down at once beside the answers: judging that was stopped goes on with --resume.

    A judge's own figures decide nothing. The verdict is by the difference that people's labels correct
    (prediction-powered inference); with too few labels it is NEED MORE, with how many would do. Exit code 0: SWAP, or
    nothing was to be decided; 1: anything else; 2: bad input.
    """
    config = read_config(config_path)
    work = work_of(source, config, given)
    _check_new(work, resume=given["resume"])
    earlier = work.source.folder.read(work.source.declared, Declared)
    stopped = _ask(work, config, given)
    made = work.made()
    labels = _labels(work, given["labels"])
    found = report(work.answers, made, len(work.asks), labels, work.way, work.asked)
    flags = (*found.flags, *_redeclared(earlier, work), *((Flag("stopped", stopped),) if stopped else ()))
    votes = _votes(work, made, given["votes_out"])
    row = {**found.row(), "flags": flags, "judgements": str(work.source.folder.path / work.source.judgements)}
    if as_json:
        print_json({**row, "votes_out": votes})
    else:
        show_judging(msgspec.structs.replace(found, flags=flags))
    return _exit_code(found)


def _exit_code(found: Report) -> int:
    if found.asked < found.planned:
        return 1
    verdict = found.outcome.verdict if found.outcome is not None else None
    return 0 if verdict in (None, "SWAP") else 1


def _check_new(work: Work, *, resume: bool) -> None:
    made = len({one.asked for one in work.made()})
    if made and not resume:
        path = work.source.folder.path / work.source.judgements
        raise ConfigError(
            f"{path}: {made} of these {len(work.asks)} judgements are there already. --resume goes on and asks for the "
            "rest alone; another --seed asks for all of them again."
        )


def _ask(work: Work, config: Config, given: Given) -> str | None:
    """Make the calls that are left; return why not all were made."""
    made = work.made()
    todo = remaining(work.asks, made)
    most = dollars_given(given["max_usd"])
    if not todo:
        return None
    judges, folder = work.way.judges, work.source.folder
    offers = offers_of(config, judges)
    costs = costs_of_asks(todo, judges, offers)
    check_prices(costs, most, unknown_allowed=given["unknown_price"] == "allow")
    show_costs(costs, most)
    on_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if on_terminal and not given["yes"] and not click.confirm("Go on?", err=True, default=True):
        return "Nothing was asked, because you said no."
    begun = [one for one in folder.read(work.source.begun, Begun) if one.asked in work.wanted]
    till = Till(Purse(most, spent_before(made, begun)), bounds_of(todo, offers))
    with (
        calling(config, given["gateway"], given["key"]) as call,
        folder.appending(work.source.judgements) as lines,
        folder.appending(work.source.begun) as starts,
        folder.appending(work.source.declared) as declared,
        progress_shown("Judging") as watch,
    ):
        desk = _Desk(lines, starts, till, watch, len(work.asks), len(work.asks) - len(todo))

        async def ask() -> str | None:
            at_once, seed = given["concurrency"], work.way.seed
            async with GatewayCaller(call.address, call.key, connections=at_once, seed=seed) as caller:
                await check_models(caller, judges, fresh=call.fresh)
                declared.append(_declared(work))
                return await ask_all(todo, work.way, caller, till, Pace(at_once, given["unread_limit"]), desk)

        try:
            return uvloop.run(ask())
        except KeyboardInterrupt:
            say("Broken off: calls under way were dropped. The same command with --resume goes on.")
            raise


class _Desk:
    """Writes judgements down, and tells how far they are."""

    def __init__(
        self,
        lines: Appender,
        starts: Appender,
        till: Till,
        watch: Callable[[Progress], None],
        total: int,
        done: int,
    ) -> None:
        self._lines, self._starts, self._till, self._watch = lines, starts, till, watch
        self._progress = Progress(done, 0, total, Decimal(0), 0)

    def begin(self, begun: Begun) -> None:
        self._starts.append(begun)

    def keep(self, judgement: Judgement) -> None:
        self._lines.append(judgement)
        before = self._progress
        self._progress = Progress(
            before.done + 1,
            before.failed + (judgement.reply is None),
            before.total,
            self._till.purse.spent + Decimal(judgement.cost_usd or 0),
            before.unpriced + (judgement.cost_usd is None),
        )
        self._watch(self._progress)


def _declared(work: Work) -> Declared:
    return Declared(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        code=__version__,
        kind=work.way.template.kind,
        judges=work.way.judges,
        template=work.way.template.sha256,
        rubric=work.way.rubric.sha256 if work.way.rubric is not None else None,
        system=work.way.template.system,
        prompt=work.way.template.prompt,
        criteria=work.way.rubric.lines() if work.way.rubric is not None else None,
        fields=work.way.fields,
        answers=work.answers.sha256,
        seed=work.way.seed,
        baseline=work.asked.baseline,
        candidate=work.asked.candidate,
        margin=work.asked.margin,
        alpha=work.asked.alpha,
        rubric_text=work.way.rubric.text if work.way.rubric is not None else None,
        families=work.asked.families,
        cluster=work.asked.cluster,
        slices=work.asked.slices,
    )


def _redeclared(earlier: Sequence[Declared], work: Work) -> Iterator[Flag]:
    """Flag a margin that is another than the one that was declared before the judges were asked."""
    asked = work.asked
    same = [
        one
        for one in earlier
        if (one.kind, one.baseline, one.candidate) == (work.way.template.kind, asked.baseline, asked.candidate)
    ]
    first = next((one for one in same if one.margin is not None), None)
    if asked.margin is None or not same:
        return
    if first is None:
        yield Flag("margin", f"The margin {asked.margin:g} was declared after the judges had been asked.")
    elif first.margin != asked.margin:
        yield Flag("margin", f"The margin was declared as {first.margin:g} on {first.at}, and is {asked.margin:g} now.")


def _labels(work: Work, given: Sequence[Path]) -> list[Label]:
    if given:
        return [label for path in given for label in read_labels(path, work.answers)]
    return work.source.folder.read(work.source.labels, Label)


def _votes(work: Work, made: Sequence[Judgement], path: Path | None) -> str | None:
    if path is None:
        return None
    text = StringIO()
    writer = csv.DictWriter(text, VOTE_HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(vote_rows(made, work.answers))
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)
