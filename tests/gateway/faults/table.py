"""What providers do wrong, and what is then to be seen: one row a fault, for answers that are whole and for streams."""

from typing import Literal

from msgspec import Struct

from steelyard.core.exchange import Outcome

__all__ = ["FAULTS", "SAYING", "SILENCES", "Broken", "Ending", "Fault", "Fine", "Refused"]

SAYING = "Hello! How can I assist you today? I am a provider on loopback, and I say the same to everyone."
"""What both providers say when nothing is wrong."""


class Refused(Struct, frozen=True):
    """Nothing reached the client: it gets a status, or another deployment answers where one may (`elsewhere`)."""

    code: str | None = "upstream_invalid"
    outcome: Outcome = "invalid"
    status: int = 502
    elsewhere: bool = True


class Broken(Struct, frozen=True):
    """A stream had begun: it ends with an error event, and nothing is tried again. `words`: how many the client got,
    -1 for any number. `told`: its usage had come before."""

    words: int
    code: str | None = "upstream_cut"
    outcome: Outcome = "cut"
    told: bool = False


class Fine(Struct, frozen=True):
    """The client gets an answer all the same; `text` where it is not what is always said, `told`: with usage."""

    text: str | None = SAYING
    usage: Literal["told", "estimated", "unknown"] = "told"


Ending = Refused | Broken | Fine


class Fault(Struct, frozen=True):
    """What comes of it by a provider of Chat Completions (`whole`, `stream`), and, where that is otherwise, by one of
    Messages whose answers are translated (`translated_whole`, `translated_stream`). None: it is no case."""

    whole: Ending | None
    stream: Ending | None
    translated_whole: Ending | None = None
    translated_stream: Ending | None = None

    def ending(self, *, stream: bool, translated: bool) -> Ending | None:
        if translated:
            found = self.translated_stream if stream else self.translated_whole
            if found is not None:
                return found
        return self.stream if stream else self.whole


CUT = Refused("upstream_cut", "cut")
INVALID = Refused()
STATUS = Refused("upstream_status", "status")
BROKEN_CHUNK = "upstream_invalid"


def _same(ending: Ending) -> Fault:
    return Fault(ending, ending)


FAULTS: dict[str, Fault] = {
    # The connection.
    "cut:before-headers": _same(CUT),
    "cut:before-headers:rst": _same(CUT),
    "cut:in-headers": _same(CUT),
    "cut:in-headers:rst": _same(CUT),
    "cut:after-headers": _same(CUT),
    "cut:after-headers:rst": _same(CUT),
    "cut:mid-body": Fault(CUT, Broken(2), translated_stream=Broken(1)),
    "cut:mid-body:rst": Fault(CUT, Broken(2), translated_stream=Broken(1)),
    "cut:mid-event:3": Fault(CUT, Broken(2), translated_stream=Broken(1)),
    "eof-body-cut": Fault(INVALID, Broken(3), translated_stream=Broken(2)),
    "stale-keepalive": _same(Fine()),
    "unasked-answer": _same(Fine()),
    # HTTP.
    "bad-status-line": _same(INVALID),
    "http2": _same(INVALID),
    "status:999": _same(INVALID),
    "bad-header": _same(INVALID),
    "header-injection": _same(INVALID),
    "two-lengths": _same(INVALID),
    "length-and-chunks": _same(INVALID),
    "length-off:25": Fault(CUT, Fine()),  # the stream's last event has come
    "length-off:-25": Fault(INVALID, Broken(20), translated_stream=Broken(20, told=True)),
    "bad-chunk": _same(INVALID),
    "chunk-broken:0": _same(INVALID),
    "chunk-broken:1": Fault(INVALID, Broken(0, BROKEN_CHUNK, "invalid"), translated_stream=INVALID),
    "chunk-broken:3:long": Fault(INVALID, Broken(2, BROKEN_CHUNK, "invalid"), None, Broken(1, BROKEN_CHUNK, "invalid")),
    "chunk-broken:3:short": Fault(
        INVALID, Broken(2, BROKEN_CHUNK, "invalid"), None, Broken(1, BROKEN_CHUNK, "invalid")
    ),
    "chunk-broken:99:end": Fault(INVALID, Fine()),
    "chunked-trailers": _same(Fine()),
    "close-delimited": _same(Fine()),
    "http10": _same(Fine()),
    "switching": _same(INVALID),
    "upgrade-offered": _same(Fine()),
    "interims:3": _same(Fine()),
    "interims": _same(INVALID),
    "endless-headers": _same(INVALID),
    "header-of:100000000": _same(INVALID),
    "gzip": _same(Fine()),
    "gzip-stream": _same(Fine()),
    "coding-broken": _same(INVALID),
    "coding-broken:cut": Fault(INVALID, Broken(20)),
    "redirect:302": _same(Refused("upstream_status", "status", elsewhere=False)),
    "redirect:307": _same(Refused("upstream_status", "status", elsewhere=False)),
    "no-content": _same(INVALID),
    "early-answer": Fault(
        Refused(None, "status", 413, elsewhere=False),
        Refused(None, "status", 413, elsewhere=False),
        Refused("upstream_status", "status", 413, elsewhere=False),
        Refused("upstream_status", "status", 413, elsewhere=False),
    ),
    # The content.
    "html:200": _same(INVALID),
    "html:404": _same(Refused("upstream_status", "status", 404)),
    "html:429": _same(Refused("upstream_status", "status", 429)),
    "html:500": _same(STATUS),
    "html:502": _same(STATUS),
    "empty-200": _same(INVALID),
    "json-list": _same(INVALID),
    "bad-json": Fault(INVALID, Fine(None), translated_stream=INVALID),
    "wrong-type": Fault(INVALID, Fine()),
    "wrong-kind": Fault(Fine(), INVALID),
    "wrong-kind:application/octet-stream": Fault(Fine(), INVALID),
    "json-for-stream": Fault(Fine(), INVALID, translated_stream=Fine()),
    "stream-for-json": Fault(INVALID, Fine(), translated_whole=Fine()),
    "not-utf8": Fault(Fine(None), Fine(None), INVALID, INVALID),
    "nul-bytes": Fault(INVALID, Fine(None), translated_stream=INVALID),
    "bad-event:3": Fault(INVALID, Fine(None), None, Broken(1, BROKEN_CHUNK, "invalid")),
    "empty-choices": Fault(Fine(""), Fine(""), INVALID, CUT),
    "no-usage": Fault(Fine(usage="unknown"), Fine(usage="estimated"), Fine(), Fine()),
    "usage-negative": Fault(Fine(usage="unknown"), Fine(usage="unknown"), Fine(), Fine()),
    "error-200": Fault(
        Refused("502", "status"),
        Refused("502", "status"),
        Refused("api_error", "status"),
        Refused("api_error", "status"),
    ),
    # The end of a stream.
    "empty-stream": Fault(INVALID, CUT, translated_whole=CUT),
    "no-done": Fault(INVALID, Broken(3), CUT, Broken(2)),
    "finish-no-done": Fault(INVALID, Broken(20, told=True), CUT, Broken(20, told=True)),
    "ends-twice": Fault(INVALID, Fine(), translated_whole=Fine()),
    "after-the-end": Fault(INVALID, Fine(), translated_whole=Fine()),
    "after-done": Fault(None, Fine(), translated_whole=Fine()),
    "error-event:0": Fault(
        INVALID,
        Refused(None, "status"),
        Refused("overloaded_error", "status", 529),
        Refused("overloaded_error", "status", 529),
    ),
    "error-event:3": Fault(
        INVALID,
        Broken(2, None, "error_event"),
        Refused("overloaded_error", "status", 529),
        Broken(1, "overloaded_error", "error_event"),
    ),
}
"""Faults that show at once."""

FIRST = Refused("upstream_timeout_first_byte", "timeout", 504)
IDLE = Refused("upstream_timeout_idle", "timeout", 504)
TOTAL = Refused("upstream_timeout_total", "timeout", 504, elsewhere=False)

SILENCES: dict[str, Fault] = {
    "never-answers": _same(FIRST),
    "slow-headers:0.05": _same(FIRST),
    "slow-first-byte:4": _same(FIRST),
    "stalls:0": _same(IDLE),
    "stalls:3": Fault(
        IDLE, Broken(2, "upstream_timeout_idle", "timeout"), None, Broken(1, "upstream_timeout_idle", "timeout")
    ),
    "slow-body:4": _same(IDLE),
    "length-off:25:silence": Fault(IDLE, Fine()),
    # A comment begins a stream that is relayed; one that is translated begins with what can be translated.
    "pings-forever": Fault(TOTAL, Broken(0, "upstream_timeout_total", "timeout"), None, TOTAL),
    "slow-chunks:0.4:100": Fault(
        TOTAL, Broken(-1, "upstream_timeout_total", "timeout"), None, Broken(-1, "upstream_timeout_total", "timeout")
    ),
}
"""Faults that only time shows."""
