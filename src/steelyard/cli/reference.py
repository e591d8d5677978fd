"""Print the reference of the command line as Markdown: `python -m steelyard.cli.reference > docs/reference/cli.md`."""

import sys

import click

from steelyard.cli.root import root

__all__ = ["reference"]

_WIDTH = 100

_HEAD = """\
# Command line

<!-- Written by `python -m steelyard.cli.reference > docs/reference/cli.md`. Change the commands, not this file. -->

`steelyard COMMAND --help` prints what stands here. Each command takes `--json`: results on standard output, in a form
that stays stable; notes go to standard error. An error is then
`{"error": {"message", "kind", "exit_code", "findings"}}`.

| exit code | meaning |
|---|---|
| 0 | yes, done |
| 1 | no: a check found something, a verdict failed, a model does not run |
| 2 | bad usage or input; a file, a port or a database that cannot be used |
| 130 | interrupted by Ctrl-C |
| 141 | whoever read the output went away |
"""


def reference() -> str:
    """Return the help of all commands, the root first, as Markdown."""
    context = _context(root, None, "steelyard")
    return "\n".join([_HEAD, *_sections(root, context, "##")])


def _sections(command: click.Command, context: click.Context, mark: str) -> list[str]:
    sections = [f"{mark} {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is None or child.hidden:
                continue
            sections += _sections(child, _context(child, context, name), "##" if command is root else "###")
    return sections


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    return click.Context(
        command, parent, name, terminal_width=_WIDTH, max_content_width=_WIDTH, **command.context_settings
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
