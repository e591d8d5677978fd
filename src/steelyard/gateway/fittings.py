"""What a gateway is given besides its configuration."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from steelyard.config.engine_directory import EngineDirectory
from steelyard.config.settings import CacheSettings
from steelyard.gateway.access import Access
from steelyard.gateway.borrowers import Borrowers
from steelyard.gateway.cellar import Disk
from steelyard.gateway.memory import Ask
from steelyard.gateway.partnership import Meeting
from steelyard.gateway.shelf import Store
from steelyard.journal.writer import JournalWriter

__all__ = ["Archive", "Fittings", "Seat"]


class Archive(Struct, frozen=True):
    """What the gateway may ask of the ledger: `open_store` opens what holds kept responses, when one is first asked
    for; `ask` says what was spent before, where limits want to know. `open_cache` opens what holds the answers of the
    cache outside of memory: in a data directory, or where all gateways share it. `meeting` is where gateways count
    together, if they do."""

    open_store: Callable[[], Store]
    ask: Ask
    open_cache: Callable[[Path, CacheSettings], Disk]
    meeting: Meeting | None = None


class Seat(Struct, frozen=True):
    """A gateway's place among the workers of one supervisor: its name; the sockets (file descriptors) that the
    supervisor listens on for all of them, one for each of the host's addresses, and which place in them is its `own`;
    and whether there are `several` workers. Without listeners, a gateway is alone and opens its own. `succeeds`: the
    process whose place it takes, and which retires once this one is ready."""

    worker: str = "0"
    listeners: tuple[tuple[int, ...], ...] = ()
    own: int = 0
    several: bool = False
    succeeds: int | None = None


class Fittings(Struct, frozen=True):
    """What a gateway is given besides its configuration. `seat` tells its journal from those of other workers;
    `room` is how many clients the system has files for; `open_store` opens what holds the kept responses; `traces`:
    calls are parts of traces; `borrowers`: where calls wait for what other gateways have of the same limits."""

    access: Access
    journal: JournalWriter
    engines: EngineDirectory
    open_store: Callable[[], Store]
    seat: Seat = Seat()
    room: int = 1_000_000
    traces: bool = False
    borrowers: Borrowers | None = None
