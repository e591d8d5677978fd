"""docs/reference/cli.md is what `--help` says."""

from pathlib import Path

from steelyard.cli.reference import reference
from steelyard.cli.root import PLACES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_is_what_help_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "The commands have changed. Write the page anew: python -m steelyard.cli.reference > docs/reference/cli.md"
    )


def test_every_command_has_a_section() -> None:
    headings = {line.partition(" ")[2] for line in reference().splitlines() if line.startswith("#")}
    assert {f"steelyard {name}" for name in PLACES} < headings
    assert "steelyard ledger cost" in headings
