"""The local model: how fast it speaks through the gateway, and straight from llama.cpp's server."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.children import Child, connect
from bench.figures import BenchError
from bench.subject import post
from steelyard.config.settings import ModelSettings
from steelyard.engines.order import order_for
from steelyard.engines.store import ModelStore

__all__ = ["MODEL", "engine", "tokens_per_s"]

MODEL = "smollm2-135m"
_TOKENS = 128


@contextmanager
def engine(data_dir: Path, home: Path) -> Iterator[int]:
    """Run llama.cpp's server with the model of this machine's store; yield its port. Raises StoreError without it."""
    order = order_for(ModelStore(data_dir).get_model(MODEL), ModelSettings(context=2048, slots=1))
    command = [sys.executable, "-m", "steelyard.engines.llama", msgspec.json.encode(order).decode()]
    with Child(command, home / "engine.log", name="llama.cpp's server", hold_stdin=True) as child:
        yield _port(child)


def tokens_per_s(port: int, key: str, model: str) -> float:
    """Let the model say 128 tokens, streamed; return tokens a second from the request to the end."""
    # ignore_eos and cache_prompt are llama.cpp's: every answer is as long, and none profits from the one before.
    fields = {
        "model": model,
        "messages": [{"role": "user", "content": "Tell me a long story about a steelyard."}],
        "max_tokens": _TOKENS,
        "temperature": 0,
        "ignore_eos": True,
        "cache_prompt": False,
        "stream": True,
    }
    with connect(port) as http:
        begun = time.perf_counter()
        http.sendall(post(key, json.dumps(fields)))
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            content = http.recv(65536)
            if not content:
                break
            answer += content
        took = time.perf_counter() - begun
    words = answer.count(b'"content":')
    if not answer.startswith(b"HTTP/1.1 200") or b"[DONE]" not in answer or words < _TOKENS * 0.9:
        raise BenchError(f"The local model did not answer: {answer[:300]!r} … {answer[-100:]!r}")
    return _TOKENS / took


def _port(child: Child) -> int:
    """Wait for the line that names the server's address."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for line in child.log.read_text(errors="replace").splitlines():
            if line.startswith('{"address"'):
                return int(json.loads(line)["address"].rpartition(":")[2])
        child.must_live()
        time.sleep(0.02)
    raise BenchError(f"llama.cpp's server is not ready after 60 s.\n{child.output}")
