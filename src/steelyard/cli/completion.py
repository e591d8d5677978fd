"""`steelyard completion`: the script that completes commands and options in a shell."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from steelyard.cli.jsons import print_json
from steelyard.cli.options import json_option

__all__ = ["completion"]

_SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@json_option
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the script for completion in SHELL.

    \b
    bash   eval "$(steelyard completion bash)"                in ~/.bashrc
    zsh    eval "$(steelyard completion zsh)"                 in ~/.zshrc
    fish   steelyard completion fish > ~/.config/fish/completions/steelyard.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.BadParameter(f"no completion for {shell}", param_hint="SHELL")
    script = found(ctx.find_root().command, {}, "steelyard", "_STEELYARD_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
