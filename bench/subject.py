"""What is measured: one gateway worker with everything on."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from msgspec import Struct

from bench.children import Child, connect, free_port
from bench.cpu import cpu_s
from bench.figures import BenchError

__all__ = ["Subject", "configure", "env_of", "exchange", "new_key", "post", "prove_cost", "start"]

# The route is named, its timeouts and its price are stated, so that every part of the path has work to do.
_CONFIG = """[server]
record = "metadata"

[providers.bench]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key = "env:STEELYARD_BENCH_KEY"

[routes.assistant]
deployments = ["bench/gpt-4.1"]
strategy = "fallback"
retries = 2
timeout_s = {{ connect = 5, first_byte = 60, idle = 60, total = 600 }}

[deployments."bench/gpt-4.1"]
price = {{ input_usd_per_mtok = "2.00", cached_input_usd_per_mtok = "0.50", output_usd_per_mtok = "8.00" }}
"""


class Subject(Struct, frozen=True):
    """A running gateway; `ready_cpu_s` is the CPU time it took until it was ready, `home` where its files are."""

    child: Child
    port: int
    key: str
    ready_cpu_s: float
    home: Path


def start(home: Path, upstream: int, stand_in: str | None = None, more: str = "") -> Subject:
    """Start `steelyard gateway` in front of a port, with a key; or a stand-in command, in which {port} and {upstream}
    are replaced. `more` is added to the gateway's configuration."""
    home.mkdir()
    port = free_port()
    if stand_in:
        command = shlex.split(stand_in.format(port=port, upstream=upstream))
        child = Child(command, home / "output.log", name="the stand-in")
        child.wait_port(port)
        return Subject(child, port, "sk-test-1234", cpu_s(child.session), home)
    config, env = configure(home, upstream, more), env_of(home)
    key = new_key(home, "bench")
    command = [sys.executable, "-m", "steelyard", "gateway", "--config", str(config), "--port", str(port)]
    child = Child(command, home / "output.log", env=env, name="steelyard gateway")
    try:
        ready = _ready(child, port)
        _everything_on(port, key)
    except BaseException:
        child.stop()
        raise
    return Subject(child, port, key, ready, home)


def post(key: str, body: str) -> bytes:
    """Return a request in bytes."""
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def exchange(port: int, request: bytes) -> bytes:
    """Send a request; return its answer, which must have a Content-Length."""
    with connect(port) as http:
        http.sendall(request)
        answer = b""
        while True:
            content = http.recv(65536)
            answer += content
            head, end, body = answer.partition(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            if not content or (end and at >= 0 and len(body) >= int(head[at + 15 :].split(b"\r\n")[0])):
                return answer


def configure(home: Path, upstream: int, more: str = "") -> Path:
    """Write a configuration in front of a port, to which `more` is added; return where it is."""
    config = home / "steelyard.toml"
    config.write_text(_CONFIG.format(upstream=upstream) + more)
    return config


def env_of(home: Path) -> dict[str, str]:
    """Return the environment of a gateway whose files are in `home`."""
    return {**os.environ, "STEELYARD_HOME": str(home / "home"), "STEELYARD_BENCH_KEY": "upstream-secret"}


def new_key(home: Path, name: str, *options: str) -> str:
    """Make a key for the gateway whose files are in `home`; return its secret."""
    command = [sys.executable, "-m", "steelyard", "keys", "create", name, *options, "--json"]
    done = subprocess.run(command, cwd=home, env=env_of(home), capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise BenchError(f"`steelyard keys create {name} --json` ended with {done.returncode}.\n{done.stderr}")
    key: str = json.loads(done.stdout)["key"]
    return key


def _ready(child: Child, port: int) -> float:
    """Wait until `/readyz` says 200; return the CPU seconds used so far."""
    child.wait_port(port)
    for _ in range(1000):
        if exchange(port, b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").startswith(b"HTTP/1.1 200"):
            return cpu_s(child.session)
        child.must_live()
        time.sleep(0.01)
    raise BenchError(f"steelyard gateway is not ready after 10 s.\n{child.output}")


def prove_cost(subject: Subject, body: str) -> None:
    """Prove that a call is priced and has an id."""
    answer = exchange(subject.port, post(subject.key, body)).partition(b"\r\n\r\n")[0].lower()
    for header in (b"x-request-id:", b"x-steelyard-cost-usd:", b"x-steelyard-deployment: bench/gpt-4.1"):
        if header not in answer:
            raise BenchError(f"The gateway under measurement does not answer with {header.decode()}\n{answer.decode()}")


def _everything_on(port: int, key: str) -> None:
    """Prove that keys are checked and that metrics are there; `prove_cost` proves the price."""
    if not exchange(port, post("sy-wrong", "{}")).startswith(b"HTTP/1.1 401"):
        raise BenchError("The gateway under measurement does not check keys.")
    request = f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
    if not exchange(port, request.encode()).startswith(b"HTTP/1.1 200"):
        raise BenchError("The gateway under measurement has no /metrics.")
