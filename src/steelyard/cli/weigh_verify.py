"""`steelyard weigh verify`: does a report's verdict follow from its rows, and are the rows those of the files?"""

from pathlib import Path
from typing import Final

import click
import msgspec

from steelyard.cli.jsons import print_json
from steelyard.cli.options import json_option
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.canonical import Sealed, read_sealed
from steelyard.weigh.evidence.directory import against_folder
from steelyard.weigh.evidence.inputs import against_files
from steelyard.weigh.evidence.verify import TOLERANCE, Checked, verified
from steelyard.weigh.evidence.words import WORDS
from steelyard.weigh.runs.folder import Folder

__all__ = ["verify"]

_MOST_SHOWN: Final = 20
_NEED_INPUTS: Final = ("Flags that only the inputs", "What judges and people said")
_FIRST: Final = ("$.sha256", "$.inputs", "$.rows", "$.left_out", "$.calls")
_PATH: Final = click.Path(path_type=Path)


@click.command()
@click.argument("report", type=_PATH, metavar="REPORT.json")
@click.argument("more", type=_PATH, nargs=-1, metavar="")
@click.option(
    "--inputs", type=_PATH, multiple=True, metavar="FILE...",
    help="The files that were weighed; of a live weighing, its directory. They are read anew.",
)  # fmt: skip
@json_option
def verify(report: Path, more: tuple[Path, ...], inputs: tuple[Path, ...], as_json: bool) -> int:
    """Compute a report's verdict and every number again, and say that they are equal, or what differs.

    REPORT.json is what `steelyard weigh report --json-out` wrote. Without --inputs it is checked that the report is
    whole and follows from its own rows; with them, that the rows are what the files hold. Exit code 0: equal; 1:
    something differs; 2: it cannot be read.
    """
    if more and not inputs:
        raise click.UsageError("One report at a time; the files that were weighed follow --inputs.")
    read = read_sealed(report)
    checked = verified(read)
    if inputs:
        checked = _joined(checked, _against(read, (*inputs, *more)))
    else:
        told = "The rows were not compared with what was weighed: --inputs FILE reads that anew."
        checked = msgspec.structs.replace(checked, notes=(*checked.notes, told))
    if as_json:
        print_json(
            {
                "equal": not checked.differences,
                "id": read.evidence.id,
                "verdict": read.evidence.verdict.verdict,
                "sha256": read.stated,
                "differences": checked.differences,
                "compared": checked.compared,
                "notes": checked.notes,
                "tolerance": TOLERANCE,
            }
        )
    else:
        _tell(checked, WORDS[read.evidence.verdict.verdict])
    return 1 if checked.differences else 0


def _against(read: Sealed, paths: tuple[Path, ...]) -> Checked:
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise ConfigError(f"{folders[0]} is a directory: give the files, or the one directory of a live weighing")
    return against_folder(read, Folder(folders[0])) if folders else against_files(read, paths)


def _joined(rows: Checked, inputs: Checked) -> Checked:
    """Return both: what was found by the inputs takes the place of what was found by the rows, and rows come first."""
    found = {one.path: one for one in (*rows.differences, *inputs.differences)}
    ordered = sorted(found.values(), key=lambda one: not one.path.startswith(_FIRST))
    notes = [note for note in rows.notes if not (inputs.compared and note.startswith(_NEED_INPUTS))]
    return Checked(tuple(ordered), (*rows.compared, *inputs.compared), (*notes, *inputs.notes))


def _tell(checked: Checked, word: str) -> None:
    for found in checked.differences[:_MOST_SHOWN]:
        click.echo(visible(f"{found.path}: the report says {_short(found.stated)}, computed {_short(found.computed)}"))
    left = len(checked.differences) - _MOST_SHOWN
    if left > 0:
        click.echo(f"… and {left:,} more like these")
    if checked.differences:
        number = len(checked.differences)
        click.echo(f"NOT EQUAL: {number:,} difference{'' if number == 1 else 's'}")
    else:
        click.echo(f"equal: {word} follows. Compared: {'; '.join(checked.compared)}. Tolerance {TOLERANCE:g}.")
    for note in checked.notes:
        click.echo(visible(f"Note: {note}"), err=True)


def _short(value: object) -> str:
    told = msgspec.json.encode(value).decode()
    return told if len(told) <= 200 else f"{told[:199]}…"
