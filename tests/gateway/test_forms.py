"""A form streams by: its file is untouched, its model's name is read wherever it stands, and little of it is held."""

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import BadRequest
from steelyard.gateway.form_reader import FormReader
from tests.fake import FakeProvider
from tests.fake.loopback import LoopbackServer
from tests.fake.wire import Wire
from tests.gateway.http_rig import Front, answers, front, head, read_answer
from tests.support import GatewayUnderTest, RawHTTP, Response, TornError, config_text
from tests.support.journal import journalled, wait_journalled

PATH = "/v1/audio/transcriptions"
BOUNDARY = "----FormBoundary7MA4YWxkTrZu0gW"
PLAIN = 'Content-Disposition: form-data; name="model"'
MB = 1_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    routes = {"ears": {"deployments": ["acme/ok"], "retries": 0}}
    server = {"max_body_bytes": 300 * MB}
    with front(tmp_path_factory.mktemp("forms"), server, routes=routes) as served:
        yield served


def part(headers: str, content: bytes, boundary: str = BOUNDARY) -> bytes:
    return f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n"


def file_part(content: bytes, name: str = "a.wav") -> bytes:
    return part(f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: audio/wav', content)


def model_part(model: str = "ears", headers: str = PLAIN) -> bytes:
    return part(headers, model.encode())


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def form_head(*lines: str, boundary: str = BOUNDARY) -> bytes:
    return head("POST", PATH, f"Content-Type: multipart/form-data; boundary={boundary}", *lines)


def post(served: Front, content: bytes, *, chunk: int | None = None, step: int | None = None) -> Response:
    """Send a form: with its length, or in chunks; in steps of so many bytes, or at once."""
    with served.connect(30) as http:
        send(http, content, chunk=chunk, step=step)
        return read_answer(http)


def send(http: RawHTTP, content: bytes, *, chunk: int | None = None, step: int | None = None) -> None:
    if chunk is None:
        http.send(form_head(f"Content-Length: {len(content)}"))
        step = step or max(1, len(content))
        for at in range(0, len(content), step):
            http.send(content[at : at + step])
        return
    http.send(form_head("Transfer-Encoding: chunked"))
    for at in range(0, len(content), chunk):
        piece = content[at : at + chunk]
        http.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    http.send(b"0\r\n\r\n")


def received(answer: Response) -> tuple[int, str]:
    assert answer.status == 200, answer
    seen = answer.json()["received"]
    return seen["bytes"], seen["sha256"]


def expected(content: bytes) -> tuple[int, str]:
    return len(content), hashlib.sha256(content).hexdigest()


@cache
def recording() -> bytes:
    """Return 20 MB, made for these tests, not whenever tests are listed."""
    return random.Random(3).randbytes(20 * MB)


@pytest.mark.parametrize("model_first", [True, False])
@pytest.mark.parametrize("chunk", [None, 65_536, 1_000_003])
def test_a_large_file_arrives_byte_for_byte(served: Front, model_first: bool, chunk: int | None) -> None:
    parts = [model_part(), part('Content-Disposition: form-data; name="language"', b"en"), file_part(recording())]
    answer = post(served, form(*(parts if model_first else parts[::-1])), chunk=chunk)
    assert received(answer) == expected(recording())
    assert answer.header("x-steelyard-deployment") == "acme/ok"
    request = served.provider.requests[-1]
    assert b'name="model"\r\n\r\nok\r\n' in request.body
    assert (request.header("content-length") is None) == (chunk is not None)
    assert request.header("content-type") == f"multipart/form-data; boundary={BOUNDARY}"


def test_other_parts_stay_as_they_are(served: Front) -> None:
    parts = [
        part('content-disposition:form-data; NAME="a"', b""),
        part(
            'Content-Disposition: form-data; name="größe"; x=y\r\nContent-Type: text/plain; charset=utf-8', "ä".encode()
        ),
        model_part(),
        file_part(b"\r\n\r\n--\r\n"),
        part('Content-Disposition: form-data; name="timestamp_granularities[]"', b"word\r\nsegment"),
    ]
    assert post(served, form(*parts)).status == 200
    assert served.provider.requests[-1].body == form(*parts).replace(b"\r\nears\r\n", b"\r\nok\r\n")


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Disposition: form-data; name=model",
        "content-disposition: form-data; name=model;",
        'CONTENT-DISPOSITION: FORM-DATA; NAME="model"',
        'Content-Disposition:form-data;name="model"',
        'Content-Disposition: form-data; charset=utf-8; name="model"',
        'Content-Type: text/plain\r\nContent-Disposition: form-data; name="model"',
        'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain\r\nContent-Length: 4',
    ],
)
def test_the_model_is_found_however_its_part_is_written(served: Front, headers: str) -> None:
    for parts in ([model_part(headers=headers), file_part(b"RIFF")], [file_part(b"RIFF"), model_part(headers=headers)]):
        assert received(post(served, form(*parts))) == expected(b"RIFF")


@pytest.mark.parametrize("step", [1, 7, 64])
def test_a_form_in_small_pieces_is_understood(served: Front, step: int) -> None:
    content = form(file_part(b"RIFF" * 40), model_part())
    assert received(post(served, content, step=step)) == expected(b"RIFF" * 40)
    assert received(post(served, content, chunk=step)) == expected(b"RIFF" * 40)


LOOKALIKES = {
    "a part without its boundary": f"\r\n{PLAIN}\r\n\r\nnonesuch\r\n".encode(),
    "a part with another boundary": part(PLAIN, b"nonesuch", "other") + b"--other--\r\n",
    "the boundary within a line": f"x--{BOUNDARY}\r\n{PLAIN}\r\n\r\nnonesuch\r\n--{BOUNDARY}x".encode(),
    "a longer boundary": f"\r\n--{BOUNDARY}x\r\n{PLAIN}\r\n\r\nnonesuch\r\n--{BOUNDARY}x".encode(),
    "JSON": b'{"model":"nonesuch"}',
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_look_alike_in_the_file_is_no_model(served: Front, name: str) -> None:
    content = b"RIFF" + LOOKALIKES[name] + b"end"
    assert received(post(served, form(file_part(content), model_part()))) == expected(content)


def test_a_look_alike_in_a_file_s_name_is_no_model(served: Front) -> None:
    for name in ("model", "a; name=model", "a; name=model ;b", "; name=%22model%22"):
        assert received(post(served, form(file_part(b"nonesuch", name), model_part()))) == expected(b"nonesuch")


def test_fields_with_similar_names_are_no_model(served: Front) -> None:
    others = [
        part(f'Content-Disposition: form-data; name="{name}"', b"x")
        for name in ("models", "model2", "a model", "Model")
    ]
    assert post(served, form(*others, model_part(), file_part(b"RIFF"))).status == 200


def test_a_model_that_comes_twice_is_refused(tmp_path: Path, served: Front) -> None:
    # The gateway and the provider might read another one of them: a way around what a key may use.
    before = len(journalled(served.gateway.home))
    for parts in (
        [model_part(), model_part("acme/other"), file_part(b"RIFF")],
        [model_part(), file_part(b"x" * MB), model_part("acme/other")],
        [file_part(b"RIFF"), model_part(), model_part()],
    ):
        for chunk in (None, 1000):
            answer = post(served, form(*parts), chunk=chunk)
            assert (answer.status, answer.json()["error"]["param"]) == (400, "model")
    assert all(one.outcome == "rejected" for one in wait_journalled(served.gateway.home, before + 6)[before:])


def refusal(answer: Response) -> tuple[int, str | None]:
    return answer.status, answer.error_code


def test_a_form_without_a_model_is_refused(served: Front) -> None:
    for content in (form(file_part(b"RIFF")), form(), b"", form(model_part(""), file_part(b"RIFF"))):
        for chunk in (None, 100):
            assert refusal(post(served, content, chunk=chunk)) == (400, "invalid_request")


def test_a_form_with_another_boundary_than_its_head_says_is_refused(served: Front) -> None:
    content = form(model_part(), file_part(b"RIFF"))
    with served.connect() as http:
        http.send(form_head(f"Content-Length: {len(content)}", boundary="other") + content)
        assert refusal(read_answer(http)) == (400, "invalid_request")


DOUBTFUL = {
    "a preamble": b"preamble\r\n" + form(model_part(), file_part(b"RIFF")),
    "a longer first boundary": form(model_part()).replace(BOUNDARY.encode(), BOUNDARY.encode() + b"x", 1),
    "a boundary behind a bare LF": form(model_part(), file_part(b"RIFF\n--" + BOUNDARY.encode() + b"\r\n")),
    "the encoded name": form(model_part(headers="Content-Disposition: form-data; name*=utf-8''model")),
    "both names": form(model_part(), model_part(headers='Content-Disposition: form-data; name="x"; name="model"')),
    "a folded head": form(model_part(), model_part(headers='Content-Disposition: form-data;\r\n name="model"')),
    "endless headers": form(model_part(), model_part(headers="X: " + "y" * 20_000)),
    "an endless model": form(model_part("m" * 600)),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_form_that_two_readers_might_read_in_two_ways_is_refused(served: Front, name: str) -> None:
    for step in (None, 1, 13):
        assert refusal(post(served, DOUBTFUL[name], step=step)) == (400, "invalid_request")


@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([b"\r\n", b"--B", b"\r\n--B", b"--", b" "]), max_size=8),
    st.data(),
)
def test_the_reader_finds_the_same_however_the_form_was_cut(pieces: list[bytes], data: st.DataObject) -> None:
    content = b"".join(pieces)
    parts = [
        part(PLAIN, b"ears", "B"),
        part('Content-Disposition: form-data; name="file"; filename="model"', content, "B"),
    ]
    whole = b"".join(data.draw(st.permutations(parts))) + b"--B--\r\n"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    assert found([whole]) == found([whole[a:b] for a, b in pairwise([0, *cuts, len(whole)])])


def found(pieces: list[bytes]) -> tuple[bytes | None, tuple[int, int] | None] | str:
    reader = FormReader(b"B")
    try:
        for piece in pieces:
            reader.feed(piece)
    except BadRequest as error:
        return str(error)
    return reader.model, reader.span


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"]
)
def test_what_is_no_form_is_refused(served: Front, kind: str) -> None:
    with served.connect() as http:
        http.send(head("POST", PATH, f"Content-Type: {kind}", "Content-Length: 2") + b"{}")
        assert refusal(read_answer(http)) == (400, "invalid_content_type")
        http.send(head("GET", "/livez"))
        assert read_answer(http).status == 200


def test_a_boundary_may_be_quoted(served: Front) -> None:
    content = form(model_part(), file_part(b"RIFF")).replace(BOUNDARY.encode(), b"a b:c")
    with served.connect() as http:
        http.send(form_head(f"Content-Length: {len(content)}", boundary='"a b:c"; charset=utf-8') + content)
        assert received(read_answer(http)) == expected(b"RIFF")


def test_an_unknown_model_is_refused_and_the_connection_stays(served: Front) -> None:
    with served.connect() as http:
        for _ in range(2):
            send(http, form(model_part("eras"), file_part(b"RIFF")))
            answer = read_answer(http)
            assert refusal(answer) == (404, "model_not_found")
            assert "ears" in answer.json()["error"]["message"]
        send(http, form(model_part(), file_part(b"RIFF")))
        assert read_answer(http).status == 200


def test_an_unknown_model_is_refused_while_the_file_is_still_coming(served: Front) -> None:
    with served.connect() as http:
        http.send(form_head(f"Content-Length: {100 * MB}") + model_part("nonesuch") + file_part(b"RIFF"))
        assert refusal(read_answer(http)) == (404, "model_not_found")
        assert http.closed()


def test_one_connection_carries_one_form_after_another(served: Front) -> None:
    contents = [
        random.Random(i).randbytes(size) for i, size in enumerate((10, 200_000, 270_000, 300_000, 600_000, 3 * MB))
    ]
    with served.connect() as http:
        for content in contents:
            for chunk in (None, 50_000):
                send(http, form(model_part(), file_part(content)), chunk=chunk)
                assert received(read_answer(http)) == expected(content)
                http.send(head("GET", "/livez"))
                assert read_answer(http).status == 200


def test_forms_that_wait_for_their_turn_are_answered_in_it(served: Front) -> None:
    content = random.Random(9).randbytes(MB)
    one = form(model_part(), file_part(content))
    whole = form_head(f"Content-Length: {len(one)}") + one
    with served.connect() as http:
        http.send(whole * 3 + head("GET", "/livez"))
        assert [received(read_answer(http)) for _ in range(3)] == [expected(content)] * 3
        assert read_answer(http).json() == {"status": "ok"}


def rss(gateway: GatewayUnderTest) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class SlowSink(LoopbackServer):
    """Take requests slowly, hold nothing of them, and tell the size and SHA-256 of their bodies, framing included."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, wire: Wire) -> None:
        wire.read_pause_s = 0.002
        await wire.head()
        digest, size, end = hashlib.sha256(), 0, b""
        while not end.endswith((f"{BOUNDARY}--\r\n".encode(), b"\r\n0\r\n\r\n")):
            piece = await wire.some()
            digest.update(piece)
            size += len(piece)
            end = (end + piece)[-100:]
        body = json.dumps({"size": size, "sha256": digest.hexdigest()}).encode()
        await wire.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        await wire.until_gone()


def test_a_slow_provider_slows_the_client_and_little_is_held(tmp_path: Path) -> None:
    count = 200
    block = random.Random(1).randbytes(MB)
    parts = model_part("acme/ok") + file_part(b"@").split(b"@")[0], form(b"\r\n")
    with SlowSink() as sink:
        config = config_text({"acme": sink.base_url}, server={"max_body_bytes": 300 * MB})
        with GatewayUnderTest(config, tmp_path) as gateway, gateway.connect(90) as http:
            before = peak = rss(gateway)
            http.send(form_head(f"Content-Length: {count * MB + len(parts[0]) + len(parts[1])}") + parts[0])
            for _ in range(count):
                http.send(block)
                peak = max(peak, rss(gateway))
            http.send(parts[1])
            answer = read_answer(http)
            assert list((gateway.home / "spool").iterdir()) == []
    digest = hashlib.sha256(parts[0].replace(b"acme/ok", b"ok"))
    for _ in range(count):
        digest.update(block)
    digest.update(parts[1])
    assert answer.json() == {
        "size": count * MB + len(parts[0]) + len(parts[1]) - len("acme/"),
        "sha256": digest.hexdigest(),
    }
    assert peak - before < 20 * MB, peak - before


def test_a_file_before_its_model_is_kept_on_disk_not_in_memory(served: Front) -> None:
    before = rss(served.gateway)
    peak = 0
    with served.connect(30) as http:
        content = form(file_part(recording() * 3), model_part())
        http.send(form_head(f"Content-Length: {len(content)}"))
        for at in range(0, len(content), MB):
            http.send(content[at : at + MB])
            peak = max(peak, rss(served.gateway))
        assert received(read_answer(http)) == expected(recording() * 3)
    assert peak - before < 25 * MB
    assert list((served.gateway.home / "spool").iterdir()) == []


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("model_first", [True, False])
def test_a_client_that_leaves_in_mid_upload_leaves_nothing_behind(served: Front, end: str, model_first: bool) -> None:
    before = len(served.provider.requests)
    http = served.connect()
    http.send(
        form_head(f"Content-Length: {50 * MB}") + (model_part() if model_first else b"") + file_part(b"x" * 5 * MB)
    )
    if model_first:
        request = served.provider.wait(lambda: served.provider.requests[before:], "the upload")[0]
        (http.close if end == "close" else http.reset)()
        served.provider.wait_closed(request, timeout_s=10)
        assert not request.complete
    else:
        (http.close if end == "close" else http.reset)()
        assert served.gateway.ready_status() == 200
        assert len(served.provider.requests) == before
    for _ in range(200):
        if "steelyard_calls_in_flight 0\n" in served.gateway.metrics():
            break
        time.sleep(0.01)
    assert "steelyard_calls_in_flight 0\n" in served.gateway.metrics()
    if model_first:
        assert journalled(served.gateway.home)[-1].outcome == "client_gone"


def test_a_provider_that_refuses_early_is_heard_while_the_client_still_sends(tmp_path: Path) -> None:
    with front(tmp_path, {"max_body_bytes": 300 * MB}, FakeProvider(body_limit=MB)) as served:
        for _ in range(2):
            with served.connect() as http:
                http.send(form_head(f"Content-Length: {50 * MB}") + model_part("acme/ok") + file_part(b"RIFF"))
                for _ in range(40):
                    http.send(b"x" * MB)
                (answer,) = answers(http)
                assert answer.status == 413
                assert answer.json()["error"]["message"] == "Maximum content size limit exceeded."
        (first, *_) = journalled(served.gateway.home)
        assert (first.status, first.outcome) == (413, "status")


def test_a_provider_that_cannot_be_reached_is_told_though_the_client_still_sends(tmp_path: Path) -> None:
    with front(tmp_path) as served:
        served.provider.stop()
        with served.connect() as http:
            http.send(form_head(f"Content-Length: {10 * MB}") + model_part("acme/ok") + file_part(b"RIFF"))
            for _ in range(9):
                http.send(b"x" * MB)
            (answer,) = answers(http)
            assert (answer.status, answer.error_code) == (502, "upstream_unreachable")


def test_a_slow_upload_is_not_the_provider_s_delay(tmp_path: Path) -> None:
    routes = {"ears": {"deployments": ["acme/ok"], "timeout_s": {"first_byte": 0.4}}}
    with front(tmp_path, routes=routes) as served, served.connect() as http:
        content = form(model_part(), file_part(b"x" * 100_000))
        http.send(form_head(f"Content-Length: {len(content)}"))
        for at in range(0, len(content), 10_000):
            http.send(content[at : at + 10_000])
            time.sleep(0.1)
        assert received(read_answer(http)) == expected(b"x" * 100_000)


def test_many_uploads_at_once_do_not_mix(served: Front) -> None:
    failures: list[str] = []

    def upload(seed: int) -> None:
        content = random.Random(seed).randbytes(700_000 + seed)
        try:
            parts = [model_part(), file_part(content)]
            answer = post(served, form(*(parts if seed % 2 else parts[::-1])), chunk=None if seed % 3 else 30_000)
            assert received(answer) == expected(content)
        except (AssertionError, OSError, TornError) as error:
            failures.append(f"{seed}: {error}")

    threads = [threading.Thread(target=upload, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
