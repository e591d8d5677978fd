"""`steelyard weigh`: may one model take another's place?"""

from importlib.util import find_spec

import click

from steelyard.cli.lazy import LazyGroup, Place
from steelyard.core.errors import ConfigError

__all__ = ["PLACES", "weigh"]

PLACES = {
    "demo": Place("steelyard.cli.weigh_demo:demo", "Weigh recorded results of real models that come along."),
    "recorded": Place("steelyard.cli.weigh_recorded:recorded", "Weigh two models by recorded results."),
    "run": Place("steelyard.cli.weigh_run:run", "Ask models through the gateway, and weigh them."),
    "report": Place("steelyard.cli.weigh_report:report", "Write a weighing's evidence, as a page and as JSON."),
    "verify": Place("steelyard.cli.weigh_verify:verify", "Compute a report's numbers again, and say what differs."),
    "list": Place("steelyard.cli.weigh_list:list_weighings", "Show the weighings that are kept."),
    "rank": Place("steelyard.cli.weigh_rank:rank", "Rank many models by scores or by votes."),
    "judge": Place("steelyard.cli.weigh_judge:judge", "Ask judges, and correct them by people's labels."),
    "label": Place("steelyard.cli.weigh_label:label", "Label answers blind, in the terminal."),
    "score": Place("steelyard.cli.weigh_score:score", "Score recorded outputs."),
    "import": Place("steelyard.cli.weigh_import:import_logs", "Read or run Inspect and lm-evaluation-harness."),
}

_CALLING = frozenset({"judge", "run"})
"""Commands that call the gateway."""


class _WeighGroup(LazyGroup):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command. Raises ConfigError where what it computes with is not installed."""
        needed = ("numpy", "scipy", "aiohttp") if cmd_name in _CALLING else ("numpy", "scipy")
        if cmd_name in self.places and not all(map(find_spec, needed)):
            told = ", ".join(needed)
            raise ConfigError(f"steelyard weigh {cmd_name} needs {told}: pip install 'steelyard[weigh]'")
        return super().get_command(ctx, cmd_name)


@click.group(cls=_WeighGroup, places=PLACES)
def weigh() -> None:
    """Compare models on the same items, and say whether one may take the other's place.

    It needs the extra `weigh`: pip install 'steelyard[weigh]'.
    """
