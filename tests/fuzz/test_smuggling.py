"""What nginx refuses of requests that two readers may read in two ways, the gateway refuses too; and where both answer,
both see as many requests. Where the gateway is the stricter one is listed."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec import Struct

from tests.gateway.http_rig import CHAT, Front, ask, body_of, chunked, front, head
from tests.support import RawHTTP, TornError, free_port

NGINX = shutil.which(
    "nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
)
BODY = body_of()
SIZE = f"Content-Length: {len(BODY)}"
CHUNKS = "Transfer-Encoding: chunked"
WHOLE = chunked(BODY)
NEXT = head("GET", "/livez", "Connection: close")
"""What follows each case: its answer tells where the case's end was seen."""


def post(*lines: str, body: bytes = b"", version: str = "1.1", path: str = CHAT) -> bytes:
    return head("POST", path, *lines, version=version) + body


def get(*lines: str) -> bytes:
    return head("GET", "/livez", *lines)


def bare(text: str) -> bytes:
    return text.encode("latin-1")


CASES = {
    # Two framings.
    "CL.TE": post(SIZE, CHUNKS, body=WHOLE),
    "TE.CL": post(CHUNKS, SIZE, body=WHOLE),
    "CL.TE with a request in the body": post("Content-Length: 4", CHUNKS, body=b"0\r\n\r\n" + get()),
    "CL.0": post("Content-Length: 0", CHUNKS, body=WHOLE),
    "two lengths": post(SIZE, "Content-Length: 0", body=BODY),
    "one length twice": post(SIZE, SIZE, body=BODY),
    "a list of lengths": post(f"{SIZE}, {len(BODY)}", body=BODY),
    "a list of two lengths": post(f"{SIZE}, 0", body=BODY),
    "+length": post(f"Content-Length: +{len(BODY)}", body=BODY),
    "-length": post("Content-Length: -1", body=BODY),
    "hexadecimal length": post(f"Content-Length: {len(BODY):#x}", body=BODY),
    "length with a point": post(f"{SIZE}.0", body=BODY),
    "length with e": post("Content-Length: 1e1", body=BODY),
    "length with _": post("Content-Length: 1_0", body=BODY),
    "length and garbage": post(f"{SIZE} x", body=BODY),
    "empty length": post("Content-Length:", body=BODY),
    "length over 64 bits": post("Content-Length: 18446744073709551617", body=BODY),
    "length in quotes": post(f'Content-Length: "{len(BODY)}"', body=BODY),
    # Obfuscated codings.
    "TE twice": post(CHUNKS, CHUNKS, body=WHOLE),
    "TE twice, the second unknown": post(CHUNKS, "Transfer-Encoding: cow", body=WHOLE),
    "TE twice, the first unknown": post("Transfer-Encoding: cow", CHUNKS, body=WHOLE),
    "TE identity": post("Transfer-Encoding: identity", SIZE, body=BODY),
    "TE list": post("Transfer-Encoding: identity, chunked", body=WHOLE),
    "TE xchunked": post("Transfer-Encoding: xchunked", body=WHOLE),
    "TE chunkedx": post("Transfer-Encoding: chunkedx", body=WHOLE),
    "TE chunked;a=b": post("Transfer-Encoding: chunked;a=b", body=WHOLE),
    "TE chunked,": post("Transfer-Encoding: chunked,", body=WHOLE),
    "TE in quotes": post('Transfer-Encoding: "chunked"', body=WHOLE),
    "TE with a tab before": post("Transfer-Encoding:\tchunked", body=WHOLE),
    "TE with a tab before, and a length": post("Transfer-Encoding:\tchunked", SIZE, body=WHOLE),
    "TE with a vertical tab": post("Transfer-Encoding: \x0bchunked", body=WHOLE),
    "TE with a form feed": post("Transfer-Encoding: \x0cchunked", body=WHOLE),
    "TE with a no-break space": post("Transfer-Encoding: \xa0chunked", body=WHOLE),
    "TE behind a CR": post("X: y\rTransfer-Encoding: chunked", SIZE, body=BODY),
    "TE behind a LF": post("X: y\nTransfer-Encoding: chunked", SIZE, body=BODY),
    "TE with a NUL": post("Transfer-Encoding: chunked\0", body=WHOLE),
    "TE with _": post("Transfer_Encoding: chunked", SIZE, body=BODY),
    "TE folded": post("Transfer-Encoding:", " chunked", body=WHOLE),
    "TE in HTTP/1.0": post(CHUNKS, body=WHOLE, version="1.0"),
    "TE and length in HTTP/1.0": post(CHUNKS, SIZE, body=WHOLE, version="1.0"),
    # Spaces, lines, NUL.
    "space before a colon": get("Content-Length : 0"),
    "tab before a colon": get("Content-Length\t: 0"),
    "space before a name": get(" X: y"),
    "space before the first name": bare("GET /livez HTTP/1.1\r\n X: y\r\nHost: localhost\r\n\r\n"),
    "fold": get("X: y", " z"),
    "fold by a tab": get("X: y", "\tz"),
    "fold of the length": post("Content-Length:", f" {len(BODY)}", body=BODY),
    "name with a space": get("X Y: z"),
    "name with a NUL": get("X\0: z"),
    "name of nothing": get(": z"),
    "name with a CR": get("X\r: z"),
    "name of Latin-1": get("X\xff: z"),
    "name in brackets": get("(X): z"),
    "line without a colon": get("nonsense"),
    "value with a NUL": get("X: a\0b"),
    "value with a CR": get("X: a\rb"),
    "bare LF after a field": bare("GET /livez HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
    "bare LF after the request line": bare("GET /livez HTTP/1.1\nHost: localhost\r\n\r\n"),
    "bare LF at the end": bare("GET /livez HTTP/1.1\r\nHost: localhost\r\n\n"),
    "bare LFs": bare("GET /livez HTTP/1.1\nHost: localhost\n\n"),
    "bare CR after a field": bare("GET /livez HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"),
    # The request line and its target.
    "absolute form": ask(path=f"http://localhost{CHAT}"),
    "absolute form of another host": ask(path=f"http://evil.example{CHAT}"),
    "absolute form of another scheme": ask(path=f"ftp://localhost{CHAT}"),
    "authority form": bare("GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "CONNECT": bare("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n"),
    "two spaces": bare("GET  /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "tab for a space": bare("GET\t/livez\tHTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "space before the method": bare(" GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "space behind the version": bare("GET /livez HTTP/1.1 \r\nHost: localhost\r\n\r\n"),
    "space in the target": bare("GET /livez x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "NUL in the target": bare("GET /liv\0ez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "HTTP/1.1 in small letters": bare("GET /livez http/1.1\r\nHost: localhost\r\n\r\n"),
    "HTTP/1.10": bare("GET /livez HTTP/1.10\r\nHost: localhost\r\n\r\n"),
    "HTTP/2.0": bare("GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n"),
    "HTTP/0.9": bare("GET /livez\r\n\r\n"),
    "method in small letters": bare("get /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "no Host": bare("GET /livez HTTP/1.1\r\n\r\n"),
    "two Hosts": get("Host: evil.example"),
    "Host with a path": bare("GET /livez HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    "Host with a NUL": bare("GET /livez HTTP/1.1\r\nHost: local\0host\r\n\r\n"),
    # Tricks with chunks.
    "chunk size 0x": post(CHUNKS, body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size +": post(CHUNKS, body=b"+5\r\nhello\r\n0\r\n\r\n"),
    "chunk size -": post(CHUNKS, body=b"-5\r\nhello\r\n0\r\n\r\n"),
    "chunk size over 64 bits": post(CHUNKS, body=b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "chunk size of nothing": post(CHUNKS, body=b"\r\nhello\r\n0\r\n\r\n"),
    "chunk size with spaces before": post(CHUNKS, body=b" 5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with garbage": post(CHUNKS, body=b"5x\r\nhello\r\n0\r\n\r\n"),
    "chunk too long": post(CHUNKS, body=b"4\r\nhello\r\n0\r\n\r\n"),
    "chunk too short": post(CHUNKS, body=b"6\r\nhello\r\n0\r\n\r\n"),
    "chunk without CRLF": post(CHUNKS, body=b"5\r\nhello0\r\n\r\n"),
    "chunk with a bare LF behind": post(CHUNKS, body=b"5\r\nhello\n0\r\n\r\n"),
    "chunk size with a bare LF": post(CHUNKS, body=b"5\nhello\r\n0\r\n\r\n"),
    "chunk size with a bare CR": post(CHUNKS, body=b"5\rhello\r\n0\r\n\r\n"),
    "chunk extension with a bare LF": post(CHUNKS, body=b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "last chunk with bare LFs": post(CHUNKS, body=b"5\r\nhello\r\n0\n\n"),
    "last chunk 00": post(CHUNKS, body=b"%x\r\n%b\r\n00\r\n\r\n" % (len(BODY), BODY)),
    "trailer with a length": post(CHUNKS, body=chunked(BODY, trailers=b"Content-Length: 5\r\n")),
    "trailer that is none": post(CHUNKS, body=chunked(BODY, trailers=b"nonsense\r\n")),
    "trailer with a NUL": post(CHUNKS, body=chunked(BODY, trailers=b"X: \0\r\n")),
    # Sizes. Both take heads of 64 KiB.
    "a field of 100 kB": get("X: " + "y" * 100_000),
    "a target of 100 kB": head("GET", "/" + "y" * 100_000),
    "3,000 fields": get(*(f"X-{number}: {'y' * 40}" for number in range(3000))),
    "a method of 1 kB": bare("G" * 1000 + " /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
}


class Verdict(Struct, frozen=True):
    """Statuses of the answers that came until the connection was closed: the case's own, and of what came behind it."""

    statuses: tuple[int, ...]

    @property
    def accepts(self) -> bool:
        return bool(self.statuses) and self.statuses[0] < 400


_SITE = """{user}worker_processes 1; daemon off; pid {home}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off; large_client_header_buffers 4 64k; client_header_buffer_size 64k; client_max_body_size 10m;
  client_header_timeout 1; client_body_timeout 1; lingering_time 1; lingering_timeout 1;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{behind}; }} }}
  server {{ listen 127.0.0.1:{behind}; location / {{ return 200 "ok"; }} }}
}}
"""


@contextmanager
def nginx(home: Path) -> Iterator[str]:
    """Run an nginx that reads each request whole before it passes it on (proxy_request_buffering); yield its URL."""
    assert NGINX is not None
    port, behind = free_port(), free_port()
    user = "user root; " if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(_SITE.format(user=user, home=home, port=port, behind=behind))
    command = [NGINX, "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")]
    with (home / "output.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 10
        while True:
            try:
                RawHTTP(f"http://127.0.0.1:{port}").close()
                break
            except OSError:
                assert process.poll() is None, (home / "output.log").read_text()
                assert time.monotonic() < end, "nginx does not listen"
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    limits = {"header_timeout_s": 1, "body_timeout_s": 1}
    with front(tmp_path_factory.mktemp("gateway"), limits) as served:
        yield served


@pytest.fixture(scope="module")
def yardstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    with nginx(tmp_path_factory.mktemp("nginx")) as url:
        yield url


def judged(url: str, sent: bytes) -> Verdict:
    """Send a case and a request behind it; return all answers until the connection closes."""
    statuses: list[int] = []
    with RawHTTP(url, timeout_s=4) as http:
        with suppress(BrokenPipeError, ConnectionResetError):  # what was answered before can be read all the same
            http.send(sent + NEXT)
        try:
            while True:
                statuses.append(http.response().status)
        except (TornError, ConnectionResetError):
            return Verdict(tuple(statuses))
        except AssertionError:
            return Verdict((400, *statuses))  # HTTP/0.9: a page without a head


STRICTER = frozenset(
    (
        *("bare LF after a field", "bare LF after the request line", "bare LF at the end", "bare LFs"),
        *("chunk size with a bare LF", "chunk with a bare LF behind", "last chunk with bare LFs", "chunk too short"),
        *("name of Latin-1", "name in brackets", "line without a colon", "space behind the version", "HTTP/1.10"),
        *("trailer with a length", "trailer that is none", "trailer with a NUL", "a method of 1 kB"),
    )
)
"""What nginx 1.22 accepts, and the gateway does not. Other versions of nginx may refuse some of it, too."""

LEGAL = frozenset(("TE with a tab before",))
"""What nginx refuses, and RFC 9110, section 5.5, allows: space and tab around a value are no part of it. It is read as
it is meant; beside a Content-Length it is refused, as any coding is."""


@pytest.mark.parametrize("name", CASES)
def test_what_nginx_refuses_is_refused_and_the_end_of_what_it_accepts_is_where_it_sees_it(
    served: Front, yardstick: str, name: str
) -> None:
    theirs, ours = judged(yardstick, CASES[name]), judged(served.gateway.url, CASES[name])
    assert ours.statuses, "no request is left without an answer"
    if name in LEGAL:
        assert theirs.statuses[0] in (200, 501)
    elif not theirs.accepts:
        assert not ours.accepts, (theirs, ours)
    elif ours.accepts:
        assert len(ours.statuses) == len(theirs.statuses), "both see as many requests"
    else:
        assert name in STRICTER, f"nginx accepts this, the gateway does not: {theirs}, {ours}"
