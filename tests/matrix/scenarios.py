"""What a client must be told in each scenario, whichever dialects it and the upstream speak."""

import json
import re
from collections.abc import Callable

from msgspec import Struct

from tests.matrix.clients import CLIENTS, asked
from tests.matrix.outcome import Outcome, Question, Turn
from tests.support import RawHTTP

__all__ = ["SCENARIOS", "Talk"]


class Talk(Struct, frozen=True):
    """A client that speaks one dialect, and an upstream that speaks another, or the same one. `connect` opens a
    connection to whoever is between them, for whom the names of models begin with `prefix`."""

    connect: Callable[[], RawHTTP]
    prefix: str
    client: str
    upstream: str
    stream: bool

    def ask(self, scene: str, question: Question) -> Outcome:
        # A model of its own for each talk: a deployment that failed rests, and must not trouble others.
        model = f"{self.prefix}scene:{scene}:{self.client}-{'stream' if self.stream else 'whole'}"
        with self.connect() as http:
            return asked(http, CLIENTS[self.client], model, question, self.stream)

    def answered(self, scene: str, question: Question, *, usage: tuple[int, int, int] = (21, 0, 13)) -> Outcome:
        """Ask, and return an answer without an error and with these counts."""
        outcome = self.ask(scene, question)
        assert (outcome.status, outcome.error) == (200, None), outcome
        assert outcome.usage == usage, outcome.usage
        assert outcome.model is not None, outcome
        assert f"scene:{scene}" in outcome.model, outcome.model  # Bedrock names none: then it is what was asked for
        return outcome


PARIS = ("get_weather", {"city": "Paris"})
ROME = ("get_weather", {"city": "Rome"})


def _called(outcome: Outcome) -> list[tuple[str, dict[str, object]]]:
    return [(call.name, call.arguments) for call in outcome.calls]


def plain(talk: Talk) -> None:
    outcome = talk.answered("plain", Question())
    assert outcome.text == "Hello from the loopback provider."
    assert (outcome.finish, outcome.calls, outcome.thoughts, outcome.refusal) == ("stop", (), "", "")


def tools(talk: Talk) -> None:
    outcome = talk.answered("tools", Question(tool=True))
    assert outcome.text == "Let me look."
    assert _called(outcome) == [PARIS]
    assert outcome.finish == "tools"


def parallel_tools(talk: Talk) -> None:
    outcome = talk.answered("parallel-tools", Question(tool=True))
    assert _called(outcome) == [PARIS, ROME]
    assert outcome.finish == "tools"


def multi_turn_tools(talk: Talk) -> None:
    first = talk.answered("parallel-tools", Question(tool=True))
    turn = Turn(first, ("18 degrees", "25 degrees"))
    outcome = talk.answered("parallel-tools", Question(tool=True, earlier=turn), usage=(55, 0, 9))
    # Gemini signs calls, and its signature must have come back as it was given (no stand-in).
    kept = 1 if talk.upstream == "gemini" else 0
    assert outcome.text == f"The tools say: 18 degrees; 25 degrees. Thoughts kept: {kept}."
    assert (outcome.finish, outcome.calls) == ("stop", ())


def image(talk: Talk) -> None:
    outcome = talk.answered("image", Question(image=True))
    assert outcome.text == "I see image/png of 70 bytes."


def json_schema(talk: Talk) -> None:
    point = {
        "type": "object",
        "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
        "required": ["x", "y"],
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "at": {"$ref": "#/$defs/point"}},
        "required": ["name", "at"],
        "additionalProperties": False,
        "$defs": {"point": point},
    }
    outcome = talk.answered("json-schema", Question(schema=schema))
    assert json.loads(outcome.text) == {"name": "text", "at": {"x": 1.5, "y": 1.5}}
    assert outcome.finish == "stop"


def thinking(talk: Talk) -> None:
    first = talk.answered("thinking-tools", Question(tool=True, thinks=True), usage=(21, 0, 43))
    # Chat Completions cannot ask for thoughts to be shown, and these upstreams show them only to who asks.
    unasked = talk.client == "openai" and talk.upstream in ("openai-responses", "gemini")
    assert first.thoughts == "Let me think it over." or (unasked and not first.thoughts), first
    assert _called(first) == [PARIS]
    second = Question(tool=True, thinks=True, earlier=Turn(first, ("18 degrees",)))
    outcome = talk.answered("thinking-tools", second, usage=(21, 0, 43))
    # Chat Completions have no seal that a foreign client could bring back.
    kept = "[01]" if talk.upstream == "openai" and talk.client != "openai" else "1"
    assert re.fullmatch(rf"The tools say: 18 degrees\. Thoughts kept: {kept}\.", outcome.text), outcome.text


def stop_sequence(talk: Talk) -> None:
    outcome = talk.answered("stop-sequence", Question(stops=("STOPHERE",) if CLIENTS[talk.client].stops else ()))
    if not CLIENTS[talk.client].stops:
        assert outcome.text == "one two STOPHERE three four"
    elif talk.upstream == "openai-responses":
        # The Responses have no stop sequences: the client must learn that its own were not heard.
        assert outcome.text == "one two STOPHERE three four"
        assert "stop" in (outcome.losses or "").lower(), outcome.losses
    else:
        assert outcome.text == "one two "
    told = talk.client == "anthropic" and talk.upstream == "anthropic"
    assert (outcome.finish, outcome.stop) == (("stop_sequence", "STOPHERE") if told else ("stop", None))


def length_cut(talk: Talk) -> None:
    outcome = talk.answered("length-cut", Question(limit=16), usage=(21, 0, 16))
    assert outcome.text == " ".join(f"w{index}" for index in range(16))
    assert outcome.finish == "length"


def refusal(talk: Talk) -> None:
    outcome = talk.answered("refusal", Question())
    assert outcome.said == "I cannot help with that."
    if talk.upstream == "gemini":
        # A model of Google's refuses in plain words.
        assert outcome.finish == "stop"
    else:
        assert outcome.refusal or outcome.finish in ("filter", "refusal"), outcome


def content_filter(talk: Talk) -> None:
    outcome = talk.answered("content-filter", Question())
    assert outcome.said == "Here is"
    if talk.upstream == "anthropic":
        # Its one reason is "refusal", for the model's own no and for what a classifier held back.
        assert outcome.refusal or outcome.finish in ("filter", "refusal"), outcome
    else:
        assert outcome.finish == ("refusal" if talk.client == "anthropic" else "filter")


def _failed(outcome: Outcome, stream: bool) -> None:
    assert outcome.error, outcome
    assert outcome.finish is None, outcome
    if stream:
        assert (outcome.status, outcome.text) == (200, "Hello from the"), outcome
    else:
        assert outcome.status >= 500, outcome


def mid_stream_error(talk: Talk) -> None:
    _failed(talk.ask("mid-stream-error", Question()), talk.stream)


def cut_stream(talk: Talk) -> None:
    _failed(talk.ask("cut-stream", Question()), talk.stream)


def upstream_429(talk: Talk) -> None:
    outcome = talk.ask("rate-limited", Question())
    assert outcome.status == 429, outcome
    assert outcome.error
    assert 110 <= int(outcome.retry_after or 0) <= 121, outcome.retry_after


def pings(talk: Talk) -> None:
    outcome = talk.answered("pings", Question())
    assert (outcome.text, outcome.finish) == ("Hello from the loopback provider.", "stop")


def cached_tokens(talk: Talk) -> None:
    """Traps 10 to 12: 25 new tokens, 64 from the cache, 7 written to it."""
    talk.answered("cached-tokens", Question(), usage=(96, 64, 13))


SCENARIOS: dict[str, Callable[[Talk], None]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        plain,
        tools,
        parallel_tools,
        multi_turn_tools,
        image,
        json_schema,
        thinking,
        stop_sequence,
        length_cut,
        refusal,
        content_filter,
        mid_stream_error,
        upstream_429,
        cut_stream,
        pings,
        cached_tokens,
    )
}
