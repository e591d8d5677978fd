"""What `/metrics` answers: this process, and whoever else works in its data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.metrics.snapshots import EVERY_S, Snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.gateway.gateway import Gateway

__all__ = ["MetricsPage"]

_SHARE = 0.01
"""What part of its time a worker may spend on pages that nobody asked for."""


class MetricsPage:
    """The page of metrics. `worker` is the name of one of several workers; None: there is only this one."""

    __slots__ = ("_due", "_gateway", "_snapshots", "_worker")

    def __init__(self, gateway: Gateway, data_dir: Path, worker: str | None) -> None:
        self._gateway = gateway
        self._snapshots = Snapshots(data_dir)
        self._worker = worker
        self._due = 0.0

    def answer(self) -> str:
        """Return the page."""
        if self._worker is None:
            return self._snapshots.single(self._own())
        try:
            self._snapshots.show_worker(self._worker, self._own())
        except OSError as error:
            self._gateway.complain(f"metrics: {error.strerror}: what /metrics shows of this worker is old")
        return self._snapshots.all()

    def keep(self) -> None:
        """Let other workers show what this one counts, when it is time to. Called about once a second."""
        clock = self._gateway.clock
        if self._worker is None or clock() < self._due:
            return
        began = clock()
        try:
            self._snapshots.show_worker(self._worker, self._own())
        except OSError as error:
            self._gateway.complain(f"metrics: {error.strerror}: other workers show old figures of this one")
        now = clock()
        self._due = now + max(EVERY_S, (now - began) / _SHARE)

    def withdraw(self) -> None:
        """Let others show this worker no longer."""
        if self._worker is not None:
            self._snapshots.withdraw_worker(self._worker)

    def _own(self) -> str:
        gateway = self._gateway
        text = gateway.meter.text(gateway.health.deployments, gateway.gauges) + gateway.health.metrics()
        return text + gateway.limiter.metrics() if gateway.limiter is not None else text
