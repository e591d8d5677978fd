"""`steelyard up`: real processes, killed in every way."""

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from tests.cli.conftest import StartUp
from tests.cli.program import Program, clean_environment, is_alive, run_program, until
from tests.support import RawHTTP, TornError, config_text
from tests.support.ledger import ids_in_ledger


def _asks(address: str, model: str = "acme/ok") -> int:
    with RawHTTP(address, timeout_s=60) as http:
        return http.chat(model).status


def _calls(home: Path) -> int:
    done = run_program("ledger", "cost", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return sum(row["calls"] for row in json.loads(done.stdout))


def _all_gone(program: Program) -> bool:
    return not any(is_alive(pid) for pid in program.pids())


def test_all_start_answer_and_end_in_order(up: StartUp, tmp_path: Path) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    assert _asks(program.address) == 200
    assert program.end() == 0, program.told
    assert _all_gone(program)
    assert next(event["member"] for event in program.events("ended")) == "gateway"
    assert all("exit code 0" in event["text"] for event in program.events("ended"))
    assert _calls(tmp_path) == 1


def test_the_port_is_free_again_at_once(up: StartUp) -> None:
    first = up()
    first.wait_ready("gateway")
    port = first.address.rpartition(":")[2]
    assert first.end() == 0
    second = up("--port", port)
    second.wait_ready("gateway")
    assert second.end(signal.SIGINT) == 0


def test_a_killed_clerk_disturbs_nobody_and_catches_up(up: StartUp, tmp_path: Path) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    gateway = program.pid_of("gateway")
    os.kill(program.pid_of("clerk"), signal.SIGKILL)
    assert _asks(program.address) == 200
    program.wait_ready("clerk", times=2)
    assert program.events("died", "clerk")[0]["text"] == "was ended by SIGKILL"
    until(lambda: len(ids_in_ledger(tmp_path / "home")) == 1, "the call in the ledger")
    assert program.pid_of("gateway") == gateway
    assert program.end() == 0


def test_a_killed_gateway_is_back_on_its_port(up: StartUp) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    address = program.address
    os.kill(program.pid_of("gateway"), signal.SIGKILL)
    program.wait_ready("gateway", times=2)
    assert program.address == address
    assert _asks(address) == 200
    assert program.end() == 0


def test_pauses_between_restarts_grow(up: StartUp) -> None:
    program = up()
    for times in (1, 2, 3):
        program.wait_ready("clerk", times=times)
        os.kill(program.pid_of("clerk"), signal.SIGKILL)
    until(lambda: len(program.events("died", "clerk")) == 3, "three deaths")
    assert [event["restart_in_s"] for event in program.events("died", "clerk")] == [0.1, 0.2, 0.4]
    assert program.end() == 0


def test_children_end_when_the_supervisor_is_killed(up: StartUp) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    program.process.kill()
    until(lambda: _all_gone(program), "the end of all children")


def test_a_supervisor_killed_while_children_begin_leaves_none(up: StartUp) -> None:
    program = up()
    until(lambda: len(program.pids()) >= 2, "two children")
    program.process.kill()
    until(lambda: _all_gone(program), "the end of all children")


def test_calls_under_way_are_answered_before_the_end(up: StartUp) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    with RawHTTP(program.address) as http:
        http.begin_chat("acme/slow-chunks:0.1:10", stream=True)
        head = http.head()
        program.process.send_signal(signal.SIGTERM)
        payloads = list(http.payloads(head))
    assert payloads[-1] == "[DONE]"
    assert program.wait() == 0


def test_a_second_signal_ends_at_once(up: StartUp) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    with RawHTTP(program.address) as http:
        http.begin_chat("acme/endless:0.05", stream=True)
        http.head()
        began = time.monotonic()
        program.process.send_signal(signal.SIGINT)
        until(lambda: _readiness(program.address) == 503, "the drain")
        assert program.end(signal.SIGINT) == 130
    assert time.monotonic() - began < 15
    assert _all_gone(program)
    assert program.events("died") == []


def test_a_call_that_a_second_signal_breaks_off_is_recorded(up: StartUp, tmp_path: Path) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    with RawHTTP(program.address) as http:
        http.begin_chat("acme/endless:0.05", stream=True)
        head = http.head()
        program.process.send_signal(signal.SIGINT)
        until(lambda: _readiness(program.address) == 503, "the drain")
        program.process.send_signal(signal.SIGINT)
        payloads = list(http.payloads(head))
    assert "draining" in payloads[-1]
    assert program.wait() == 130
    again = up()
    again.wait_ready("gateway", "clerk")
    until(lambda: len(ids_in_ledger(tmp_path / "home")) == 1, "the call in the ledger")
    assert again.end() == 0


def test_a_configured_provider_without_its_key_is_told_at_the_start(up: StartUp, tmp_path: Path) -> None:
    acme = {"base_url": "http://127.0.0.1:9/v1", "api_key": "env:NOBODY_SET_THIS"}
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": acme}))
    program = up()
    program.wait_ready("gateway")
    until(lambda: [one for one in program.events("said", "gateway") if "NOBODY_SET_THIS" in one["text"]], "a line")
    assert program.end() == 0


def _readiness(address: str) -> int:
    with RawHTTP(address) as http:
        return http.request("GET", "/readyz").status


def test_several_gateways_share_the_port(up: StartUp) -> None:
    program = up("--workers", "2")
    program.wait_ready("gateway-0", "gateway-1", "clerk")
    addresses = {event["address"] for event in program.events("ready") if "address" in event}
    assert len(addresses) == 1
    address = addresses.pop()
    assert [_asks(address) for _ in range(8)] == [200] * 8
    os.kill(program.pid_of("gateway-0"), signal.SIGKILL)
    assert _asks_with_patience(address) == 200
    program.wait_ready("gateway-0", times=2)
    assert program.end() == 0
    assert _all_gone(program)


def _asks_with_patience(address: str) -> int:
    """Connections that were waiting for the killed process are reset; a new one reaches the other."""
    return int(until(lambda: _status_or_none(address), "an answer"))


def _status_or_none(address: str) -> int | None:
    try:
        return _asks(address)
    except (OSError, TornError):
        return None


def test_a_port_that_is_taken_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_program("up", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text("[server]\nport = true\n")
    done = run_program("up", cwd=tmp_path)
    assert done.returncode == 2
    assert "steelyard.toml" in done.stderr
    assert "port" in done.stderr


def test_one_that_can_never_start_ends_all_with_its_exit_code(up: StartUp, tmp_path: Path) -> None:
    journal = tmp_path / "home" / "journal"
    journal.mkdir(parents=True)
    with (journal / "clerk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = up()
        assert program.wait() == 2, program.told
    assert _all_gone(program)
    assert "Another clerk" in program.told


def test_a_gateway_that_others_could_reach_needs_keys(up: StartUp) -> None:
    program = up("--host", "0.0.0.0")
    assert program.wait() == 2
    assert "steelyard keys create" in program.told
    assert _all_gone(program)


def test_sighup_has_the_configuration_read_again(up: StartUp, tmp_path: Path) -> None:
    program = up()
    program.wait_ready("gateway")
    os.kill(program.process.pid, signal.SIGHUP)
    until(lambda: any("took the new configuration" in line for line in program.lines), "the configuration again")
    assert program.end() == 0


def test_a_model_that_comes_later_starts_the_engine(up: StartUp, tmp_path: Path) -> None:
    program = up()
    program.wait_ready("gateway")
    assert program.events("started", "engine") == []
    models = tmp_path / "home" / "models" / "later"
    models.mkdir(parents=True)
    (models / "card.toml").write_text('schema = 1\nmodel = "later"\norigin = "file:/x"\n[claims]\n')
    (models / "model.gguf").write_bytes(b"GGUF")
    program.wait_ready("engine")
    assert program.end() == 0
    assert _all_gone(program)


def test_a_killed_engine_is_started_again_with_its_model(up: StartUp, home_with_model: Path) -> None:
    program = up()
    program.wait_ready("gateway", "engine", "clerk")
    with RawHTTP(program.address, timeout_s=60) as http:
        assert http.chat("local/smollm2-135m", max_tokens=3).status == 200
    os.kill(program.pid_of("engine"), signal.SIGKILL)
    assert _asks(program.address) == 200
    program.wait_ready("engine", times=2)
    with RawHTTP(program.address, timeout_s=60) as http:
        assert http.chat("local/smollm2-135m", max_tokens=3).status == 200
    assert program.end() == 0
    assert _all_gone(program)


def test_lines_for_a_log_name_who_speaks(up: StartUp, tmp_path: Path) -> None:
    with Program("up", "--port", "0", cwd=tmp_path) as program:
        until(lambda: sum(line.startswith(("gateway: serves", "clerk: keeps")) for line in program.notes) == 2, "lines")
        assert program.end() == 0
        assert program.lines == []
        assert "\x1b" not in program.told


def test_ctrl_c_on_a_terminal_ends_all(tmp_path: Path) -> None:
    terminal, inside = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(inside, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard", "up", "--port", "0"],
        cwd=tmp_path,
        env={**clean_environment(tmp_path), "TERM": "xterm"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(inside)
    screen: list[bytes] = []
    reader = threading.Thread(target=_read_terminal, args=(terminal, screen))
    reader.start()
    try:
        until(lambda: b"serves" in b"".join(screen) and b"keeps" in b"".join(screen), "gateway and clerk")
        os.write(terminal, b"\x03")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
        reader.join(10)
        os.close(terminal)
    shown = b"".join(screen)
    assert b"\x1b[36mgateway" in shown
    assert b"Traceback" not in shown


def _read_terminal(terminal: int, screen: list[bytes]) -> None:
    """Collect until the other end is closed, which is EIO on Linux (pty(7))."""
    try:
        while content := os.read(terminal, 65536):
            screen.append(content)
    except OSError:
        return
