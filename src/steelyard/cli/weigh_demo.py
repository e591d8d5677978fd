"""`steelyard weigh demo`: a verdict on real models, from results that come along."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace
from rich.text import Text

from steelyard.cli.card_of import tell, today
from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.shown import console, pairs
from steelyard.cli.weigh_recorded import VERDICT_WORDS, sentence_of, show_plot, show_weighing
from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, StoreError
from steelyard.policy.known import Known
from steelyard.policy.shelf import known_of
from steelyard.weigh.demo.cases import ATTRIBUTION, CASES, FILE, ITEMS, Answered, answered, recorded_results
from steelyard.weigh.demo.report import evidence_for, write_report
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.verdict import weighing_row

__all__ = ["demo"]

_NEXT: Final = (
    "steelyard weigh run --items FILE --models openai/gpt-4.1,local/smollm2-135m --scorer exact --margin 0.05"
)


@click.command()
@config_option
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report there; without it, in the data directory.",
)
@click.option("--brief", is_flag=True, help="Show the verdict and its first line, and no more.")
@json_option
def demo(config_path: Path | None, page: Path | None, brief: bool, as_json: bool) -> None:
    """Weigh recorded results of real models that come along: may an open-weight model answer instead of GPT-4o?

    Nothing is called, and nothing is fetched.
    """
    config = read_config(config_path)
    results = recorded_results()
    found = [answered(case, results) for case in (CASES[:1] if brief else CASES)]
    address = _reported(config, found[0], results, page)
    if as_json:
        print_json(_row(found, address))
    elif brief:
        _print_brief(found[0], address)
    else:
        _print(found, address)


def _reported(config: Config, found: Answered, results: Results, page: Path | None) -> str | None:
    """Write the report, and return its address; None where that cannot be done, and say why: the verdict is the same.

    Raises StoreError where it was asked for at a place that cannot be written."""
    now = time.time()

    def known() -> Known:
        return known_of(config, resolve_providers(config, os.environ), today())

    try:
        evidence = evidence_for(found, results, known, now)
    except ConfigError as error:
        tell((f"licences and residency are left out of the report: {error.findings[0]}",))
        evidence = evidence_for(found, results, None, now)
    try:
        return write_report(config.server.data_dir, evidence, page).absolute().as_uri()
    except StoreError as error:
        if page is not None:
            raise
        tell((f"the report is not written: {error}",))
        return None


def _row(found: Sequence[Answered], address: str | None) -> dict[str, object]:
    return {
        "cases": [{"question": one.case.question, **_models(one), **weighing_row(one.weighing)} for one in found],
        "report": address,
        "items": ITEMS,
        "file": str(FILE),
        "attribution": ATTRIBUTION,
        "next": _NEXT,
    }


def _models(one: Answered) -> dict[str, str]:
    return {"baseline": one.case.baseline, "candidate": one.case.candidate}


def _print(found: Sequence[Answered], address: str | None) -> None:
    screen = console()
    first, *others = found
    _print_question(first)
    show_weighing(first.weighing, first.case.asked, first.case.declared.alpha)
    screen.print()
    for one in others:
        screen.print(Text(f"{one.case.question} Margin {one.case.margin:g}."))
        _print_verdict(one)
    screen.print()
    pairs(
        [
            ("report", address or "not written"),
            ("results", ATTRIBUTION),
            ("file", str(FILE)),
            ("yours", _NEXT),
        ]
    )


def _print_brief(found: Answered, address: str | None) -> None:
    _print_question(found)
    _print_verdict(found)
    console().print()
    show_plot(replace(found.weighing, slices=()), console().width)
    console().print()
    pairs([("report", address or "not written"), ("more", "steelyard weigh demo")])


def _print_question(found: Answered) -> None:
    screen = console()
    screen.print(Text(found.case.question, "bold"))
    screen.print(Text(f"{ITEMS}. Margin {found.case.margin:g}."), soft_wrap=True)
    screen.print()


def _print_verdict(found: Answered) -> None:
    word, style = VERDICT_WORDS[found.weighing.verdict]
    console().print(Text(word, style), Text(sentence_of(found.weighing, found.case.asked)), soft_wrap=True)
