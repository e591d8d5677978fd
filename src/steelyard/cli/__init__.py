"""The command line: one module a command or a group of commands, imported when it is called.

root.py        the command `steelyard` and the table of all others
lazy.py        a group that imports a command when it is chosen
edge.py        where errors become words and exit codes
options.py     options that several commands share
"""

from steelyard.cli.root import main

__all__ = ["main"]
