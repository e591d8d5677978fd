"""Closed-loop load by wrk: as many calls as a number of connections can carry."""

import json
import re
import subprocess
from pathlib import Path

from msgspec import Struct

from bench.figures import BenchError

__all__ = ["BODY", "NUMBER", "STREAM_BODY", "Calls", "Load", "wrk"]

_SYSTEM = "You are a careful assistant who answers questions about software systems in plain words. " * 8
_FIELDS = {
    "model": "assistant",
    "messages": [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": "Hello! What can you do for me today?"},
    ],
    "temperature": 0.7,
    "max_tokens": 256,
}
BODY = json.dumps(_FIELDS, separators=(",", ":"))
STREAM_BODY = json.dumps({**_FIELDS, "stream": True, "stream_options": {"include_usage": True}}, separators=(",", ":"))

_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.body = [==[{body}]==]
"""

NUMBER = "@NUMBER@"
"""Stands in a body for what is different in each call."""

# One thread: with more, each would count for itself. A run takes longer than a second.
_NUMBERED = f"""
local before, after = wrk.body:match("^(.*){NUMBER}(.*)$")
local count, run = 0, os.time()
request = function()
  count = count + 1
  return wrk.format(nil, nil, nil, before .. run .. "-" .. count .. after)
end
"""


class Load(Struct, frozen=True):
    """What to send where, by how many connections; by how many threads, on which cores (None: on any)."""

    port: int
    key: str
    body: str
    connections: int = 16
    path: str = "/v1/chat/completions"
    threads: int = 1
    cores: tuple[int, ...] | None = None


class Calls(Struct, frozen=True):
    """How many calls were answered, and how many a second."""

    count: int
    rate: float


def wrk(load: Load, duration_s: float, home: Path) -> Calls:
    """Run wrk. Any answer that is not 2xx and any socket error is an error."""
    script = home / "load.lua"
    script.touch(mode=0o600)
    text = _SCRIPT.format(key=load.key, body=load.body)
    script.write_text(text + _NUMBERED if NUMBER in load.body else text)
    shape = [
        f"-t{load.threads}",
        f"-c{load.connections}",
        f"-d{duration_s:.0f}s",
        "--timeout",
        "30s",
        "-s",
        str(script),
    ]
    pinned = ["taskset", "-c", ",".join(map(str, load.cores))] if load.cores else []
    command = [*pinned, "wrk", *shape, f"http://127.0.0.1:{load.port}{load.path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=duration_s + 60)
    trouble = re.search(r"Non-2xx or 3xx responses: \d+|Socket errors:.*", done.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    if trouble or not rate or not count or done.returncode:
        raise BenchError(f"wrk on port {load.port}: {trouble[0] if trouble else done.stdout + done.stderr}")
    return Calls(int(count[1]), float(rate[1]))
