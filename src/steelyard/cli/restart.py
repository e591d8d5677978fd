"""`steelyard restart`: new gateways in the place of the old ones, and no connection refused meanwhile."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import click

from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.roster import Roster, Worker, namespace, read_roster
from steelyard.cli.shown import console
from steelyard.core.errors import ConfigError, StoreError

__all__ = ["restart"]

_LOOK_S = 0.05
_HEARD_S = 30.0


@click.command()
@config_option
@json_option
def restart(config_path: Path | None, as_json: bool) -> int:
    """Replace the gateways without refusing a connection: those of `steelyard up`, one by one.

    Each new process reads today's code and configuration; when it is ready, the old one takes no more connections,
    finishes the calls under way, however long they take, and ends. Then the clerk is started anew. Local models and
    the supervisor itself go on as they are. Returns when all gateways are new; old ones may still be at work. The exit
    code is 1 when a new gateway could not start: then the old ones go on. It is 2 when nothing runs here, or the
    configuration is wrong.
    """
    data_dir = read_config(config_path).server.data_dir
    before = read_roster(data_dir)
    if before is None:
        raise ConfigError(
            f"No `steelyard up` works in {data_dir}. Start one, or name its configuration: --config FILE."
        )
    _ask(before)
    after = _awaited(data_dir, before)
    if as_json:
        print_json(_row(before, after))
    else:
        _print(before, after)
    return 1 if after.failure else 0


def _ask(before: Roster) -> None:
    if before.namespace != namespace():
        raise ConfigError(
            "`steelyard up` works in another container. Restart it there: docker exec CONTAINER steelyard restart"
        )
    try:
        os.kill(before.pid, signal.SIGUSR2)
    except PermissionError:
        raise ConfigError(
            f"`steelyard up`, process {before.pid}, belongs to another user. Say this as that user, or as root."
        ) from None


def _awaited(data_dir: Path, before: Roster) -> Roster:
    """Return the roster when the restart that was asked for is done: the next that begins."""
    heard_by = time.monotonic() + _HEARD_S
    with console(stderr=True).status("Replacing the gateways …"):
        while True:
            now = read_roster(data_dir)
            if now is None or now.pid != before.pid:
                raise StoreError("`steelyard up` has ended meanwhile.")
            if now.done > before.begun:
                return now
            if now.begun == now.done == before.begun and time.monotonic() > heard_by:
                raise StoreError(f"`steelyard up`, process {before.pid}, does not say in {data_dir} that it has begun.")
            time.sleep(_LOOK_S)


def _replaced(before: Roster, after: Roster) -> list[tuple[Worker, Worker]]:
    old = {worker.member: worker for worker in before.workers}
    pairs = [(old[one.member], one) for one in after.workers if one.member in old]
    return [(was, now) for was, now in pairs if was.pid != now.pid]


def _row(before: Roster, after: Roster) -> dict[str, object]:
    return {
        "replaced": [
            {"member": now.member, "old_pid": was.pid, "pid": now.pid, "old_at_work": _runs(was.pid)}
            for was, now in _replaced(before, after)
        ],
        "failure": after.failure,
        "notes": list(after.notes),
    }


def _print(before: Roster, after: Roster) -> None:
    out = console()
    for was, now in _replaced(before, after):
        rest = f"; {was.pid} finishes what it has begun" if _runs(was.pid) else ""
        out.print(f"{now.member}: {was.pid} → {now.pid}{rest}")
    notes = console(stderr=True)
    for note in after.notes:
        notes.print(note)
    if after.failure:
        notes.print(f"The restart was broken off: {after.failure}")


def _runs(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
