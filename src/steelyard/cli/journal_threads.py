"""What follows the journal beside the ledger, in the clerk's process, and what is told of it: a thread each."""

import logging
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from steelyard.config.settings import Config
from steelyard.config.telemetry import exports, has_otel_extra
from steelyard.core.errors import ConfigError
from steelyard.journal.follower import Follower, Stop
from steelyard.metrics.readers import Reader, readers_page
from steelyard.metrics.snapshots import Snapshots
from steelyard.telemetry.access_log import AccessLog, AccessStream, secret_of

__all__ = ["JournalThreads", "followers_of", "show_readers"]

_SHOW_S = 1.0

_log = logging.getLogger("steelyard.clerk")


def followers_of(config: Config, env: Mapping[str, str]) -> list[Follower]:
    """Return the followers that a configuration asks for. Raises ConfigError, OSError."""
    access = config.log.access
    data_dir = config.server.data_dir
    journal = data_dir / "journal"
    followers = []
    if access is not None:
        secret = secret_of(data_dir)
        sink = AccessStream(secret) if access == "-" else AccessLog(access, secret)
        followers.append(Follower(journal, "access_log", sink))
    if config.otel.endpoint is not None and not has_otel_extra():
        raise ConfigError(
            "[otel] endpoint needs an extra that is not installed. Install it: pip install 'steelyard[otel]'."
        )
    if exports(config, env):
        # The extra, and 20 MB of its modules: only those pay who have a collector.
        from steelyard.telemetry.otel import BATCH, OtelSink  # noqa: PLC0415

        logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # its warnings are told once, by the follower
        followers.append(Follower(journal, "otel", OtelSink(config.otel, env), batch=BATCH))
    return followers


class JournalThreads:
    """Run followers until `stop` is set and they have handed on what is left."""

    def __init__(self, followers: Sequence[Follower], stop: Stop) -> None:
        self._stop = stop
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name=one.name, daemon=True) for one in followers
        ]

    def start(self) -> None:
        """Begin."""
        for one in self._threads:
            one.start()

    def join(self) -> None:
        """Wait until all have ended."""
        for one in self._threads:
            one.join()

    def _run(self, follower: Follower) -> None:
        try:
            follower.run(self._stop)
        except Exception:  # the edge of a thread: a clerk that silently stops to log would be worse than one that ends
            _log.exception("%s: this is a fault of Steelyard's", follower.name)
            os.kill(os.getpid(), signal.SIGTERM)


def show_readers(data_dir: Path, readers: Mapping[str, Reader], stop: Stop) -> None:
    """Have the gateways' `/metrics` show how far the readers are, each second until the process ends."""

    def show() -> None:
        snapshots = Snapshots(data_dir)
        told = False
        while True:
            try:
                snapshots.show("clerk", readers_page(readers))
                told = False
            except OSError as error:
                if not told:
                    _log.warning("metrics: %s", error)
                told = True
            if stop.wait(_SHOW_S):
                return

    threading.Thread(target=show, name="metrics", daemon=True).start()
