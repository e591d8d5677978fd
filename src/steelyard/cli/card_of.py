"""The card that a person names on the command line: a model, or a file."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
from msgspec import Struct

from steelyard.catalog.cards import Card
from steelyard.catalog.catalogue import SHIPPED, Catalogue
from steelyard.catalog.formats.any_card import MARKDOWN, YAML, import_card, read_cards
from steelyard.catalog.local_cards import local_card
from steelyard.cli.options import read_config
from steelyard.cli.visible import visible
from steelyard.core.errors import NotFound
from steelyard.documents.findings import nearest
from steelyard.policy.shelf import catalogue_of

__all__ = ["Shelf", "Subject", "cards_option", "is_file", "tell", "today"]

_Command = TypeVar("_Command", bound=Callable[..., object])
_LOCAL: Final = "local/"
_SUFFIXES: Final = (".toml", ".json", *MARKDOWN, *YAML)


class Subject(Struct, frozen=True):
    """A card, the file that it stands in, where that is known, and what that file says beyond it."""

    card: Card
    file: Path | None = None
    notes: tuple[str, ...] = ()


class Shelf:
    """The cards that are known here: those of the configuration and of `--cards` come before the shipped ones."""

    def __init__(self, config: Path | None, cards: Path | None, on: date) -> None:
        self.on = on
        self._cards = cards
        self._config = read_config(config)
        self.catalogue: Catalogue = catalogue_of(self._config, on)
        if cards is not None:
            self.catalogue = self.catalogue.with_cards(read_cards(cards, on, self.catalogue))

    def find(self, name: str) -> Subject:
        """Return the card of a model, or at a path, which ends in .toml, .md, .yml or .json.

        Raises ConfigError for a broken file, NotFound for a model without a card."""
        if is_file(name):
            path = Path(name)
            found = import_card(path, self.on)
            return Subject(found.card, path, found.notes)
        card = self.catalogue.card(name)
        if card is None and name.startswith(_LOCAL):
            stored = name.removeprefix(_LOCAL)
            card = local_card(self._config.server.data_dir, stored)
            if card is not None:
                return Subject(card, self._config.server.data_dir / "models" / stored / "card.toml")
        if card is None:
            near = nearest(name, self.catalogue.cards, "; steelyard card list shows those that are known")
            raise NotFound(
                f'No card is known of "{name}"{near}. A file is named with its ending: ./CARD.toml, ./CARD.md.'
            )
        return Subject(card, self._file_of(card))

    def all(self) -> list[Subject]:
        """Return every card that is known, by model."""
        cards = sorted(self.catalogue.cards.values(), key=lambda card: card.model.casefold())
        return [Subject(card, self._file_of(card)) for card in cards]

    def _file_of(self, card: Card) -> Path | None:
        """Return where a card stands, by the name that its file must have."""
        name = card.model.replace("/", "__")
        folders = (self._cards, self._config.policy.cards, SHIPPED / "cards")
        paths = (folder / f"{name}{suffix}" for folder in folders if folder is not None for suffix in (".toml", ".md"))
        return next((path for path in paths if path.is_file()), None)


def is_file(name: str) -> bool:
    """Say whether a name is that of a file: by its ending, which no model has."""
    return Path(name).suffix.lower() in _SUFFIXES


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def tell(notes: tuple[str, ...]) -> None:
    """Print notes on standard error."""
    for note in notes:
        click.echo(visible(f"Note: {note}"), err=True)


def cards_option(command: _Command) -> _Command:
    """Add `--cards DIR`, as `cards`."""
    return click.option(
        "--cards",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="DIR",
        help="Further cards: TOML, and Hugging Face's called OWNER__NAME.md.",
    )(command)
