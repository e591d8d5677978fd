"""The command `steelyard`, and where each of its commands lives."""

import click

from steelyard import __version__
from steelyard.cli.edge import EdgeGroup
from steelyard.cli.lazy import Place

__all__ = ["PLACES", "main", "root"]

PLACES = {
    "gateway": Place("steelyard.cli.gateway:gateway", "Serve the endpoint: one gateway process."),
    "keys": Place("steelyard.cli.keys:keys", "Make, list and revoke callers' keys."),
}


@click.group(cls=EdgeGroup, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steelyard")
def root() -> None:
    """One endpoint in front of every language model, and the evidence to change which one answers."""


def main() -> None:
    """Run the command line and exit."""
    root.main(prog_name="steelyard")
