"""Where local models answer: what the keeper of engines publishes, and how to ask it for one that is not running."""

import asyncio
import os
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from steelyard.core.errors import EngineError

__all__ = ["EngineDirectory", "EngineEntry", "EngineState", "EngineTable", "engines_file", "loopback_call"]

EngineState = Literal["stopped", "starting", "ready", "failed"]

_LARGEST_ANSWER = 4 * 1024 * 1024


class EngineEntry(Struct, frozen=True):
    """One model's engine. `address` is `http://HOST:PORT` while the state is `ready`; `error` says why it failed."""

    state: EngineState
    address: str | None = None
    pid: int | None = None
    error: str | None = None


class EngineTable(Struct, frozen=True):
    """What `engines.json` holds. `control` is the address of the keeper's control API, `pid` the keeper's."""

    control: str
    pid: int
    models: dict[str, EngineEntry]


class _Started(Struct):
    address: str | None = None
    error: str | None = None


def engines_file(data_dir: Path) -> Path:
    """Return the path of the file that the keeper publishes."""
    return data_dir.expanduser() / "run" / "engines.json"


class EngineDirectory:
    """The engines of one data directory, as their keeper publishes them. Reading costs two system calls while nothing
    has changed."""

    def __init__(self, data_dir: Path) -> None:
        self._path = str(engines_file(data_dir))
        self._stamp: tuple[int, int, int] | None = None
        self._table: EngineTable | None = None

    def table(self) -> EngineTable | None:
        """Return what is published, or None when no keeper runs."""
        try:
            status = os.stat(self._path)
        except OSError:
            self._stamp = self._table = None
            return None
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            try:
                self._table = msgspec.json.decode(Path(self._path).read_bytes(), type=EngineTable)
            except (OSError, msgspec.MsgspecError):
                self._table = None
            self._stamp = stamp
        # A keeper that was killed leaves its file behind, and its ports to whoever comes next.
        return self._table if self._table and _is_alive(self._table.pid) else None

    def entries(self) -> dict[str, EngineEntry]:
        """Return all models that the keeper could serve, by name; empty when no keeper runs."""
        table = self.table()
        return table.models if table else {}

    def address(self, name: str) -> tuple[str, int] | None:
        """Return host and port of the model `name`, or None when it does not answer now."""
        entry = self.entries().get(name)
        return _host_port(entry.address) if entry and entry.address else None

    async def ensure(self, name: str, timeout_s: float) -> tuple[str, int]:
        """Return host and port of the model `name`, and start it first when it does not run.

        Raises EngineError when no keeper runs, when the model cannot be started, or after `timeout_s` seconds; then the
        start goes on, and asking again may succeed."""
        table = self.table()
        if table is None:
            raise EngineError(
                f'No engine runs, so the local model "{name}" cannot answer. '
                f"Start it: steelyard engine {name}, or steelyard up."
            )
        entry = table.models.get(name)
        if entry and entry.address:
            return _host_port(entry.address)
        try:
            status, body = await loopback_call(
                _host_port(table.control), "POST", f"/start/{quote(name, safe='')}", timeout_s=timeout_s
            )
            answer = msgspec.json.decode(body, type=_Started)
        except TimeoutError:
            raise EngineError(
                f'The local model "{name}" was not ready within {timeout_s:g} s; it goes on starting. '
                "Try again, or watch: steelyard models list."
            ) from None
        except (EOFError, ConnectionResetError):
            # The connection to a process that ended is closed by the system, however it ended.
            raise EngineError(
                f"The engine stopped before local/{name} was ready. Start it: steelyard engine {name}, or steelyard up."
            ) from None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise EngineError(
                f'The keeper of engines did not answer when asked for "{name}" ({error}). '
                f"Start it again: steelyard engine {name}, or steelyard up."
            ) from error
        if status != 200 or answer.address is None:
            raise EngineError(answer.error or f'The local model "{name}" was not started. Look into the engine\'s log.')
        return _host_port(answer.address)


async def loopback_call(
    address: tuple[str, int], method: str, path: str, *, body: bytes = b"", timeout_s: float
) -> tuple[int, bytes]:
    """Make one HTTP/1.1 call to a process of ours on this machine and return status and body.

    Made for small answers that have a length or end with the connection (RFC 9112 §6.3). Raises OSError, EOFError,
    ValueError (not HTTP, or too large), and TimeoutError after `timeout_s` seconds."""
    host, port = address
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port, limit=_LARGEST_ANSWER)
        try:
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
            first, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            length = next((field for field in fields if field.lower().startswith("content-length:")), None)
            if length is None:
                answer = await reader.read(_LARGEST_ANSWER)
            else:
                answer = await reader.readexactly(min(int(length.partition(":")[2]), _LARGEST_ANSWER))
            return int(first.split(" ", 2)[1]), answer
        except (asyncio.LimitOverrunError, IndexError) as error:
            raise ValueError(f"not an HTTP answer: {error}") from error
        finally:
            writer.close()


def _host_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    if parts.hostname is None or parts.port is None:
        raise EngineError(f"The keeper of engines published a wrong address: {address}. Start it again: steelyard up.")
    return parts.hostname, parts.port


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
