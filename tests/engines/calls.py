"""Talk to an engine as the gateway does: HTTP/1.1 on a bare socket."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


def connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def send(connection: socket.socket, method: str, path: str, body: object = None, headers: str = "") -> None:
    raw = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
    )
    connection.sendall(f"{head}{headers}\r\n".encode() + raw)


def call(
    address: str, method: str, path: str, body: object = None, headers: str = ""
) -> tuple[int, dict[str, str], Any]:
    """One call; returns status, headers in lower case, and the JSON of the answer."""
    with connect(address) as connection:
        send(connection, method, path, body, "Connection: close\r\n" + headers)
        received = b""
        while block := connection.recv(65536):
            received += block
    head, _, answer = received.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return int(first.split()[1]), named, json.loads(answer) if answer else None


def ask(address: str, words: str, max_tokens: int = 8) -> str:
    """Ask the model, and return what it says."""
    question = {"messages": [{"role": "user", "content": words}], "max_tokens": max_tokens, "temperature": 0}
    status, _, answer = call(address, "POST", "/v1/chat/completions", question)
    assert status == 200, answer
    said: str = answer["choices"][0]["message"]["content"]
    return said


def busy_slots(address: str) -> int:
    return sum(slot["is_processing"] for slot in call(address, "GET", "/slots")[2])


def until(condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    """Wait until `condition` holds and return what it returned."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return value


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
