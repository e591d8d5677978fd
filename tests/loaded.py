"""What every process of `tests.forked` finds there: its modules, and what it reads of the package's own data.

No SQL, and no tables: what the gateway loads later, if at all, it loads itself.
"""

import gc
from importlib import import_module
from pathlib import Path

from steelyard.config.loader import load_config

__all__: list[str] = []

for _name in (
    "steelyard.cli.root",
    "steelyard.cli.gateway",
    "steelyard.cli.keys",
    "steelyard.catalog.catalogue",
    "steelyard.policy.decide",
    "tests.forked",
    "encodings.idna",
    "encodings.utf_8_sig",
):
    import_module(_name)

load_config(Path("/dev/null"), {"HOME": "/nonexistent"}, {})  # the providers are read, and the settings known
gc.collect()
gc.freeze()  # else the garbage collector of each process would look at, and so copy, all that is here
