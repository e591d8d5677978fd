"""What fuzzing shares: a gateway in front of an upstream that says what it is told to, and what is valid, mutated."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.fake.call import compact, decoded
from tests.fake.loopback import LoopbackServer
from tests.fake.roads import chat, road
from tests.fake.scenes import Ask, play
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Tongue
from tests.fake.wire import MalformedRequestError, PeerClosedError, Wire
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, config_text

__all__ = [
    "EXAMPLES",
    "UPSTREAMS",
    "Fuzzed",
    "Parrot",
    "Said",
    "canned",
    "fuzzed",
    "fuzzing",
    "mutations",
    "pieces",
    "told",
]

EXAMPLES = int(os.environ.get("STEELYARD_FUZZ_EXAMPLES", "20"))
"""How many examples each property is tried with."""

fuzzing = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""No deadline, since every wait in an example is bounded by itself."""

UPSTREAMS = {"chat": ("openai", "/v1"), "messages": ("anthropic", "/v1")}
UPSTREAMS |= {"responses": ("openai-responses", "/v1"), "google": ("gemini", "/v1beta")}


class Said(Struct, frozen=True):
    """What an upstream says: pieces, each in a segment of its own; then it closes, or keeps the connection."""

    parts: tuple[bytes, ...]
    close: bool = True


class Parrot(LoopbackServer):
    """Answer every request with what `says` returns. `malformed` lists requests that were no clean HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.says: Callable[[ReceivedRequest], Said] = canned
        self.malformed: list[str] = []

    async def serve(self, wire: Wire) -> None:
        try:
            while not wire.transport.is_closing():
                request = await wire.head()
                await wire.body(request)
                said = self.says(request)
                for part in said.parts:
                    await wire.write(part)
                if said.close:
                    wire.close()
        except MalformedRequestError as reason:
            self.malformed.append(str(reason))
        except PeerClosedError:
            return


def tongue_of(request: ReceivedRequest) -> tuple[Tongue, bool]:
    """Return the dialect of a request, and whether a stream is asked for."""
    found = road(request) or chat("scene:plain")
    assert found is not None
    tongue, place = found
    body = decoded(request)
    streams = place.stream if place.stream is not None else body.get("stream") is True
    return tongue, streams


def told(tongue: Tongue, scene: str = "plain") -> tuple[bytes, list[bytes]]:
    """Return a scene of a dialect as a whole answer, and as the events of a stream."""
    ask = Ask(model="m", tools=("get_weather",), wants_usage=True, thinks=True, shows=True)
    played = play(ask, scene)
    assert played is not None
    said, ended = tongue.events(ask, played)
    return compact(tongue.whole(ask, played)), [*said, *ended]


def canned(request: ReceivedRequest) -> Said:
    """Answer as a provider in good health does, whatever was asked."""
    tongue, streams = tongue_of(request)
    whole, events = told(tongue)
    kind, body = (b"text/event-stream", b"".join(events)) if streams else (b"application/json", whole)
    return Said((answer(kind, body),), close=False)


def answer(kind: bytes, body: bytes) -> bytes:
    """Return an answer in bytes."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


class Fuzzed(Struct, frozen=True):
    """A gateway with a provider for each dialect, all of them the parrot."""

    gateway: GatewayUnderTest
    parrot: Parrot


@contextmanager
def fuzzed(directory: Path) -> Iterator[Fuzzed]:
    """Run it, and see at the end that the gateway complained of nothing, is well, and has let go of everything."""
    with Parrot() as parrot:
        limits = {"timeout_s": {"connect": 2, "first_byte": 2, "idle": 2, "total": 5}, "retries": 0}
        routes: dict[str, Any] = {name: {"deployments": [f"up-{name}/m"], **limits} for name in UPSTREAMS}
        providers = {
            f"up-{name}": {
                "dialect": dialect,
                "base_url": f"http://127.0.0.1:{parrot.port}{path}",
                "api_key": "env:KEY",
            }
            for name, (dialect, path) in UPSTREAMS.items()
        }
        config = config_text(providers, routes=routes, server={"max_body_bytes": 200_000})
        with GatewayUnderTest(config, directory, env={"KEY": "sk-fake"}) as gateway:
            yield Fuzzed(gateway, parrot)
            until(lambda: "steelyard_calls_in_flight 0\n" in gateway.metrics(), "the end of all calls")
            assert gateway.ready_status() == 200
            assert gateway.stderr.count("\n") == 1, gateway.stderr
        assert parrot.malformed == []


@st.composite
def mutations(draw: st.DrawFn, valid: bytes, tokens: tuple[bytes, ...], most: int = 3) -> bytes:
    """Return `valid` with up to `most` changes: a piece left out, doubled, or cut off; a token or a byte put in or over
    what is there."""
    changed = bytearray(valid)
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(changed)))
        upto = min(len(changed), at + draw(st.integers(0, 12)))
        how = draw(st.sampled_from(["leave out", "double", "cut off", "put in", "put over", "byte"]))
        if how == "leave out":
            del changed[at:upto]
        elif how == "double":
            changed[at:at] = changed[at:upto]
        elif how == "cut off":
            del changed[at:]
        elif how == "byte":
            changed[at : at + 1] = bytes([draw(st.integers(0, 255))])
        else:
            token = draw(st.sampled_from(tokens))
            changed[at : upto if how == "put over" else at] = token
    return bytes(changed)


@st.composite
def pieces(draw: st.DrawFn, whole: bytes) -> tuple[bytes, ...]:
    """Return bytes cut into up to four pieces, none of them empty."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=3)))
    edges = [0, *cuts, len(whole)]
    return tuple(part for begin, end in pairwise(edges) if (part := whole[begin:end]))
