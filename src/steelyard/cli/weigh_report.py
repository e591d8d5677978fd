"""`steelyard weigh report`: a weighing's evidence, as a page and as canonical JSON."""

import os
from datetime import date
from pathlib import Path

import click

from steelyard.cli.card_of import tell, today
from steelyard.cli.jsons import print_json
from steelyard.cli.options import OptionValue, config_option, json_option, read_config
from steelyard.cli.shown import pairs
from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, StoreError
from steelyard.policy.known import Known
from steelyard.policy.shelf import known_of
from steelyard.weigh.evidence.canonical import seal
from steelyard.weigh.evidence.current import current_evidence, with_facts
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.kept import EVIDENCE, PAGE
from steelyard.weigh.evidence.page.render import page_of
from steelyard.weigh.evidence.words import WORDS, sentence
from steelyard.weigh.runs.folder import Weighings

__all__ = ["report"]


@click.command()
@click.argument("weighing", metavar="ID")
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the page there; without it, beside the weighing.",
)  # fmt: skip
@click.option(
    "--json-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the evidence there, as canonical JSON.",
)  # fmt: skip
@click.option("--hash-items", is_flag=True, help="Name items in the JSON by the SHA-256 of their names.")
@config_option
@json_option
def report(weighing: str, config_path: Path | None, as_json: bool, **given: OptionValue) -> None:
    """Write a weighing's evidence: one page that needs no network, and the same as JSON that anybody can recompute.

    ID is a weighing's id, its beginning, or `latest`; `steelyard weigh list` shows them. Licences, openness and
    residency are those of cards and terms on the day of the first report.
    """
    if given["hash_items"] and given["json_out"] is None:
        raise click.UsageError("--hash-items goes with --json-out: the page names no items.")
    config = read_config(config_path)
    folder = Weighings(config.server.data_dir).find(weighing)
    evidence = _known(current_evidence(folder), config, today())
    content, sha256 = seal(evidence)
    folder.write(EVIDENCE, content)
    shown = evidence
    if given["hash_items"]:
        shown = hashed(evidence)
        content, sha256 = seal(shown)
    if given["json_out"] is not None:
        _write(given["json_out"], content)
    page = given["page"] or folder.path / PAGE
    _write(page, page_of(shown, sha256).encode())
    row = {
        "id": folder.id,
        "verdict": shown.verdict.verdict,
        "html": str(page),
        "json": str(given["json_out"] or folder.path / EVIDENCE),
        "sha256": sha256,
    }
    if as_json:
        print_json(row)
        return
    models = shown.models["baseline"].name, shown.models["candidate"].name
    told = f"{WORDS[shown.verdict.verdict]} {sentence(shown.verdict, *models)}"
    pairs([("verdict", told), ("page", row["html"]), ("evidence", row["json"]), ("sha256", row["sha256"])])


def _known(evidence: Evidence, config: Config, on: date) -> Evidence:
    """Return the evidence with what is known of the models; as it is where the configuration is wrong, with a note."""

    def known() -> Known:
        return known_of(config, resolve_providers(config, os.environ), on)

    try:
        return with_facts(evidence, known, on)
    except ConfigError as error:
        tell((f"licences and residency are left out: {error.findings[0]}",))
        return evidence


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}. Check the directory.") from error
