"""What `/metrics` answers: this process, and whoever else works in its data directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from steelyard.metrics.snapshots import EVERY_S, Snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.gateway.fittings import Seat
    from steelyard.gateway.gateway import Gateway

__all__ = ["MetricsPage"]

_SHARE = 0.01
"""What part of its time a worker may spend on pages that nobody asked for."""


class MetricsPage:
    """The page of metrics: of this process and of those at its side or before it, where a supervisor has seated it; of
    this one alone otherwise."""

    __slots__ = ("_due", "_gateway", "_seat", "_snapshots")

    def __init__(self, gateway: Gateway, data_dir: Path, seat: Seat) -> None:
        self._gateway = gateway
        self._snapshots = Snapshots(data_dir)
        self._seat = seat
        self._due = 0.0

    def answer(self) -> str:
        """Return the page."""
        if not self._seat.listeners:
            return self._snapshots.single(self._own())
        self._show()
        return self._snapshots.all(several=self._seat.several)

    def keep(self) -> None:
        """Let other workers show what this one counts, when it is time to. Called about once a second."""
        clock = self._gateway.clock
        if not self._seat.listeners or clock() < self._due:
            return
        began = clock()
        self._show()
        now = clock()
        self._due = now + max(EVERY_S, (now - began) / _SHARE)

    def leave(self) -> None:
        """Leave behind what this process has counted in all."""
        if self._seat.listeners:
            self._show()

    def _show(self) -> None:
        try:
            self._snapshots.show_worker(self._seat.worker, os.getpid(), self._own())
        except OSError as error:
            self._gateway.notices.complain(
                f"metrics: {error.strerror}: others show old figures of worker {self._seat.worker}"
            )

    def _own(self) -> str:
        gateway = self._gateway
        text = gateway.meter.text(gateway.health.deployments, _gauges(gateway)) + gateway.health.metrics()
        text += gateway.shedding.metrics()
        if gateway.limiter is not None:
            text += gateway.limiter.metrics() + gateway.waiting.metrics()
        return text if gateway.cache is None else text + gateway.cache.metrics()


def _gauges(gateway: Gateway) -> dict[str, tuple[str, float]]:
    """Return the present state."""
    return {
        "steelyard_calls_in_flight": ("Calls under way.", len(gateway.calls)),
        "steelyard_client_connections": ("Open connections of clients.", len(gateway.clients)),
        "steelyard_upstream_connections": ("Open connections to providers.", gateway.pools.size),
        "steelyard_journal_writable": ("1 while exchanges can be recorded.", float(gateway.journal.writable)),
        "steelyard_draining": ("1 while shutting down.", float(gateway.draining)),
        "steelyard_start_time_seconds": ("When the process began to serve.", gateway.meter.started_at),
    }
