"""The command `steelyard`, and where each of its commands lives."""

import click

from steelyard import __version__
from steelyard.cli.edge import EdgeGroup
from steelyard.cli.lazy import Place

__all__ = ["PLACES", "main", "root"]

PLACES = {
    "quickstart": Place("steelyard.cli.quickstart:quickstart", "Fetch a small model, serve it, ask it one question."),
    "up": Place("steelyard.cli.up:up", "Start everything: gateways, local models, the clerk."),
    "restart": Place("steelyard.cli.restart:restart", "Replace the gateways without refusing a connection."),
    "gateway": Place("steelyard.cli.gateway:gateway", "Serve the endpoint: one gateway process."),
    "engine": Place("steelyard.cli.engine:engine", "Run local models with llama.cpp."),
    "clerk": Place("steelyard.cli.clerk:clerk", "Take the journal into the ledger: one process."),
    "init": Place("steelyard.cli.init:init", "Write a commented steelyard.toml from what is found here."),
    "check": Place("steelyard.cli.check:check", "Check configuration, keys, prices and providers."),
    "models": Place("steelyard.cli.models:models", "List, show, pull and remove local models."),
    "keys": Place("steelyard.cli.keys:keys", "Make, list and revoke callers' keys."),
    "limits": Place("steelyard.cli.limits:limits", "Show what is taken of limits, and what is left."),
    "budgets": Place("steelyard.cli.limits:budgets", "Show what is spent of budgets, and what is left."),
    "cache": Place("steelyard.cli.cache:cache", "Show and clear the answers that are given again."),
    "routes": Place("steelyard.cli.routes:routes", "List routes and explain their plans."),
    "card": Place("steelyard.cli.card:card", "Read, check, convert and sign the cards of models."),
    "policy": Place("steelyard.cli.policy:policy", "Decide who may use what, and cite the clause."),
    "weigh": Place("steelyard.cli.weigh:weigh", "Compare models on the same items."),
    "ledger": Place("steelyard.cli.ledger:ledger", "Ask what was called and what it cost."),
    "bench": Place("steelyard.cli.bench:bench", "Measure the gateway against nginx and direct calls."),
    "completion": Place("steelyard.cli.completion:completion", "Print the script for completion in SHELL."),
}


@click.group(cls=EdgeGroup, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steelyard")
def root() -> None:
    """One endpoint in front of every language model, and the evidence to change which one answers."""


def main() -> None:
    """Run the command line and exit."""
    root.main(prog_name="steelyard")
