"""A server that answers as the Hugging Face hub does for one file: a redirect with checksums, and ranges from a CDN.

Headers as huggingface_hub reads them (file_download.py, `get_hf_file_metadata`, and constants.py).
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """`OWNER/REPO` has `FILE.gguf`. `ranges` lists the Range header of each download. The first download stops after
    `stop_at` bytes: it stalls until `go_on` when `stall`, and is cut otherwise."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()
        self.commit = COMMIT
        self.ranges: list[str | None] = []
        self.authorizations: set[str | None] = set()
        self.cdn_authorizations: set[str | None] = set()
        self.stop_at: int | None = None
        self.stall = False
        self.stopped = threading.Event()
        self.go_on = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.cdn = f"http://localhost:{self._server.server_port}"  # another host, as the hub's is

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client may keep an idle connection open

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.hub = hub


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_HEAD(self) -> None:
        self._resolve()

    def do_GET(self) -> None:
        if self.path.startswith("/cdn/"):
            self._send_file()
        else:
            self._resolve()

    def _resolve(self) -> None:
        self.server.hub.authorizations.add(self.headers.get("Authorization"))
        if unquote(self.path) not in (f"/OWNER/REPO/resolve/{ref}/dir/FILE.gguf" for ref in ("main", "v1", COMMIT)):
            missing = "EntryNotFound" if self.path.startswith("/OWNER/REPO/") else "RepoNotFound"
            self._head(404, {"X-Error-Code": missing, "X-Error-Message": "not here", "Content-Length": "0"})
            return
        self._head(
            302,
            {
                "Location": f"{self.server.hub.cdn}/cdn/blob",
                "X-Repo-Commit": self.server.hub.commit,
                "X-Linked-Etag": f'"{self.server.hub.etag}"',
                "X-Linked-Size": str(len(self.server.hub.content)),
                "ETag": '"of-the-pointer"',
                "Content-Length": "0",
            },
        )

    def _send_file(self) -> None:
        wanted = self.headers.get("Range")
        self.server.hub.ranges.append(wanted)
        self.server.hub.cdn_authorizations.add(self.headers.get("Authorization"))
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        size = len(self.server.hub.content)
        fields = {"Content-Length": str(size - begin), "Accept-Ranges": "bytes"}
        if wanted:
            fields["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
        self._head(206 if wanted else 200, fields)
        stop_at, self.server.hub.stop_at = self.server.hub.stop_at, None
        try:
            self.wfile.write(self.server.hub.content[begin:stop_at])
            if stop_at is not None:
                self.wfile.flush()
                self.server.hub.stopped.set()
                if self.server.hub.stall:
                    self.server.hub.go_on.wait(60)
                self.close_connection = True
        except ConnectionError:
            self.close_connection = True  # the client was killed, as one test wants

    def _head(self, status: int, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return
