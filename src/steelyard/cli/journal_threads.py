"""What follows the journal beside the ledger, in the clerk's process: a thread each."""

import logging
import os
import signal
import threading
from collections.abc import Sequence

from steelyard.config.settings import Config
from steelyard.journal.follower import Follower, Stop
from steelyard.telemetry.access_log import AccessLog, AccessStream, secret_of

__all__ = ["JournalThreads", "followers_of"]

_log = logging.getLogger("steelyard.clerk")


def followers_of(config: Config) -> list[Follower]:
    """Return the followers that a configuration asks for. Raises OSError."""
    access = config.log.access
    if access is None:
        return []
    data_dir = config.server.data_dir
    secret = secret_of(data_dir)
    sink = AccessStream(secret) if access == "-" else AccessLog(access, secret)
    return [Follower(data_dir / "journal", "access_log", sink)]


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
