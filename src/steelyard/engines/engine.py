"""One supervised engine: start it, know when it answers, restart it when it dies, say why when it will not run."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from steelyard.config.engine_directory import EngineEntry, loopback_call
from steelyard.core.errors import EngineError
from steelyard.engines.llama import CANNOT_LOAD
from steelyard.engines.order import EngineOrder

__all__ = ["Engine", "Restarts"]

_TAIL_BYTES = 8192
_TAIL_LINES = 6
_LOG_BYTES = 8 * 1024 * 1024
_STOP_S = 3.0

# What an engine may know of our environment: native libraries need much of this; keys of providers are none of it.
_PASSED_ON = re.compile(
    r"(PATH|HOME|USER|LANG|TZ|TMPDIR|VIRTUAL_ENV|LC_\w+|LD_\w+|DYLD_\w+|PYTHON\w*|XDG_\w+|OMP_\w+|GOMP_\w+|KMP_\w+|"
    r"OPENBLAS_\w+|MKL_\w+|GGML_\w+|CUDA_\w+|NVIDIA_\w+|HIP_\w+|HSA_\w+|ROCR?_\w+|VK_\w+|SYCL_\w+|ONEAPI_\w+)"
)

_FIRST_QUESTIONS = {
    "chat": ("/v1/completions", {"prompt": "Hi", "max_tokens": 1}),
    "embeddings": ("/v1/embeddings", {"input": "Hi"}),
    "rerank": ("/v1/rerank", {"query": "Hi", "documents": ["Hello"]}),
}


class Restarts(Struct, frozen=True):
    """When to restart and when to give up. A death within `quick_s` seconds of the start is quick; after `limit` quick
    ones in a row the engine has failed, and is not started again for `rest_s`, even when asked. The pause before a
    restart doubles from `first_pause_s` to `longest_pause_s`. `start_s` bounds loading, `answer_s` the first answer."""

    quick_s: float = 60.0
    limit: int = 5
    first_pause_s: float = 0.2
    longest_pause_s: float = 30.0
    start_s: float = 600.0
    answer_s: float = 120.0
    rest_s: float = 5.0


class _Address(Struct):
    address: str


class _UnfitError(Exception):
    """It cannot be started, and starting it again would not help."""


class _DeathError(Exception):
    """It ended by itself."""


class Engine:
    """The engine of one order. `changed` is called after each change of `entry`. Use it from one event loop, and from
    the thread that outlives it: Linux ends the child with the thread that started it (prctl(2), PR_SET_PDEATHSIG)."""

    def __init__(self, order: EngineOrder, log: Path, restarts: Restarts, changed: Callable[[], None]) -> None:
        self.order = order
        self.entry = EngineEntry("stopped")
        self._log = log
        self._restarts = restarts
        self._changed = changed
        self._turn = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._failed_at = 0.0

    async def start(self) -> str:
        """Return the engine's address once the model answers. EngineError says why it does not."""
        if self._life is None or self._life.done():
            if self.entry.state == "failed" and time.monotonic() - self._failed_at < self._restarts.rest_s:
                raise EngineError(self.entry.error or "it failed")
            self._show(EngineEntry("starting"))
            self._life = asyncio.create_task(self._live(), name=f"engine {self.order.name}")
            self._life.add_done_callback(self._unforeseen)
        while self.entry.state == "starting":
            await self._turn.wait()
        if self.entry.address is None:
            raise EngineError(self.entry.error or f'The local model "{self.order.name}" was stopped while it started.')
        return self.entry.address

    async def stop(self) -> None:
        """End the engine's process, and return when it has ended."""
        if self._life:
            self._life.cancel()
            await asyncio.wait([self._life])
        self._show(EngineEntry("stopped"))

    def _show(self, entry: EngineEntry) -> None:
        self.entry = entry
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()
        self._changed()

    async def _live(self) -> None:
        quick = 0
        while True:
            began = time.monotonic()
            try:
                await self._run_once()
            except _UnfitError as error:
                self._fail(f"it cannot be started: {error}")
                return
            except _DeathError as error:
                death = str(error)
            except OSError as error:
                self._fail(f"its process cannot be made: {error}")
                return
            quick = quick + 1 if time.monotonic() - began < self._restarts.quick_s else 1
            if quick >= self._restarts.limit:
                self._fail(f"it died {quick} times in a row, the last time like this: {death}")
                return
            self._show(EngineEntry("starting", error=death))
            await asyncio.sleep(min(self._restarts.first_pause_s * 2 ** (quick - 1), self._restarts.longest_pause_s))

    def _unforeseen(self, life: asyncio.Task[None]) -> None:
        # A mistake of ours must end in an answer too: somebody waits for this engine.
        if not life.cancelled() and (error := life.exception()):
            self._fail(f"its keeper failed: {error!r}.")

    def _fail(self, why: str) -> None:
        self._failed_at = time.monotonic()
        text = (
            f'The local model "{self.order.name}" does not run: {why} Its log is {self._log}. Correct the cause '
            f"(memory, [models.{self.order.name}] in steelyard.toml, the file itself), then call it again."
        )
        self._show(EngineEntry("failed", error=text))

    async def _run_once(self) -> None:
        """Run the process until it ends, which is an error, or until we are cancelled, which ends it."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self._log)
        with self._log.open("ab") as log:
            begins_at = log.tell()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "steelyard.engines.llama", msgspec.json.encode(self.order).decode()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)},
                start_new_session=True,  # Ctrl-C reaches the keeper alone
            )
        try:
            address = await self._until_it_answers(process)
            self._show(EngineEntry("ready", address, process.pid))
            await process.wait()
        except TimeoutError:
            raise _DeathError(f"it was not ready in time.{_tail(self._log, begins_at)}") from None
        except EOFError:
            pass  # it ended before it answered; how, its status tells
        finally:
            await _end(process)
        if process.returncode == CANNOT_LOAD:
            raise _UnfitError(_tail(self._log, begins_at).strip())
        raise _DeathError(f"{_manner(process.returncode)}.{_tail(self._log, begins_at)}")

    async def _until_it_answers(self, process: asyncio.subprocess.Process) -> str:
        if process.stdout is None:
            raise EOFError
        async with asyncio.timeout(self._restarts.start_s):
            line = await process.stdout.readline()
        if not line:
            await process.wait()
            raise EOFError
        try:
            address = msgspec.json.decode(line, type=_Address).address
        except msgspec.MsgspecError:
            raise _DeathError(f"it said {line[:80]!r} instead of its address.") from None
        host, _, port = address.removeprefix("http://").rpartition(":")
        path, question = _FIRST_QUESTIONS[self.order.purpose]
        try:
            status, body = await loopback_call(
                (host, int(port)),
                "POST",
                path,
                body=msgspec.json.encode(question),
                timeout_s=self._restarts.answer_s,
            )
        except (OSError, EOFError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            await _end(process)
            raise EOFError from error
        if status != 200:
            raise _UnfitError(f"it answers its first question with {status}: {body[:300].decode(errors='replace')}")
        return address


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    if process.stdin:
        process.stdin.close()


def _manner(status: int | None) -> str:
    if status is None or status >= 0:
        return f"it ended with exit status {status}"
    name = signal.Signals(-status).name
    return f"it was killed by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")


def _rotate(log: Path) -> None:
    try:
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    except FileNotFoundError:
        return


def _tail(log: Path, begins_at: int) -> str:
    """The last lines that this run wrote, in one line."""
    with log.open("rb") as file:
        file.seek(max(begins_at, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    told = [line.strip() for line in lines if line.strip() and not line.startswith("engine ")][-_TAIL_LINES:]
    return f" Its last lines: {' | '.join(told)}" if told else ""
