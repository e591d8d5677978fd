"""`steelyard weigh demo`: a verdict on real models, from results that come along."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from msgspec.structs import replace
from rich.text import Text

from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.shown import console, pairs
from steelyard.cli.weigh_recorded import VERDICT_WORDS, sentence_of, show_plot, show_weighing
from steelyard.weigh.demo.cases import ATTRIBUTION, CASES, FILE, ITEMS, Answered, answered, recorded_results
from steelyard.weigh.verdict import weighing_row

__all__ = ["demo"]

_NEXT: Final = "steelyard weigh run --items FILE --models openai/gpt-4o,local/smollm2-135m --scorer exact"


@click.command()
@config_option
@click.option("--brief", is_flag=True, help="Show the verdict and its first line, and no more.")
@json_option
def demo(config_path: Path | None, brief: bool, as_json: bool) -> None:
    """Weigh recorded results of real models that come along: may an open-weight model answer instead of GPT-4o?

    Nothing is called, and nothing is fetched.
    """
    read_config(config_path)
    results = recorded_results()
    found = [answered(case, results) for case in (CASES[:1] if brief else CASES)]
    if as_json:
        print_json(_row(found))
    elif brief:
        _print_brief(found[0])
    else:
        _print(found)


def _row(found: Sequence[Answered]) -> dict[str, Any]:
    return {
        "cases": [{"question": one.case.question, **_models(one), **weighing_row(one.weighing)} for one in found],
        "items": ITEMS,
        "file": str(FILE),
        "attribution": ATTRIBUTION,
        "next": _NEXT,
    }


def _models(one: Answered) -> dict[str, str]:
    return {"baseline": one.case.baseline, "candidate": one.case.candidate}


def _print(found: Sequence[Answered]) -> None:
    screen = console()
    first, *others = found
    _print_question(first)
    show_weighing(first.weighing, first.case.asked, first.case.declared.alpha)
    screen.print()
    for one in others:
        screen.print(Text(f"{one.case.question} Margin {one.case.margin:g}."))
        _print_verdict(one)
    screen.print()
    pairs([*_places(), ("results", ATTRIBUTION), ("yours", _NEXT)])


def _print_brief(found: Answered) -> None:
    _print_question(found)
    _print_verdict(found)
    console().print()
    show_plot(replace(found.weighing, slices=()), console().width)
    console().print()
    pairs([*_places(), ("more", "steelyard weigh demo")])


def _print_question(found: Answered) -> None:
    screen = console()
    screen.print(Text(found.case.question, "bold"))
    screen.print(Text(f"{ITEMS}. Margin {found.case.margin:g}."), soft_wrap=True)
    screen.print()


def _print_verdict(found: Answered) -> None:
    word, style = VERDICT_WORDS[found.weighing.verdict]
    console().print(Text(word, style), Text(sentence_of(found.weighing, found.case.asked)), soft_wrap=True)


def _places() -> list[tuple[str, str]]:
    return [("file", str(FILE))]
