"""A real Chromium, driven over a pipe by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["Chromium", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """Return the path of a Chromium on this machine; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name)) is not None), None)


class Chromium:
    """One page of one browser, with a profile of its own in `directory`. `events` are what it told, oldest first."""

    def __init__(self, binary: str, directory: Path) -> None:
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        os.set_inheritable(commands, True)
        os.set_inheritable(answers, True)
        # `--remote-debugging-pipe` reads from descriptor 3 and writes to 4.
        shell = f'exec 3<&{commands} 4>&{answers}; exec "$@"'
        options = (
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        )
        quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars")
        profile = f"--user-data-dir={directory / 'profile'}"
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", binary, *options, *quiet, profile, "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self.events: list[dict[str, Any]] = []
        self._rest = b""
        self._number = 0
        target = self.ask("Target.createTarget", {"url": "about:blank"}, session=False)["targetId"]
        attached = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True}, session=False)
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self._in)
        os.close(self._out)

    def open(self, page: Path, width: int, height: int, *, dark: bool = False) -> None:
        """Open a file in a window of so many pixels, and wait until it is shown."""
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.ask("Page.navigate", {"url": page.as_uri()})
        self._wait("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """Return what an expression of JavaScript comes to in the page."""
        found = self.ask("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def pdf(self, path: Path) -> None:
        """Print the page on A4."""
        printed = self.ask("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True})
        path.write_bytes(base64.b64decode(printed["data"]))

    def told(self, method: str) -> list[dict[str, Any]]:
        """Return what the browser told by a method since the page was opened."""
        return [event["params"] for event in self.events if event["method"] == method]

    def ask(self, method: str, params: dict[str, Any] | None = None, *, session: bool = True) -> dict[str, Any]:
        """Return what the browser answers to a command."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session:
            command["sessionId"] = self._session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + 60
        while True:
            message = self._read(end)
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _wait(self, method: str) -> None:
        end = time.monotonic() + 60
        while not self.told(method):
            self._read(end)

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, *_ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            self._rest += os.read(self._in, 1 << 20)
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message
