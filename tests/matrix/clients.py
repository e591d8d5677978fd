"""One client a dialect: each writes its requests and reads its answers from its own reference, without Steelyard's
code. Readers are strict: what is illegal in the dialect at any moment of a stream fails."""

from typing import Any, Protocol

from msgspec import structs

from tests.matrix.anthropic import Anthropic
from tests.matrix.chat import Chat
from tests.matrix.gemini import Gemini
from tests.matrix.outcome import Outcome, Question
from tests.matrix.responses import Responses
from tests.support import RawHTTP, Response

__all__ = ["CLIENTS", "Client", "asked"]


class Client(Protocol):
    """A dialect, as a client speaks it. `stops`: whether it can say stop sequences."""

    name: str
    stops: bool

    def request(self, model: str, question: Question, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]: ...
    def error(self, response: Response) -> str: ...
    def whole(self, answer: dict[str, Any]) -> Outcome: ...
    def stream(self, response: Response) -> Outcome: ...


CLIENTS: dict[str, Client] = {one.name: one for one in (Chat(), Responses(), Anthropic(), Gemini())}


def asked(http: RawHTTP, client: Client, model: str, question: Question, stream: bool) -> Outcome:
    """Ask, and return what the client was told."""
    path, headers, body = client.request(model, question, stream)
    response = http.request("POST", path, None, headers, **body)
    if response.status >= 400:
        found = Outcome(status=response.status, error=client.error(response))
    elif stream:
        kind = response.header("content-type") or ""
        assert kind.partition(";")[0] == "text/event-stream", response
        found = client.stream(response)
    else:
        assert (response.header("content-type") or "").partition(";")[0] == "application/json", response
        found = client.whole(response.json())
    losses, wait = response.header("x-steelyard-loss"), response.header("retry-after")
    return structs.replace(found, losses=losses, retry_after=wait)
