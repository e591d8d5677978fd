"""`steelyard weigh label`: say which answer is better, without knowing whose it is."""

import csv
import getpass
import os
import re
import shutil
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from textwrap import wrap
from typing import Final, TypeVar

import click
from msgspec import Struct

from steelyard.cli.jsons import print_json
from steelyard.cli.options import Given, OptionValue, config_option, json_option, read_config
from steelyard.cli.ranges import SeedRange
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.rubric import Rubric, find_rubric
from steelyard.weigh.judges.source import Source, find_source
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.session import Form, Session
from steelyard.weigh.labels.showing import Showing, showings
from steelyard.weigh.labels.standing import standing
from steelyard.weigh.labels.table import label_rows
from steelyard.weigh.runs.folder import Appender, Folder

__all__ = ["label", "pair_of", "source_columns"]

_Command = TypeVar("_Command", bound=Callable[..., object])

_COLUMNS: Final = ("item", "model", "output", "prompt")
_MOST_BY_KEY: Final = 9
_MORE: Final = "-- more: space --"
_QUITS: Final = ("q", "\x04")
# Control sequences and single shifts, as function keys and arrows send them (ECMA-48, 5.4 and 8.3.143).
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")


def source_columns(command: _Command) -> _Command:
    """Add the options that name a file's columns."""
    told = {
        "prompt": "prompt, question, input or instruction",
        "output": "output, response or completion",
        "model": "model",
        "item": "item, id or key",
    }
    for name, usual in told.items():
        command = click.option(f"--{name}", metavar="COL", help=f"FILE's column; without it: {usual}.")(command)
    return command


def pair_of(answers: Answers, source: Source, given: Given) -> tuple[str, str] | None:
    """Return baseline and candidate: as given, as the weighing declared, or the only two models; None: neither.

    Raises ConfigError where only one is given."""
    baseline, candidate = given["baseline"], given["candidate"]
    if (baseline is None) != (candidate is None):
        raise click.UsageError("Give both --baseline and --candidate, or neither.")
    if baseline is not None:
        for name in (baseline, candidate):
            if name not in answers.models:
                known = ", ".join(answers.models)
                raise ConfigError(f'{answers.source}: no model is called "{name}"; there are {known}')
        if baseline == candidate:
            raise click.UsageError("--baseline and --candidate are the same model.")
        return str(baseline), str(candidate)
    declared = source.folder.plan().declared if source.recorded is None else None
    if declared is not None:
        return declared.baseline, declared.candidate
    return (answers.models[0], answers.models[1]) if len(answers.models) == 2 else None


class _Screen(Struct, frozen=True):
    """Where texts go, and where keys come from. `by_key`: one key press each; else one line each."""

    by_key: bool
    err: bool

    def say(self, text: str) -> None:
        click.echo(text, err=self.err)

    def keys(self) -> Iterator[str]:
        """Yield what is pressed, or written on a line, in small letters; end with the input."""
        if self.by_key:
            yield from _pressed(sys.stdin.fileno())
            return
        for line in sys.stdin:
            yield line.strip().lower()

    def page(self, lines: Sequence[str], keys: Iterator[str]) -> str | None:
        """Show lines, a screenful at a time on a terminal; return a key that was pressed other than for more."""
        height = max(4, shutil.get_terminal_size().lines - 2) if self.by_key else max(1, len(lines))
        for start in range(0, len(lines), height):
            self.say("\n".join(lines[start : start + height]))
            if start + height < len(lines):
                self.say(_MORE)
                key = next(keys, "q")
                if key not in (" ", "\r", "\n"):
                    return key
        return None


def _pressed(terminal: int) -> Iterator[str]:
    """Yield keys as they are pressed; those that send an escape sequence, like arrows, are no letters and left out."""
    while pressed := os.read(terminal, 1024):
        yield from _ESCAPES.sub("", pressed.decode(errors="replace")).lower()


@contextmanager
def _by_key(wanted: bool) -> Iterator[None]:
    """Have the terminal give each key at once and show none; as it was before, afterwards."""
    if not wanted:
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@click.command()
@click.argument("source", metavar="RUN|FILE")
@click.option("--baseline", metavar="MODEL", help="One of the two models; needed where there are more than two.")
@click.option("--candidate", metavar="MODEL", help="The other one.")
@click.option("--rubric", metavar="NAME|FILE", help="Score answers one by one by this rubric, in place of pairs.")
@click.option("--n", type=click.IntRange(1), default=100, show_default=True, help="How many items to label in all.")
@click.option("--seed", type=SeedRange(), default=0, show_default=True, help="Draws the items and the sides.")
@click.option("--rater", metavar="NAME", help="Who labels; without it: your name on this machine.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Append labels there.")
@click.option("--export", is_flag=True, help="Print the labels that there are as CSV, and ask for none.")
@source_columns
@config_option
@json_option
def label(source: str, config_path: Path | None, as_json: bool, **given: OptionValue) -> int:
    """Say which of two answers is better, without knowing whose they are.

    RUN is a weighing's id, its beginning, `latest`, or its directory; FILE holds recorded outputs, one a row: item,
    model, prompt, output. Items come in an order that the seed draws, with sides drawn too, so that what you label is a
    random sample of all. Each label is written at once; begin again and you go on where you were. Where standard input
    is no terminal, one key is read from each line.
    """
    found = find_source(source, read_config(config_path).server.data_dir.expanduser())
    answers = found.answers({name: given[name] for name in _COLUMNS})
    out: Path = given["out"] or found.folder.path / found.labels
    folder = Folder(out.parent)
    if given["export"]:
        labels = folder.read(out.name, Label)
        if labels or as_json:
            _export(labels, as_json=as_json)
        else:
            click.echo(f"There are no labels in {out} yet.", err=True)
        return 0
    pair = pair_of(answers, found, given)
    if pair is None:
        raise click.UsageError(f"Give --baseline and --candidate; there are {', '.join(answers.models)}.")
    rubric = find_rubric(given["rubric"]) if given["rubric"] is not None else None
    form = _form(given, rubric)
    shown = showings(answers, pair, form.kind, form.seed, form.rater)
    most = given["n"] * (1 if rubric is None else len(pair))
    session = Session(form, shown[:most], folder.read(out.name, Label))
    screen = _Screen(sys.stdin.isatty() and form.highest <= _MOST_BY_KEY, as_json)
    with folder.appending(out.name) as appender, _by_key(screen.by_key):
        made = _converse(session, rubric, screen, appender)
    told = {"file": str(out), "rater": form.rater, "seed": form.seed, "now": made, "done": session.done}
    whole = {**told, "skipped": session.skipped, "of": session.total, "kind": form.kind}
    if as_json:
        print_json(whole)
    else:
        skipped = f", {session.skipped} of them skipped" if session.skipped else ""
        click.echo(visible(f"{session.done} of {session.total} labelled by {form.rater}{skipped}, in {out}."), err=True)
    return 0


def _form(given: Given, rubric: Rubric | None) -> Form:
    rater = given["rater"] or _own_name()
    if rubric is None:
        return Form(rater=rater, kind="pairwise", seed=given["seed"])
    return Form(rater=rater, kind="score", seed=given["seed"], lowest=rubric.lowest, highest=rubric.highest)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise ConfigError("Who labels is unknown on this machine. Give --rater NAME.") from error


def _converse(session: Session, rubric: Rubric | None, screen: _Screen, appender: Appender) -> int:
    """Show, take keys, append; return how many labels were made and stand."""
    keys = screen.keys()
    made = 0
    if rubric is not None:
        screen.say(visible(f"{rubric.title}\n{rubric.lines()}", lines=True))
    pressed: str | None = None
    fresh = True
    while True:
        showing = session.current()
        if fresh and showing is not None:
            pressed = screen.page(_lines(showing, session), keys)
            screen.say(_within(session.keys(), _width()))
        elif fresh:
            screen.say("All are labelled.   u: undo   q: quit")
        key = pressed if pressed is not None else next(keys, "q")
        pressed, fresh = None, True
        if key in _QUITS or (showing is None and key != "u"):
            return made
        at = datetime.now(UTC).isoformat(timespec="seconds")
        label = session.undo(at) if key == "u" else session.take(key, at)
        if label is None:
            screen.say("There is nothing to undo." if key == "u" else f'"{visible(key)}" means nothing here.')
            fresh = False
            continue
        appender.append(label)
        made += -1 if key == "u" else 1


def _lines(showing: Showing, session: Session) -> list[str]:
    width = _width()
    names = ("ANSWER",) if len(showing.models) == 1 else ("A", "B")
    parts = [("REQUEST", showing.item.prompt), *zip(names, showing.outputs(), strict=True)]
    lines = [_rule(f"{session.done + 1} of {session.total}", width)]
    for name, text in parts:
        lines += [_rule(name, width), *_wrapped(visible(text, lines=True), width)]
    return [*lines, _rule("", width)]


def _width() -> int:
    return max(20, shutil.get_terminal_size().columns)


def _within(keys: str, width: int) -> str:
    """Break a legend between its entries, which three blanks part, where it is wider than the terminal."""
    lines: list[str] = []
    for entry in keys.split("   "):
        longer = f"{lines[-1]}   {entry}" if lines else entry
        lines[-1:] = [longer] if len(longer) <= width or not lines else [lines[-1], entry]
    return "\n".join(lines)


def _rule(name: str, width: int) -> str:
    return f"── {name} ".ljust(width, "─") if name else "─" * width


def _wrapped(text: str, width: int) -> list[str]:
    lines = []
    for line in text.expandtabs(4).split("\n"):
        lines += wrap(line, width, drop_whitespace=False, replace_whitespace=False) or [""]
    return lines


def _export(labels: Sequence[Label], *, as_json: bool) -> None:
    rows = label_rows(labels)
    if as_json:
        print_json({"labels": rows, "standing": len(standing(labels))})
        return
    text = StringIO()
    heads = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, list(heads), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    sys.stdout.write(text.getvalue())
    sys.stdout.flush()
