"""What a gateway is given besides its configuration."""

from collections.abc import Callable

from msgspec import Struct

from steelyard.config.engine_directory import EngineDirectory
from steelyard.gateway.access import Access
from steelyard.gateway.shelf import Store
from steelyard.journal.writer import JournalWriter

__all__ = ["Fittings"]


class Fittings(Struct, frozen=True):
    """What a gateway is given besides its configuration. `worker` tells its journal from those of other workers;
    `room` is how many clients the system has files for; `open_store` opens what holds the kept responses."""

    access: Access
    journal: JournalWriter
    engines: EngineDirectory
    open_store: Callable[[], Store]
    worker: str = "0"
    room: int = 1_000_000
