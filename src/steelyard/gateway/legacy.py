"""What a gateway that retires still spends of budgets, told to the one that takes its place.

The old process goes on with its calls, and admits one more on each connection that is kept. From the moment at which it
is told to retire it keeps an eighth of what is left of each budget, and tells in a file what was spent and what it may
still spend, once a second and when it ends. The new process accepts when it has read that: both together never have
more than the budget. One that is killed tells nothing more: what it might have spent stays reserved until the gateway
is started anew, and reads the ledger.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.limits.recall import Left

if TYPE_CHECKING:
    from steelyard.limits import Limits

__all__ = ["Legacy"]

_PATIENCE_S: Final = 5.0
_LOOK_S: Final = 0.005
_STALE_S: Final = 60.0


_Budgets = dict[str, list[tuple[str, float, str, str]]]


class _Will(Struct, frozen=True):
    """What a process leaves: how budgets stand, by rule (texts: amounts may be beyond 64 bits). `behind`: what of that
    it was told by processes that have retired before it, by their files, which its successor follows once it has
    `ended` and says nothing more."""

    budgets: _Budgets
    behind: dict[str, _Budgets]
    ended: bool


class Legacy:
    """The files by which processes of one data directory tell what they still spend."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._followed: dict[str, dict[tuple[str, str], Left]] = {}

    def leave(self, limits: Limits | None, *, ended: bool = False) -> None:
        """Tell what this process has spent, and may still spend."""
        budgets = limits.leave(time.time(), ended=ended) if limits is not None else {}
        behind = {name: _by_rule(known) for name, known in self._followed.items()}
        path = self._data_dir / _name_of(os.getpid())
        fresh = path.with_suffix(".new")
        with suppress(OSError, UnicodeEncodeError):  # a full disk is told of by the journal
            fresh.write_bytes(msgspec.json.encode(_Will(_told(budgets), behind, ended)))
            fresh.chmod(0o600)
            os.replace(fresh, path)

    def begin(self, limits: Limits, succeeds: int | None) -> None:
        """Count what processes may still spend that retired before, in favour of one that is gone by now. What they
        spent is in the ledger, or will be told."""
        wills: dict[str, _Will] = {}
        for path in self._data_dir.glob("retired-*.json"):
            try:
                is_stale = time.time() - path.stat().st_mtime > _STALE_S
            except FileNotFoundError:
                continue
            if is_stale or path.name == _name_of(succeeds):
                path.unlink(missing_ok=True)
                continue
            will = self._read(path.name)
            if will is not None and not will.ended:
                wills[path.name] = will
        if succeeds is not None:
            return  # that one follows them, and tells
        followed = {name for will in wills.values() for name in will.behind}
        for name, will in wills.items():
            if name not in followed:
                left = _read(will.budgets)
                known = {(rule, one.subject): replace(one, held=0) for rule, lefts in left.items() for one in lefts}
                limits.inherit(left, known, time.time())
                self._followed[name] = known

    async def succeed(self, limits: Limits, succeeds: int) -> None:
        """Wait until that process says what it still spends, and count that; not for ever: it may be gone. Before any
        call was admitted."""
        name = _name_of(succeeds)
        until = time.monotonic() + _PATIENCE_S
        while (will := self._read(name)) is None:
            if time.monotonic() >= until or not _lives(succeeds):
                return
            await asyncio.sleep(_LOOK_S)
        left = _read(will.budgets)
        known: dict[tuple[str, str], Left] = {}
        limits.succeed(left)
        limits.inherit(left, known, time.time())
        self._followed[name] = known

    def follow(self, limits: Limits | None) -> None:
        """Count what processes have told since that retire."""
        for name, known in list(self._followed.items()):
            will = self._read(name)
            if will is None:
                continue
            if limits is not None:
                limits.inherit(_read(will.budgets), known, time.time())
            if will.ended:
                del self._followed[name]
                for other, budgets in will.behind.items():
                    lefts = _read(budgets)
                    self._followed[other] = {(rule, one.subject): one for rule in lefts for one in lefts[rule]}
                (self._data_dir / name).unlink(missing_ok=True)

    def _read(self, name: str) -> _Will | None:
        """Return what a process leaves; None where it does not say."""
        try:
            return msgspec.json.decode((self._data_dir / name).read_bytes(), type=_Will)
        except (OSError, msgspec.DecodeError):
            return None


def _name_of(process: int | None) -> str:
    return f"retired-{process}.json"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _by_rule(known: dict[tuple[str, str], Left]) -> _Budgets:
    found: dict[str, list[Left]] = {}
    for (rule, _), one in known.items():
        found.setdefault(rule, []).append(one)
    return _told(found)


def _told(budgets: dict[str, list[Left]]) -> _Budgets:
    return {
        rule: [(one.subject, one.start, str(one.used), str(one.held)) for one in lefts]
        for rule, lefts in budgets.items()
    }


def _read(budgets: _Budgets) -> dict[str, list[Left]]:
    return {
        rule: [Left(subject, start, int(used), int(held)) for subject, start, used, held in lefts]
        for rule, lefts in budgets.items()
    }
