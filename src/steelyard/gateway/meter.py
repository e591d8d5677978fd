"""Counts, for `/metrics`: Prometheus text format 0.0.4 (prometheus.io, "Exposition formats")."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import inf

from steelyard.core.errors import CallError
from steelyard.core.exchange import Outcome
from steelyard.core.usage import Usage
from steelyard.gateway.lane import Vitals
from steelyard.metrics.series import head, label, series

__all__ = ["Histogram", "Meter", "Row"]

_MOST_ROWS = 4096
_MOST_LATE = 256
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


_PACES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)


class Histogram:
    """A histogram of times. They are sorted in when somebody asks, or when there are many: what lies in `late` (in
    milliseconds) is not yet counted. `counts[i]` is the number of observations in bucket i, not cumulated."""

    __slots__ = ("_bounds", "_counts", "_total", "late")

    def __init__(self, bounds: tuple[float, ...] = _SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        self.late: list[float] = []

    @property
    def counted(self) -> bool:
        """Say whether anything was counted."""
        return any(self._counts)

    def settle(self) -> None:
        """Count what is late."""
        late = self.late
        late.sort()
        self._total += sum(late) / 1000
        before = 0
        for bucket, bound in enumerate((*self._bounds, inf)):
            upto = bisect_right(late, bound * 1000)
            self._counts[bucket] += upto - before
            before = upto
        late.clear()

    def lines(self, name: str, labels: str) -> Iterable[str]:
        """Write the histogram as Prometheus has it: cumulated buckets, sum, count."""
        self.settle()
        cumulated = 0
        before = f"{labels}," if labels else ""
        alone = f"{{{labels}}}" if labels else ""
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            cumulated += count
            yield f'{name}_bucket{{{before}le="{bound}"}} {cumulated}'
        yield f"{name}_sum{alone} {self._total}"
        yield f"{name}_count{alone} {cumulated}"


class Row:
    """What is counted for one deployment of one route."""

    __slots__ = ("_streams", "cost", "duration", "first_byte", "input", "outcomes", "output", "pace", "unpriced")

    def __init__(self) -> None:
        self.outcomes: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.input = 0
        self.output = 0
        self.cost = Decimal(0)
        self.unpriced = 0
        self.duration = Histogram()
        self.first_byte = Histogram()
        self.pace = Histogram(_PACES)
        self._streams: list[tuple[float, float, Usage]] = []

    def count(self, outcome: Outcome, status: int, usage: Usage | None, cost: Decimal | None, *, free: bool) -> None:
        """Count a call. `free`: nobody charges for its endpoint."""
        self.outcomes[(outcome, status)] += 1
        if usage is not None:
            self.input += usage.input or 0
            self.output += usage.output or 0
        if cost is not None:
            self.cost += cost
        elif outcome == "ok" and not free:
            self.unpriced += 1

    def time(self, first_byte_ms: float | None, last_byte_ms: float, streamed: Usage | None) -> None:
        """Count how long a call took. `streamed`: the usage of an answer that was streamed."""
        if first_byte_ms is not None:
            self.first_byte.late.append(first_byte_ms)
            if streamed is not None:
                self._streams.append((first_byte_ms, last_byte_ms, streamed))
        late = self.duration.late
        late.append(last_byte_ms)
        if len(late) >= _MOST_LATE:
            self.settle()

    def settle(self) -> None:
        """Count what is late."""
        self.duration.settle()
        self.first_byte.settle()
        if not self._streams:
            return
        for first, took, usage in self._streams:
            output = usage.output
            if output is not None and output > 1 and not usage.estimated:
                self.pace.late.append((took - first) / (output - 1))
        self._streams.clear()
        self.pace.settle()


class Meter:
    """Everything that one gateway process counts."""

    __slots__ = ("_lag", "_refusals", "_rows", "started_at")

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at
        self._rows: defaultdict[tuple[str, str], Row] = defaultdict(Row)
        self._refusals: defaultdict[tuple[int, str], int] = defaultdict(int)
        self._lag = Histogram()

    def lagged(self, seconds: float) -> None:
        """Count how late the loop came to something that was due."""
        late = self._lag.late
        late.append(max(seconds, 0.0) * 1000)
        if len(late) >= _MOST_LATE:
            self._lag.settle()

    def refused(self, error: CallError) -> None:
        """Count a request that never became a call."""
        self._refusals[(error.status, error.code)] += 1

    def row(self, route: str, deployment: str) -> Row:
        """Return the counters of one deployment of one route. Names come from callers too, so there is a bound to them:
        what is beyond it is counted together."""
        name = (route, deployment)
        if name not in self._rows and len(self._rows) >= _MOST_ROWS:
            name = ("other", "other")
        return self._rows[name]

    def text(self, vitals: Mapping[str, Vitals], gauges: Mapping[str, tuple[str, float]]) -> str:
        """Write the exposition. `gauges` maps a metric's name to its help text and present value."""
        lines: list[str] = []
        rows = [(f"{label('route', r)},{label('deployment', d)}", row) for (r, d), row in self._rows.items()]
        lines += head("steelyard_calls_total", "counter", "Calls, by outcome and HTTP status.")
        for labels, row in rows:
            for (outcome, status), count in row.outcomes.items():
                lines.append(f'steelyard_calls_total{{{labels},outcome="{outcome}",status="{status}"}} {count}')
        lines += head("steelyard_tokens_total", "counter", "Tokens, by direction.")
        for labels, row in rows:
            lines.append(f'steelyard_tokens_total{{{labels},direction="input"}} {row.input}')
            lines.append(f'steelyard_tokens_total{{{labels},direction="output"}} {row.output}')
        costs = [(labels, f"{row.cost:f}") for labels, row in rows]
        lines += series("steelyard_cost_usd_total", "counter", "Known cost in US dollars.", costs)
        unpriced = [(labels, row.unpriced) for labels, row in rows]
        lines += series(
            "steelyard_calls_cost_unknown_total", "counter", "Answered calls whose cost is unknown.", unpriced
        )
        for _, row in rows:
            row.settle()
        durations = [(labels, row.duration) for labels, row in rows]
        _spread(lines, "steelyard_call_duration_seconds", "From request to the answer's last byte.", durations)
        firsts = [(labels, row.first_byte) for labels, row in rows]
        _spread(lines, "steelyard_first_byte_seconds", "From request to the answer's first byte.", firsts)
        paces = [(labels, row.pace) for labels, row in rows if row.pace.counted]  # not every deployment streams
        _spread(lines, "steelyard_time_per_output_token_seconds", "Of streams, after the first byte.", paces)
        _spread(
            lines, "steelyard_loop_lag_seconds", "How late the event loop is, ten times a second.", [("", self._lag)]
        )
        lines += head("steelyard_refusals_total", "counter", "Requests refused before they became a call.")
        for (status, code), count in self._refusals.items():
            lines.append(f'steelyard_refusals_total{{status="{status}",code="{code}"}} {count}')
        states = [(label("deployment", name), int(one.breaker.state)) for name, one in vitals.items()]
        lines += series("steelyard_breaker_state", "gauge", "0 closed, 1 half-open, 2 open.", states)
        for name, (text, value) in gauges.items():
            lines += series(name, "gauge", text, [("", f"{value:.15g}")])
        return "\n".join(lines) + "\n"


def _spread(lines: list[str], name: str, text: str, histograms: list[tuple[str, Histogram]]) -> None:
    lines += head(name, "histogram", text)
    for labels, histogram in histograms:
        lines += histogram.lines(name, labels)
