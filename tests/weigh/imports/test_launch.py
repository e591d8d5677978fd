"""Another's program is run to its end; where it fails, its last words are told; nothing of it stays."""

import sys
import time
from pathlib import Path

import pytest

from steelyard.core.errors import SteelyardError
from steelyard.weigh.imports.launch import Errand, last_lines, run_errand
from tests.cli.program import is_alive, until


def errand(directory: Path, program: str, timeout_s: float | None = None) -> Errand:
    return Errand("the tool", [sys.executable, "-c", program], {"ASKED": "yes"}, directory / "tool.log", timeout_s)


def failed(one: Errand) -> str:
    with pytest.raises(SteelyardError) as error:
        run_errand(one, lambda _: None)
    return str(error.value)


def test_what_it_prints_goes_to_its_log_and_its_environment_has_more(tmp_path: Path) -> None:
    told: list[str] = []
    program = (
        "import os, sys, time; print(os.environ['ASKED'], flush=True); time.sleep(0.4); print('no', file=sys.stderr)"
    )
    run_errand(errand(tmp_path, program), told.append)
    assert (tmp_path / "tool.log").read_text() == "yes\nno\n"
    assert "yes" in told


def test_a_failure_is_told_with_the_last_lines_and_where_all_of_them_are(tmp_path: Path) -> None:
    program = "print('\\n'.join(f'line {n}' for n in range(50))); raise SystemExit(3)"
    told = failed(errand(tmp_path, program)).splitlines()
    assert told[0] == "the tool failed with exit code 3."
    assert told[2:4] == ["  line 35", "  line 36"]
    assert told[-2:] == ["  line 49", f"All of it: {tmp_path / 'tool.log'}"]


def test_a_failure_without_a_word_is_told_so(tmp_path: Path) -> None:
    assert failed(errand(tmp_path, "raise SystemExit(1)")).splitlines()[1] == "It said nothing."


def test_a_program_that_was_killed_is_told_by_its_signal(tmp_path: Path) -> None:
    told = failed(errand(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert told.startswith("the tool was killed by SIGKILL.")


def test_a_program_that_takes_too_long_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    child = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    began = time.monotonic()
    told = failed(errand(tmp_path, f"{child}; print(p.pid, flush=True); time.sleep(60)", timeout_s=1.5))
    assert told.startswith("the tool was stopped after 1.5 s (--timeout).")
    assert time.monotonic() - began < 20
    pid = int((tmp_path / "tool.log").read_text())
    until(lambda: not is_alive(pid), "the child has ended")


def test_a_program_that_cannot_be_started_is_told_so(tmp_path: Path) -> None:
    one = Errand("the tool", [str(tmp_path)], {}, tmp_path / "tool.log")
    assert failed(one).startswith("the tool could not be started: ")


def test_of_a_progress_bar_only_its_last_state_counts_and_no_command_to_a_terminal(tmp_path: Path) -> None:
    log = tmp_path / "tool.log"
    log.write_bytes(b"\x1b[31mred\x1b[0m \x1b]0;title\x07line\n\n  0%|   |\r 50%|## |\r100%|###|\r\n   \nend\n")
    assert last_lines(log) == ["red line", "100%|###|", "end"]
    assert last_lines(log, 1) == ["end"]
