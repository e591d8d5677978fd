"""The keeper of one data directory's engines: starts models at boot and on demand, restarts them, publishes where they
answer."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from steelyard.config.engine_directory import EngineEntry, EngineTable, engines_file
from steelyard.config.settings import ModelSettings
from steelyard.core.errors import EngineError, SteelyardError
from steelyard.engines.control import Answer, serve_control
from steelyard.engines.engine import Engine, Restarts
from steelyard.engines.order import order_for
from steelyard.engines.store import ModelStore

__all__ = ["Keeper", "run_engine"]

_LOOK_S = 1.0


class Keeper:
    """Keep the engines of `data_dir`. Use it as an asynchronous context: entering takes the directory's lock, opens the
    control API and publishes; leaving stops all engines. EngineError when another keeper has the directory."""

    def __init__(
        self, data_dir: Path, settings: Mapping[str, ModelSettings], *, restarts: Restarts | None = None
    ) -> None:
        self._data_dir = data_dir.expanduser()
        self._settings = settings
        self._restarts = restarts or Restarts()
        self._store = ModelStore(data_dir)
        self._engines: dict[str, Engine] = {}
        self._file = engines_file(data_dir)
        self._lock = -1
        self._control: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stored: list[str] = []

    @property
    def models(self) -> dict[str, EngineEntry]:
        """All models that are stored or running, by name."""
        stopped = {name: EngineEntry("stopped") for name in self._stored}
        return stopped | {name: engine.entry for name, engine in self._engines.items()}

    async def start(self, name: str) -> str:
        """Start the model `name` when it does not run, and return its address once it answers. StoreError when there is
        no such model, EngineError when it does not run."""
        engine = self._engines.get(name)
        if engine is None or engine.entry.state in ("stopped", "failed"):
            order = order_for(self._store.get_model(name), self._settings.get(name, ModelSettings()))
            if engine is None or engine.order != order:
                log = self._data_dir / "logs" / f"engine-{name}.log"
                engine = self._engines[name] = Engine(order, log, self._restarts, self._publish)
        return await engine.start()

    async def stop(self, name: str) -> None:
        """Stop the model `name`; nothing happens when it does not run."""
        if engine := self._engines.get(name):
            await engine.stop()

    async def __aenter__(self) -> Self:
        self._take_lock()
        self._stored = self._store.names()
        self._control = await serve_control(self._act)
        self._publish()
        self._watch = asyncio.create_task(self._watch_store(), name="watch the model store")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        control, self._control = self._control, None  # from here on nothing is published
        self._file.unlink(missing_ok=True)
        if control:
            control.close()
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))
        os.close(self._lock)

    def _take_lock(self) -> None:
        self._file.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.parent.mkdir(exist_ok=True)
        self._lock = os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise EngineError(
                f"Another process keeps the engines of {self._data_dir}. It starts models when they are called; "
                "to run them here, stop it first (steelyard up, or steelyard engine)."
            ) from None

    def _publish(self) -> None:
        if self._control is None:
            return
        host, port = self._control.sockets[0].getsockname()
        table = EngineTable(f"http://{host}:{port}", os.getpid(), self.models)
        fresh = self._file.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(table)))
        fresh.replace(self._file)

    async def _watch_store(self) -> None:
        # So that a model pulled by another process is published, and then offered by the gateway.
        while True:
            await asyncio.sleep(_LOOK_S)
            stored = self._store.names()
            if stored != self._stored:
                self._stored = stored
                self._publish()

    async def _act(self, method: str, verb: str, name: str) -> Answer:
        match method, verb, name:
            case "GET", "models", "":
                return 200, self.models
            case "POST", "start", _ if name:
                return 200, {"address": await self.start(name)}
            case "POST", "stop", _ if name:
                await self.stop(name)
                return 200, {}
        return 404, {"error": f"{method} /{verb} is unknown. There are GET /models, POST /start/NAME, POST /stop/NAME."}


async def run_engine(
    data_dir: Path,
    models: Sequence[str],
    settings: Mapping[str, ModelSettings],
    announce: Callable[[str], None],
) -> None:
    """Keep engines until SIGTERM, SIGINT or cancellation, and start `models` now; without names, those of the store
    whose settings say `start = "boot"`. `announce` gets lines for a person. Raises StoreError for a name that is not
    stored, and EngineError when another keeper runs or none of the models named can be started."""
    store = ModelStore(data_dir)
    for name in models:
        store.get_model(name)
    at_boot = [name for name in store.names() if settings.get(name, ModelSettings()).start == "boot"]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        async with Keeper(data_dir, settings) as keeper:
            begin = asyncio.create_task(_begin(keeper, models or at_boot, announce))
            stopped = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait([begin, stopped], return_when=asyncio.FIRST_COMPLETED)
                if begin.done() and begin.result() == 0 and models:
                    raise EngineError("No model could be started.")
                await stopped
            finally:
                begin.cancel()
                stopped.cancel()
                await asyncio.wait([begin, stopped])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _begin(keeper: Keeper, names: Sequence[str], announce: Callable[[str], None]) -> int:
    """Start the models `names` and return how many answer."""

    async def begin(name: str) -> bool:
        try:
            address = await keeper.start(name)
        except SteelyardError as error:
            announce(str(error))
            return False
        announce(f"{name} answers at {address}")
        return True

    if not names:
        announce("No model is started now; each starts when it is first called.")
    return sum(await asyncio.gather(*(begin(name) for name in names)))
