"""`steelyard weigh judge`: ask models which answer is better, and correct what they say by people's labels."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import uvloop
from msgspec import Struct

from steelyard import __version__
from steelyard.cli.jsons import print_json
from steelyard.cli.judging_shown import show_judging
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.weigh_calling import calling, calling_options, check_models, offers_of
from steelyard.cli.weigh_label import pair_of, source_columns
from steelyard.cli.weigh_run_shown import progress_shown, say, show_costs
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.asking import ask_all, remaining
from steelyard.weigh.judges.asks import Ask, Way, asks_for
from steelyard.weigh.judges.clusters import clusters_of
from steelyard.weigh.judges.judgement import Declared, Judgement
from steelyard.weigh.judges.report import Asked, Report, report
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.source import Source, find_source
from steelyard.weigh.judges.template import Kind, read_template, shipped_template
from steelyard.weigh.judges.till import Begun, Till, bounds_of, costs_of_asks, spent_before
from steelyard.weigh.judges.votes import VOTE_HEADS, vote_rows
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.table import read_labels
from steelyard.weigh.results.sheet import Flag
from steelyard.weigh.runs.folder import Appender
from steelyard.weigh.runs.prices import Cost
from steelyard.weigh.runs.purse import Purse
from steelyard.weigh.runs.runner import Progress

__all__ = ["judge"]

_COLUMNS: Final = ("item", "model", "output", "prompt")


class _Work(Struct, frozen=True, kw_only=True):
    """What is judged, how, and what is asked of it."""

    source: Source
    answers: Answers
    way: Way
    asked: Asked
    asks: tuple[Ask, ...]

    @property
    def wanted(self) -> set[str]:
        """The digests of all that is asked."""
        return {ask.asked for ask in self.asks}

    def made(self) -> list[Judgement]:
        """Return the judgements of this work that there are, oldest first."""
        wanted = self.wanted
        lines = self.source.folder.read(self.source.judgements, Judgement)
        return [one for one in lines if one.asked in wanted]


def _question(command: Any) -> Any:
    """Add the options that say what is to be decided."""
    command = click.option(
        "--family",
        "families",
        multiple=True,
        metavar="JUDGE=MODEL",
        help="JUDGE is of the same family as MODEL; repeat.",
    )(command)
    command = click.option(
        "--labels", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
        help="People's labels; without it, those that `weigh label` wrote beside the answers.",
    )(command)  # fmt: skip
    command = click.option(
        "--cluster", metavar="COL", help="Items with the same value there belong together; `none`: to nothing."
    )(command)
    command = click.option(
        "--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True,
        help="Intervals are at confidence 1 - ALPHA.",
    )(command)  # fmt: skip
    command = click.option(
        "--margin", type=click.FloatRange(0),
        help="How much worse the candidate may be: in pairs, share of losses less share of wins; by rubric, points.",
    )(command)  # fmt: skip
    command = click.option("--candidate", metavar="MODEL", help="The model that may take its place.")(command)
    return click.option("--baseline", metavar="MODEL", help="The model that answers today.")(command)


def _costing(command: Any) -> Any:
    """Add the options that say how judges are called, and for how much."""
    command = click.option(
        "--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Calls at once."
    )(command)
    command = click.option(
        "--max-tokens", type=click.IntRange(1), metavar="N", help="Ask for no longer replies; without it: no bound."
    )(command)
    command = click.option(
        "--temperature", default="0", show_default=True, metavar="T|none",
        help="`none` leaves it to the provider, where a judge refuses it.",
    )(command)  # fmt: skip
    command = click.option(
        "--unknown-price", type=click.Choice(("refuse", "allow")), default="refuse", show_default=True,
        help="Under a ceiling: what to do with a judge whose calls have no known bound.",
    )(command)  # fmt: skip
    return click.option(
        "--max-usd", metavar="USD", help="Make no call that could bring the cost above this, earlier runs included."
    )(command)


@click.command()
@click.argument("source", metavar="RUN|FILE")
@click.option("--judge", "judges", multiple=True, required=True, metavar="MODEL", help="A route or model; repeat.")
@click.option("--pairwise", is_flag=True, help="Show both answers, in both orders. This is the default.")
@click.option("--rubric", metavar="NAME|FILE", help="Score answers one by one: helpful, faithful, or a TOML file.")
@_question
@click.option("--all-pairs", is_flag=True, help="Judge every pair of models, not only baseline and candidate.")
@click.option(
    "--template", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A prompt of your own."
)
@click.option("--n", type=click.IntRange(1), help="Judge so many items, drawn by the seed; without it: all.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the order and the fences.")
@click.option("--resume", is_flag=True, help="Go on where judging stopped; with all judged, only report.")
@click.option(
    "--votes-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv", help="Votes for `weigh rank`."
)
@_costing
@calling_options
@source_columns
@config_option
@json_option
def judge(source: str, config_path: Path | None, as_json: bool, **given: Any) -> int:
    """Ask judges about answers, and say by people's labels what their word is worth.

    RUN is a weighing's id, its beginning, `latest`, or its directory; FILE holds recorded outputs, one a row: item,
    model, prompt, output. Each pair is shown in both orders. Every call goes through the gateway, is recorded there,
    and is written down at once beside the answers: judging that was stopped goes on with --resume.

    A judge's own figures decide nothing. The verdict is by the difference that people's labels correct
    (prediction-powered inference); with too few labels it is NEED MORE, with how many would do. Exit code 0: SWAP, or
    nothing was to be decided; 1: anything else; 2: bad input.
    """
    config = read_config(config_path)
    work = _work(source, config, given)
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


def _work(name: str, config: Config, given: Mapping[str, Any]) -> _Work:
    if given["pairwise"] and given["rubric"] is not None:
        raise click.UsageError("Give --pairwise or --rubric, not both.")
    if given["votes_out"] is not None and given["rubric"] is not None:
        raise click.UsageError("--votes-out writes verdicts on pairs; scores by a rubric are none.")
    source = find_source(name, config.server.data_dir)
    answers = source.answers({column: given[column] for column in _COLUMNS})
    pair = pair_of(answers, source, given)
    if given["margin"] is not None and pair is None:
        raise click.UsageError(f"--margin needs --baseline and --candidate; there are {', '.join(answers.models)}.")
    if len(answers.models) < 2:
        raise ConfigError(f"{answers.source}: only {answers.models[0]} answers there; two models are the least")
    clusters_of(answers.items, given["cluster"])
    way = _way(given)
    every = given["all_pairs"] or pair is None
    models = answers.models if every or pair is None else pair
    pairs = tuple(combinations(answers.models, 2)) if every or pair is None else (pair,)
    groups: Sequence[tuple[str, ...]] = pairs if way.rubric is None else tuple((model,) for model in models)
    asked = Asked(
        baseline=pair[0] if pair is not None else None,
        candidate=pair[1] if pair is not None else None,
        margin=given["margin"],
        alpha=given["alpha"],
        cluster=given["cluster"],
        families=_families(given["families"], way.judges, answers),
    )
    asks = asks_for(answers.items, groups, way, given["n"])
    if not asks:
        raise ConfigError(f"{answers.source}: no item has answers of both models, so there is nothing to judge")
    return _Work(source=source, answers=answers, way=way, asked=asked, asks=asks)


def _way(given: Mapping[str, Any]) -> Way:
    rubric = find_rubric(given["rubric"]) if given["rubric"] is not None else None
    kind: Kind = "pairwise" if rubric is None else "score"
    template = read_template(given["template"], kind) if given["template"] is not None else shipped_template(kind)
    fields: dict[str, Any] = {}
    if given["temperature"] != "none":
        try:
            fields["temperature"] = float(given["temperature"])
        except ValueError:
            raise click.UsageError("--temperature is a number, or none.") from None
    if given["max_tokens"] is not None:
        fields["max_tokens"] = given["max_tokens"]
    judges = tuple(dict.fromkeys(given["judges"]))
    return Way(judges=judges, template=template, rubric=rubric, fields=fields, seed=given["seed"])


def _families(given: Sequence[str], judges: Sequence[str], answers: Answers) -> dict[str, str]:
    found = {}
    for one in given:
        name, _, model = one.partition("=")
        if name not in judges or model not in answers.models:
            raise click.UsageError(
                f"--family {one}: write JUDGE=MODEL, with a --judge and one of {', '.join(answers.models)}."
            )
        found[name] = model
    return found


def _check_new(work: _Work, *, resume: bool) -> None:
    made = len({one.asked for one in work.made()})
    if made and not resume:
        path = work.source.folder.path / work.source.judgements
        raise ConfigError(
            f"{path}: {made} of these {len(work.asks)} judgements are there already. --resume goes on and asks for the "
            "rest alone; another --seed asks for all of them again."
        )


def _ask(work: _Work, config: Config, given: Mapping[str, Any]) -> str | None:
    """Make the calls that are left; return why not all were made."""
    made = work.made()
    todo = remaining(work.asks, made)
    most = _dollars(given["max_usd"])
    if not todo:
        return None
    judges, folder = work.way.judges, work.source.folder
    offers = offers_of(config, judges)
    costs = costs_of_asks(todo, judges, offers)
    _check_prices(costs, most, allowed=given["unknown_price"] == "allow")
    show_costs(costs, most)
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
            patience = given["concurrency"]
            async with GatewayCaller(call.address, call.key, connections=patience, seed=work.way.seed) as caller:
                await check_models(caller, judges, fresh=call.fresh)
                declared.append(_declared(work))
                return await ask_all(todo, work.way, caller, till, given["concurrency"], desk)

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


def _check_prices(costs: Sequence[Cost], most: Decimal | None, *, allowed: bool) -> None:
    unknown = [cost for cost in costs if cost.calls and cost.at_most_usd is None]
    if most is None or allowed or not unknown:
        return
    raise ConfigError(
        *(f"{cost.model}: {cost.why}. No ceiling can hold for calls of unknown cost." for cost in unknown),
        'Add [deployments."PROVIDER/MODEL"] price to the configuration, give --max-tokens, or say --unknown-price '
        "allow: such calls then count as nothing until their cost is known.",
    )


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        most = Decimal(text)
    except InvalidOperation:
        most = Decimal("NaN")
    if not most.is_finite() or most <= 0:
        raise click.UsageError("--max-usd is an amount above 0, like 2.50.")
    return most


def _declared(work: _Work) -> Declared:
    return Declared(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        code=__version__,
        kind=work.way.template.kind,
        judges=work.way.judges,
        template=work.way.template.sha256,
        rubric=work.way.rubric.sha256 if work.way.rubric is not None else None,
        answers=work.answers.sha256,
        seed=work.way.seed,
        baseline=work.asked.baseline,
        candidate=work.asked.candidate,
        margin=work.asked.margin,
        alpha=work.asked.alpha,
    )


def _redeclared(earlier: Sequence[Declared], work: _Work) -> Iterator[Flag]:
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


def _labels(work: _Work, given: Path | None) -> list[Label]:
    if given is not None:
        return read_labels(given, work.answers)
    return work.source.folder.read(work.source.labels, Label)


def _votes(work: _Work, made: Sequence[Judgement], path: Path | None) -> str | None:
    if path is None:
        return None
    text = StringIO()
    writer = csv.DictWriter(text, VOTE_HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(vote_rows(made, work.answers))
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)
