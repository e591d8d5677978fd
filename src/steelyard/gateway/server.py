"""The gateway's process: it listens, watches its configuration and keys, keeps time, and drains."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from msgspec import Struct

from steelyard.config.engine_directory import EngineDirectory
from steelyard.config.loader import needs_restart, reload
from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config
from steelyard.config.telemetry import exports
from steelyard.config.watch import ConfigWatch, DirectoryWatch
from steelyard.core.errors import ConfigError
from steelyard.gateway.access import Access, is_loopback
from steelyard.gateway.doors import Doors, hosts_of
from steelyard.gateway.fittings import Archive, Fittings, Seat
from steelyard.gateway.gateway import Gateway
from steelyard.gateway.instructions import ORPHANED, follow
from steelyard.gateway.legacy import Legacy
from steelyard.gateway.memory import Memory, keys_of
from steelyard.gateway.parting import drain, retire
from steelyard.gateway.partnership import Partnership
from steelyard.gateway.rounds import Rounds
from steelyard.gateway.upkeep import Upkeep
from steelyard.journal.recovery import recover
from steelyard.journal.writer import JournalWriter
from steelyard.keys.file import KeyFile
from steelyard.keys.watch import KeyWatch
from steelyard.limits import Limits, Rule, rules_of
from steelyard.policy.plans import Plans
from steelyard.policy.shelf import permits_of

__all__ = ["Origins", "local_models", "run_gateway"]

_TICK_S = 0.1
_SAME_STOP_S = 1.0
_RESTORE_S = 2.0
_MOST_FILES = 1_048_576
_OTHER_FILES = 64
"""Files that are no connections: the journal, what is spooled, the loop's own."""


class Origins(Struct, frozen=True):
    """Where the configuration came from, so that it can be read again: the file asked for, environment, flags."""

    path: Path | None
    env: Mapping[str, str]
    flags: Mapping[str, object]


def run_gateway(
    config: Config,
    origins: Origins,
    *,
    seat: Seat,
    archive: Archive,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the supervisor says `retire`. `archive` is what the gateway may ask of
    the ledger. `announce` is told the address once calls are answered. Raises ConfigError, StoreError, OSError when it
    cannot begin."""
    server = _Server(config, origins, seat, archive)
    uvloop.run(server.run(announce))


def local_models(data_dir: Path) -> Iterable[str]:
    """Return the names of the models in the store."""
    try:
        found = list(os.scandir(data_dir / "models"))
    except OSError:
        return ()
    return sorted(one.name for one in found if os.path.exists(os.path.join(one.path, "model.gguf")))


def _rules_of(config: Config) -> tuple[Rule, ...]:
    return rules_of(config.limits, config.budgets, config.server)


class _Server:
    def __init__(self, config: Config, origins: Origins, seat: Seat, archive: Archive) -> None:
        self._config = config
        self._origins = origins
        self._seat = seat
        self._open_store = archive.open_store
        self._open_cache = archive.open_cache
        self._archive = archive
        self._partnership: Partnership | None = None
        self.memory = Memory(archive.ask, config.server.data_dir)
        self._legacy = Legacy(config.server.data_dir) if archive.meeting is None else None
        data_dir = config.server.data_dir
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data_dir / "spool").mkdir(exist_ok=True, mode=0o700)
        self._watch = ConfigWatch(config.source) if config.source is not None else None
        self._cards = DirectoryWatch(config.policy.cards)
        self._models = DirectoryWatch(data_dir / "models", "*/card.toml")
        self._unsettled = False
        self._keys = KeyWatch(KeyFile(data_dir / "keys.json"))
        self._leave = asyncio.Event()
        self._stop = asyncio.Event()
        self._retired = False
        self._taking: set[asyncio.Task[None]] = set()
        self._stops: list[tuple[signal.Signals, float]] = []
        self._hastened = False
        host = next((one for one in hosts_of(seat) or (config.server.host,) if not is_loopback(one)), None)
        if host is not None and not self._keys.ring.required:
            raise ConfigError(
                f"[server] host is {host}, which others can reach, and there is no key. "
                "Make one first: steelyard keys create NAME"
            )

    async def run(self, announce: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        config = self._config
        meeting = self._archive.meeting
        partnership = None
        if meeting is not None:
            partnership = Partnership(meeting, config.server.data_dir, self._seat.worker, self._archive.ask)
        self._partnership = partnership
        limits = self._limits()
        journal_dir = config.server.data_dir / "journal"
        recover(journal_dir, self._seat.worker)
        journal = JournalWriter(journal_dir, self._seat.worker, config.ledger.journal_segment_bytes)
        engines = EngineDirectory(config.server.data_dir)
        access = Access(self._keys.ring, time.time)
        self.memory.forget()  # what a gateway has left that was killed
        if limits is not None:
            if self._legacy is not None:
                self._legacy.begin(limits, self._seat.succeeds)
            self.memory.begin(limits, lambda: access.ring, (time.monotonic, time.time))
            await asyncio.sleep(0)  # the thread that asks begins now
        self._plans = self._compile()
        fittings = Fittings(
            access,
            journal,
            engines,
            self._open_store,
            self._seat,
            _room(),
            traces=exports(config, self._origins.env),
            borrowers=partnership.borrowers if partnership is not None else None,
        )
        gateway = Gateway(loop, config.server, self._plans, fittings, limits)
        self._gateway = self.memory.gateway = gateway
        self._rounds = Rounds(gateway)
        self._upkeep = Upkeep(gateway, config.server.data_dir, self._open_cache)
        self._upkeep.configure(config.cache, self._plans.routes)
        if partnership is not None:
            partnership.begin(gateway, lambda: keys_of(access.ring))
        self._tell_problems()
        self._doors = doors = Doors(gateway, self._seat)
        await self._open(limits, announce)
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at again
        gc.set_threshold(10_000, 20, 20)  # a call leaves no cycles behind: there is little to find
        ticker = loop.create_task(self._tick())
        loop.run_in_executor(None, self._plans.warm)  # the first call need not wait for the catalogue
        await self._leave.wait()
        drain_s = self._config.server.drain_s
        if not self._stop.is_set():
            await retire(gateway, doors, drain_s, self._stop)
        await drain(gateway, doors, drain_s, lambda: self._hastened)
        ticker.cancel()
        self._upkeep.close()
        self._forget()
        if partnership is not None:
            await partnership.end()
        gateway.outbox.flush()
        gateway.metrics_page.leave()
        gateway.pools.close()
        journal.close()

    def _compile(self) -> Plans:
        config = self._config
        providers = resolve_providers(config, self._origins.env)
        named = (providers[name] for name in config.providers)
        self._provider_problems = [one.problem for one in named if one.problem]
        data_dir = config.server.data_dir
        now = datetime.now(UTC)
        permits = permits_of(config, providers, now.date(), keep=True)
        return Plans(config, providers, local_models=lambda: local_models(data_dir), now=now, permits=permits)

    @property
    def _counting(self) -> Limits | None:
        """The limits that count now."""
        limiter = self._gateway.limiter
        return limiter.limits if limiter is not None else None

    def _limits(self, before: Limits | None = None) -> Limits | None:
        """Return the limits of the configuration, which go on with what was counted under one before."""
        rules = _rules_of(self._config)
        sharing = self._partnership.sharing if self._partnership is not None else None
        return Limits(rules, self._tell, before, sharing=sharing) if rules else None

    def _tell(self, text: str) -> None:
        self._gateway.notices.tell(text)

    def _reload(self) -> None:
        """Take the configuration anew; a broken file changes nothing, and is told."""
        gateway = self._gateway
        config, findings = reload(self._config, self._origins.path, self._origins.env, self._origins.flags)
        if findings:
            for finding in findings:
                gateway.notices.tell(f"kept the old configuration: {finding}")
            return
        for text in needs_restart(self._config, config):
            gateway.notices.complain(text)
        before, self._config = self._config, config
        counting = limits = self._counting
        if _rules_of(before) != _rules_of(config):
            limits = self._limits(counting)
        if not self._refresh_plans(limits):
            self._config = before
            return
        if limits is not None and limits is not counting:
            self.memory.begin(limits, lambda: gateway.access.ring, (gateway.clock, gateway.wall_clock))
            if self._partnership is not None:
                self._partnership.look()
        gateway.notices.tell(f"took the new configuration of {config.source or 'the environment'}")

    def _refresh_plans(self, limits: Limits | None) -> bool:
        """Compile the plans anew. A broken card changes nothing, and is told."""
        try:
            plans = self._compile()
        except ConfigError as error:
            for finding in error.findings:
                self._gateway.notices.tell(f"kept the old plans: {finding}")
            return False
        self._plans = plans
        self._tell_problems()
        self._gateway.configure(self._config.server, plans, limits)
        self._upkeep.configure(self._config.cache, plans.routes)
        return True

    def _tell_problems(self) -> None:
        """Tell what routes must leave out, and which providers that the configuration names cannot be called."""
        for problem in dict.fromkeys((*self._plans.problems, *self._provider_problems)):
            self._gateway.notices.complain(problem)

    async def _tick(self) -> None:
        gateway = self._gateway
        beat = 0
        while True:
            began = gateway.clock()
            await asyncio.sleep(_TICK_S)
            self._rounds.note_lag(gateway.clock() - began - _TICK_S)
            beat += 1
            try:
                self._beat(beat)
            except Exception as error:  # calls time out, and keys are revoked, by the beats that come after it
                gateway.notices.complain(
                    f"{type(error).__name__}: {error}. This is a fault of Steelyard's; it goes on."
                )

    def _beat(self, beat: int) -> None:
        gateway = self._gateway
        self._rounds.look_at_calls()
        if beat % 5 == 0:
            self._rounds.look_at_clients()
            self._look_at_files()
            self._upkeep.tick()
        if beat % 10 == 0:
            gateway.journal.refresh()
            gateway.metrics_page.keep()
            self._tell_of_limits()
        if beat % 50 == 0:
            gateway.pools.sweep()
            self._date_prices()

    def _look_at_files(self) -> None:
        if self._keys.poll():
            self._gateway.access.ring = self._keys.ring
            if self._keys.problem:
                self._gateway.notices.complain(self._keys.problem)
        if self._watch is not None:
            # A file that was cut off and is being written anew may be sound TOML for a moment, without any route: it is
            # read once it has stayed the same from one look to the next.
            changed = self._watch.changed()
            if self._unsettled and not changed:
                self._reload()
            self._unsettled = changed
        cards = self._cards.changed(self._config.policy.cards)
        models = self._models.changed(self._config.server.data_dir / "models")
        if (cards or models) and self._refresh_plans(self._counting):
            self._gateway.notices.tell("took the new cards")

    def _date_prices(self) -> None:
        until = self._plans.until
        if until is not None and until <= datetime.now(UTC):
            self._refresh_plans(self._counting)

    def _stop_or_hasten(self, number: signal.Signals) -> None:
        """Begin to drain; a second signal ends the drain.

        systemd may send SIGTERM to every process of a service (systemd.kill(5), KillMode=control-group), and the
        supervisor sends its own at the same moment: two of them count as one unless a second lies between."""
        self._stops.append((number, time.monotonic()))
        self._stop.set()
        self._leave.set()
        if len(self._stops) > 1:
            apart = self._stops[-1][1] - self._stops[0][1]
            self._hastened = apart >= _SAME_STOP_S or any(one == signal.SIGINT for one, _ in self._stops)

    def _obey(self, line: str) -> None:
        """Do what the supervisor says: `retire`, `take N` or `leave N`. N is the number of another worker. When it has
        been killed, its next one must find the port free, however long the calls under way take."""
        word, _, number = line.partition(" ")
        if word == "retire":
            self._retired = True
            if self._legacy is not None:
                self._legacy.leave(self._counting)
            self._leave.set()
        elif word == "take":
            self._taking.add(task := self._gateway.loop.create_task(self._doors.take(int(number))))
            task.add_done_callback(self._taking.discard)
        elif word == "leave":
            self._doors.leave(int(number))
        elif word == ORPHANED:
            self._doors.release()

    async def _open(self, limits: Limits | None, announce: Callable[[str], None]) -> None:
        """Accept from now on, obey signals and the supervisor, and announce the address."""
        loop, server = self._gateway.loop, self._config.server
        if self._seat.listeners:
            await self._restored(limits)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_hasten, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        if self._seat.listeners:
            follow(loop, self._obey)
        is_announced = await self._inherited(limits, announce)
        address = await self._doors.open(server.host, server.port)
        if not is_announced:
            announce(address)

    def _tell_of_limits(self) -> None:
        """Tell others how limits stand: who asks, and the process that takes this one's place."""
        gateway, legacy = self._gateway, self._legacy
        if legacy is not None:
            legacy.follow(self._counting)
        if not self._retired:
            self.memory.show(self._counting, gateway.clock(), gateway.wall_clock())
        elif legacy is not None:
            legacy.leave(self._counting)

    def _forget(self) -> None:
        """Have nobody take what limits stood at for how they stand."""
        self.memory.stop()
        if not self._retired:
            self.memory.forget()
        elif self._legacy is not None:
            self._legacy.leave(self._counting, ended=True)

    async def _inherited(self, limits: Limits | None, announce: Callable[[str], None]) -> bool:
        """Where there are budgets, have the process retire whose place this one takes, and count what it may still
        spend before anything is accepted; who comes meanwhile waits in the kernel's queue. Return whether that was
        so, and the address announced."""
        succeeds = self._seat.succeeds
        if self._legacy is None or limits is None or succeeds is None:
            return False
        if all(one.rule.per is None for one in limits):
            return False
        announce(self._doors.address)
        await self._legacy.succeed(limits, succeeds)
        return True

    async def _restored(self, limits: Limits | None) -> None:
        """Wait a moment for what limits counted before: until then they refuse calls, which others may take."""
        until = time.monotonic() + _RESTORE_S
        while limits is not None and limits.pending and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_TICK_S / 10)


def _room() -> int:
    """Have as many files open as the system allows, and return for how many clients that is: each may need a connection
    to a provider beside its own. Debian's soft limit is 1,024 (systemd.exec(5), LimitNOFILE), which select(2) needs and
    we do not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(1, (most - _OTHER_FILES) // 2)
