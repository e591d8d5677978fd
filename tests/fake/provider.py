"""A provider on loopback that speaks every dialect and misbehaves on demand."""

import asyncio
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

from tests.fake import acts, answers, breakages, faults, shapes, signals
from tests.fake.call import Call, decoded
from tests.fake.checks import Refused
from tests.fake.listings import anthropic_models, gemini_models
from tests.fake.loopback import LoopbackServer
from tests.fake.registry import BEHAVIOURS, perform
from tests.fake.roads import chat, road, unknown_model
from tests.fake.scenes import Ask
from tests.fake.seen import ReceivedRequest
from tests.fake.wire import MalformedRequestError, PeerClosedError, Wire

__all__ = ["FakeProvider"]

assert acts
assert answers
assert breakages
assert faults
assert signals

_POSTS = ("chat/completions", "completions", "embeddings", "rerank", "audio/transcriptions", "images/generations")


class FakeProvider(LoopbackServer):
    """Answer as the model's name says; see `BEHAVIOURS` and `SCENES`.

    `api_key`: calls with another key get 401. `lenient`: read what the provider itself would refuse. `certificate`:
    serve TLS. `read_pause_s`: pause before every read, as a slow server does. `body_limit`: answer 413 before reading a
    longer body. `malformed` lists what was no clean HTTP.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        certificate: tuple[Path, Path] | None = None,
        read_pause_s: float = 0.0,
        body_limit: int | None = None,
        lenient: bool = False,
    ) -> None:
        super().__init__(certificate)
        self.api_key = api_key
        self.read_pause_s = read_pause_s
        self.body_limit = body_limit
        self.lenient = lenient
        self.malformed: list[str] = []
        self._attempts: Counter[str] = Counter()

    @property
    def url(self) -> str:
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """OpenAI's and Anthropic's; Gemini's is `url` + `/v1beta`."""
        return f"{self.url}/v1"

    async def serve(self, wire: Wire) -> None:
        wire.read_pause_s = self.read_pause_s
        try:
            while await self._one(wire):
                pass
        except MalformedRequestError as reason:
            self.malformed.append(str(reason))
            wire.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        except PeerClosedError:
            pass
        except asyncio.CancelledError:
            raise
        except Exception as reason:  # the edge of this server: a test must see what broke in it
            self.failures.append(repr(reason))
            wire.reset()

    async def _one(self, wire: Wire) -> bool:
        """Serve one request; return whether the connection stays."""
        request = await wire.head()
        if request.version != "HTTP/1.1":
            raise MalformedRequestError(f"version {request.version}")
        if self.body_limit is not None and int(request.header("content-length") or 0) > self.body_limit:
            await faults.early_answer(Call(wire, request, {}, 1))
            wire.finish_sending()
            await wire.until_gone()
            return False
        if (request.header("expect") or "").lower() == "100-continue":
            await wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await wire.body(request)
        payload = decoded(request)
        found = road(request)
        model = str((found[1].model if found else None) or payload.get("model", ""))
        self._attempts[model] += 1
        call = Call(wire, request, payload, self._attempts[model])
        call.model = model
        if found is None and request.path.endswith("/chat/completions"):
            found = chat(model)
        if found is not None:
            call.tongue, call.place = found
        await self._answer(call, request)
        return call.keep_alive and not wire.transport.is_closing()

    async def _answer(self, call: Call, request: ReceivedRequest) -> None:
        if self.api_key is not None and self.api_key not in _keys(request):
            await faults.status(call, "401")
            return
        if request.path == "/token":
            await _token(call)
            return
        if call.tongue is not None:
            await self._speak(call)
            return
        path = request.path.rpartition("/v1/")[2]
        if request.method == "GET":
            await self._models(call, path)
        elif request.method != "POST" or path not in _POSTS:
            await _unknown_path(call)
        elif not call.payload:
            await call.error(
                400, shapes.error("We could not parse the JSON body of your request.", "invalid_request_error")
            )
        elif not await perform(call):
            await _unknown_model(call, call.model)

    async def _speak(self, call: Call) -> None:
        """Answer in the dialect of the call's path."""
        assert call.tongue
        if call.request.method != "POST":
            await call.fail(405, "Method Not Allowed", "invalid_request_error")
            return
        if refusal := _house_rules(call):
            await call.error(refusal.status, refusal.body)
            return
        try:
            call.ask = call.tongue.ask(call.request, call.payload, call.place)
        except Refused as refused:
            if not self.lenient:
                await call.error(refused.status, refused.body, refused.headers)
                return
            streams = call.payload.get("stream") is True if call.place.stream is None else call.place.stream
            call.ask = Ask(model=call.model, stream=streams)
        if call.place.counts:
            await call.error(200, call.tongue.count(call.ask))
        elif not await perform(call):
            await call.fail(404, unknown_model(call.tongue, call.model), "invalid_request_error", "model_not_found")

    async def _models(self, call: Call, path: str) -> None:
        if call.request.path == "/v1beta/models":
            await call.error(200, gemini_models(sorted(BEHAVIOURS)))
            return
        if call.request.path == "/v1/models" and call.request.header("anthropic-version"):
            await call.error(200, anthropic_models(sorted(BEHAVIOURS)))
            return
        listing = shapes.models(sorted(BEHAVIOURS))
        name = path.removeprefix("models/")
        if path == "models":
            await call.error(200, listing)
        elif path.startswith("models/") and name in BEHAVIOURS:
            await call.error(200, next(row for row in listing["data"] if row["id"] == name))
        elif path.startswith("models/"):
            await _unknown_model(call, name)
        else:
            await _unknown_path(call)


def _keys(request: ReceivedRequest) -> list[str | None]:
    """Return the keys in all places where a dialect has them."""
    bearer = (request.header("authorization") or "").removeprefix("Bearer ")
    named = [request.header(name) for name in ("x-api-key", "x-goog-api-key", "api-key")]
    return [bearer, *named, *(pair.removeprefix("key=") for pair in request.query.split("&"))]


def _house_rules(call: Call) -> Refused | None:
    """Return what Azure refuses before OpenAI's rules count (learn.microsoft.com, Azure OpenAI, REST API reference)."""
    request = call.request
    if call.place.house != "azure":
        return None
    if not request.header("api-key") and not (request.header("authorization") or "").startswith("Bearer "):
        text = (
            "Access denied due to missing subscription key. Make sure to include subscription key when making requests."
        )
        return Refused(401, {"error": {"code": "401", "message": text}})
    if call.place.model and "api-version=" not in request.query:
        return Refused(404, {"error": {"code": "404", "message": "Resource not found"}})
    return None


async def _token(call: Call) -> None:
    """Exchange a signed assertion for a token (developers.google.com/identity/protocols/oauth2/service-account)."""
    form = parse_qs(call.request.body.decode())
    granted = form.get("grant_type") == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    if not granted or form.get("assertion", [""])[0].count(".") != 2:
        await call.error(400, {"error": "invalid_grant", "error_description": "Invalid JWT."})
        return
    await call.error(200, {"access_token": "ya29.c.loopback", "expires_in": 3599, "token_type": "Bearer"})


async def _unknown_model(call: Call, name: str) -> None:
    # Verbatim from OpenAI's answers: status 404, code model_not_found, param null.
    message = f"The model `{name}` does not exist or you do not have access to it."
    await call.error(404, shapes.error(message, "invalid_request_error", "model_not_found"))


async def _unknown_path(call: Call) -> None:
    message = f"Invalid URL ({call.request.method} {call.request.path})"
    await call.error(404, shapes.error(message, "invalid_request_error"))
