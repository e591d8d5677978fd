"""`steelyard weigh list`: the weighings that are kept."""

from pathlib import Path

import click
import msgspec
from msgspec import Struct

from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.shown import table
from steelyard.core.errors import StoreError
from steelyard.weigh.evidence.kept import EVIDENCE
from steelyard.weigh.evidence.words import WORDS
from steelyard.weigh.runs.folder import Folder, Weighings
from steelyard.weigh.verdict import Verdict

__all__ = ["list_weighings"]


class _Decided(Struct):
    verdict: Verdict


class _Evidence(Struct):
    """What is read of a document of evidence: no more than the list shows."""

    verdict: _Decided


class _Row(Struct, frozen=True):
    """A weighing, as it is listed."""

    id: str
    created: str
    kind: str
    title: str
    models: tuple[str, ...]
    verdict: Verdict | None


@click.command("list")
@config_option
@json_option
def list_weighings(config_path: Path | None, as_json: bool) -> None:
    """Show the weighings that are kept, the newest first: id, when, what kind, the models, the verdict.

    A live weighing has a verdict here once it was reported.
    """
    weighings = Weighings(read_config(config_path).server.data_dir)
    rows, broken = [], []
    for name in reversed(weighings.ids()):
        try:
            rows.append(_row(weighings.find(name)))
        except StoreError as error:
            broken.append(str(error))
    for note in broken:
        click.echo(f"Note: {note}", err=True)
    if as_json:
        print_json(rows)
    elif rows:
        table(("ID", "WHEN", "KIND", "MODELS", "VERDICT"), [_cells(row) for row in rows])
    else:
        click.echo(f"No weighings in {weighings.path}.", err=True)


def _row(folder: Folder) -> _Row:
    plan = folder.plan()
    return _Row(folder.id, plan.created, plan.kind, plan.title, plan.models, _verdict(folder))


def _verdict(folder: Folder) -> Verdict | None:
    path = folder.path / EVIDENCE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Evidence).verdict.verdict
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check its mode.") from error
    except msgspec.DecodeError as error:
        raise StoreError(f"{path}: no evidence of a weighing: {error}") from error


def _cells(row: _Row) -> tuple[str, ...]:
    word = "unknown" if row.verdict is None else WORDS[row.verdict]
    return row.id, row.created, row.kind, ", ".join(row.models), word
