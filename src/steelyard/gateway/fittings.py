"""What a gateway is given besides its configuration."""

from collections.abc import Callable

from msgspec import Struct

from steelyard.config.engine_directory import EngineDirectory
from steelyard.gateway.access import Access
from steelyard.gateway.memory import Ask
from steelyard.gateway.shelf import Store
from steelyard.journal.writer import JournalWriter

__all__ = ["Archive", "Fittings"]


class Archive(Struct, frozen=True):
    """What the gateway may ask of the ledger: `open_store` opens what holds kept responses, when one is first asked
    for; `ask` says what was spent before, where limits want to know."""

    open_store: Callable[[], Store]
    ask: Ask


class Fittings(Struct, frozen=True):
    """What a gateway is given besides its configuration. `worker` tells its journal from those of other workers;
    `room` is how many clients the system has files for; `open_store` opens what holds the kept responses; `shared`:
    other workers listen on the same port; `traces`: calls are parts of traces."""

    access: Access
    journal: JournalWriter
    engines: EngineDirectory
    open_store: Callable[[], Store]
    worker: str = "0"
    room: int = 1_000_000
    shared: bool = False
    traces: bool = False
