"""Coverage-guided fuzzing of what reads strangers' bytes: `python -m tests.fuzz.atheris_decoders [SECONDS]`.

It needs the extra `fuzz` (atheris) and is no part of the tests. It looks for any exception but the documented ones. An
input that brings one about is written to the working directory as `crash-…`; that file's name instead of seconds
repeats it."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import atheris
from msgspec import Raw

with atheris.instrument_imports(include=["steelyard"]):
    from steelyard.core.errors import BadRequest, UpstreamError
    from steelyard.core.losses import Losses
    from steelyard.dialects.check import check
    from steelyard.dialects.dialect import Facts
    from steelyard.dialects.openai import Request, decode_answer
    from steelyard.dialects.stream import StreamReader
    from steelyard.dialects.table import DIALECTS, UPSTREAM_DIALECTS
    from steelyard.gateway.plain_answer import whole_answer
    from steelyard.gateway.retry_after import retry_after_in
    from tests.fake.anthropic_says import ANTHROPIC
    from tests.fake.chat_says import CHAT
    from tests.fake.gemini_says import GEMINI
    from tests.fake.responses_says import RESPONSES
    from tests.fuzz.bodies import RICH
    from tests.fuzz.rig import told

__all__ = ["TARGETS", "one", "seeds"]

_ERROR = UpstreamError("It broke.", code="upstream_cut")
_FACTS = Facts("m", 4096, True)


def _request(data: bytes) -> None:
    for name, dialect in DIALECTS.items():
        given = name == "gemini"
        try:
            request = dialect.decode_request(data, model="m" if given else None, stream=False if given else None)
            check(request)
            for upstream in UPSTREAM_DIALECTS.values():
                upstream.encode_request(request, _FACTS, Losses())
        except BadRequest:
            continue


def _envelope(data: bytes) -> None:
    try:
        Request(data).wire(Raw(b'"m"'), include_usage=True)
    except BadRequest:
        return


def _relayed(data: bytes) -> None:
    """A stream of each dialect as it is relayed, cut into two reads."""
    for hide in (True, False):
        readers = [StreamReader(hide_usage=hide), *(one.watch(hide_usage=hide) for one in DIALECTS.values())]
        for reader in readers:
            reader.feed(data[: len(data) // 2])
            reader.feed(data[len(data) // 2 :])
            reader.finish()
            reader.fail(_ERROR, "req_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f")


def _translated(data: bytes) -> None:
    for dialect in UPSTREAM_DIALECTS.values():
        reader = dialect.reader()
        reader.feed(data[: len(data) // 2])
        reader.feed(data[len(data) // 2 :])
        reader.finish()


def _answer(data: bytes) -> None:
    decode_answer(data)
    whole_answer(data)
    for dialect in DIALECTS.values():
        dialect.glance(data)
    for upstream in UPSTREAM_DIALECTS.values():
        upstream.decode_answer(data)
        upstream.decode_error(data, [])


def _wait(data: bytes) -> None:
    waited = retry_after_in([(b"retry-after", data)], 1760000000.0)
    assert waited is None or waited >= 0


TARGETS: tuple[Callable[[bytes], None], ...] = (_request, _envelope, _relayed, _translated, _answer, _wait)
"""What is tried: the first byte of an input chooses."""


def one(data: bytes) -> None:
    """Try one input."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def seeds() -> Iterator[bytes]:
    """Yield what is valid, for each target."""
    for body in RICH.values():
        raw = json.dumps(body).encode()
        yield b"\0" + raw
        yield b"\1" + raw
    for tongue in (CHAT, ANTHROPIC, RESPONSES, GEMINI):
        for scene in ("plain", "parallel-tools", "thinking", "mid-stream-error"):
            whole, events = told(tongue, scene)
            yield b"\2" + b"".join(events)
            yield b"\3" + b"".join(events)
            yield b"\4" + whole
    yield b"\5Fri, 31 Dec 1999 23:59:59 GMT"
    yield b"\x0512.5"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        given = [f"-max_total_time={value}" if value.isdecimal() else value for value in sys.argv]
        atheris.Setup([*given, "-max_len=8192", *([] if any("crash-" in value for value in given) else [corpus])], one)
        atheris.Fuzz()
