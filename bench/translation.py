"""What translation costs above relaying: calls of Anthropic's dialect that a deployment of OpenAI's answers."""

from collections.abc import Iterable
from statistics import median
from time import process_time

from msgspec.structs import replace

from bench import conversation, cpu
from bench.contest import Bench, gateway, paced, run, sent
from bench.figures import Ask, Row, ratio_row, value_row
from bench.load import STREAM_BODY, Load
from bench.paced import end_of, word
from bench.yardstick import completions
from steelyard.core.losses import Losses
from steelyard.dialects.dialect import Asked
from steelyard.dialects.table import DIALECTS

__all__ = ["CHUNK", "LONG", "WHOLE", "long_stream", "streams", "whole"]

CHUNK = Ask("translated-stream", "CPU per translated chunk (against relayed)", "µs", "<=", 3.0)
WHOLE = Ask("translated-call", "CPU of translating a 12 kB conversation with tools", "µs", "<=", 150.0)
LONG = Ask("long-stream", "CPU per chunk, the last 10,000 of 100,000 (against the first)", "µs", "<=", 1.2)

_MESSAGES = "/v1/messages"
_CHAT = "/v1/chat/completions"
_CHUNKS = 100_000
_SAMPLE = 10_000


def streams(bench: Bench) -> list[Row]:
    """Measure CPU per chunk of 64 streams at a time, asked for in Anthropic's dialect and in the upstream's own."""
    spent: dict[str, list[float]] = {_MESSAGES: [], _CHAT: []}
    bodies = {_MESSAGES: conversation.ANTHROPIC_STREAM, _CHAT: STREAM_BODY}
    with paced(bench, "100", "0.005") as upstream, gateway(bench, upstream) as ours:
        for path, body in bodies.items():
            run(bench, Load(ours.port, ours.key, body, 64, path), warm=True)
        for number in range(bench.rounds):
            for path in bench.order(number, list(bodies)):
                before, told = cpu.cpu_s(ours.child.session), sent(upstream)
                run(bench, Load(ours.port, ours.key, bodies[path], 64, path))
                spent[path].append((cpu.cpu_s(ours.child.session) - before) / (sent(upstream) - told) * 1e6)
                ours.child.must_live()
    return [ratio_row(CHUNK, spent[_MESSAGES], spent[_CHAT])]


def whole(bench: Bench) -> list[Row]:
    """Measure CPU per call of the same conversation in both dialects; the difference is what translation costs."""
    spent: dict[str, list[float]] = {_MESSAGES: [], _CHAT: []}
    bodies = {_MESSAGES: conversation.ANTHROPIC, _CHAT: conversation.OPENAI}
    child, upstream = completions(bench.fresh())
    with child, gateway(bench, upstream) as ours:
        for path, body in bodies.items():
            run(bench, Load(ours.port, ours.key, body, path=path), warm=True)
        for number in range(bench.rounds):
            for path in bench.order(number, list(bodies)):
                before = cpu.cpu_s(ours.child.session)
                done = run(bench, Load(ours.port, ours.key, bodies[path], path=path))
                spent[path].append((cpu.cpu_s(ours.child.session) - before) / done.count * 1e6)
                ours.child.must_live()
    above = [mine - plain for mine, plain in zip(spent[_MESSAGES], spent[_CHAT], strict=True)]
    note = f"{median(spent[_MESSAGES]):.0f} µs a call, {median(spent[_CHAT]):.0f} untranslated"
    return [replace(value_row(WHOLE, above), note=note)]


def long_stream(bench: Bench) -> list[Row]:
    """Measure the translation of one stream of 100,000 chunks, in this process: its end costs what its start did."""
    first, last = [], []
    for number in range(bench.rounds):
        bench.say(f"round {number + 1}")
        costs = list(_costs())
        first.append(costs[0])
        last.append(costs[-1])
    return [ratio_row(LONG, last, first)]


def _costs() -> Iterable[float]:
    """Give the microseconds of CPU that a chunk took, for each 10,000 chunks of a stream."""
    client, upstream = DIALECTS["anthropic"], DIALECTS["openai"]
    request = client.decode_request(conversation.ANTHROPIC_STREAM.encode())
    reader, writer = upstream.reader(), client.writer(Asked(request, "req_" + "0" * 32, 0), Losses())
    for start in range(0, _CHUNKS, _SAMPLE):
        pieces = [word(number) for number in range(start, start + _SAMPLE)]
        began = process_time()
        for piece in pieces:
            for event in reader.feed(piece):
                writer.write(event)
        yield (process_time() - began) / _SAMPLE * 1e6
    for event in reader.feed(end_of(_CHUNKS)):
        writer.write(event)
