"""A provider on loopback that speaks OpenAI's dialect and misbehaves on demand."""

import asyncio
from collections import Counter
from pathlib import Path

from tests.fake import answers, faults, shapes
from tests.fake.call import Call, decoded
from tests.fake.loopback import LoopbackServer
from tests.fake.registry import BEHAVIOURS, perform
from tests.fake.seen import ReceivedRequest
from tests.fake.wire import MalformedRequestError, PeerClosedError, Wire

__all__ = ["FakeProvider"]

assert answers
assert faults

_POSTS = ("chat/completions", "completions", "embeddings", "rerank", "audio/transcriptions", "images/generations")


class FakeProvider(LoopbackServer):
    """Answer `/v1/…` as the model's name says; see `BEHAVIOURS`.

    `api_key`: calls with another key get 401. `certificate`: serve TLS. `read_pause_s`: pause before every read, as a
    slow server does. `body_limit`: answer 413 before reading a longer body. `malformed` lists what was no clean HTTP.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        certificate: tuple[Path, Path] | None = None,
        read_pause_s: float = 0.0,
        body_limit: int | None = None,
    ) -> None:
        super().__init__(certificate)
        self.api_key = api_key
        self.read_pause_s = read_pause_s
        self.body_limit = body_limit
        self.malformed: list[str] = []
        self._attempts: Counter[str] = Counter()

    @property
    def base_url(self) -> str:
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}/v1"

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
        model = str(payload.get("model", ""))
        self._attempts[model] += 1
        call = Call(wire, request, payload, self._attempts[model])
        await self._answer(call, request)
        return call.keep_alive and not wire.transport.is_closing()

    async def _answer(self, call: Call, request: ReceivedRequest) -> None:
        if self.api_key is not None and request.header("authorization") != f"Bearer {self.api_key}":
            await faults.status(call, "401")
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

    async def _models(self, call: Call, path: str) -> None:
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


async def _unknown_model(call: Call, name: str) -> None:
    # Verbatim from OpenAI's answers: status 404, code model_not_found, param null.
    message = f"The model `{name}` does not exist or you do not have access to it."
    await call.error(404, shapes.error(message, "invalid_request_error", "model_not_found"))


async def _unknown_path(call: Call) -> None:
    message = f"Invalid URL ({call.request.method} {call.request.path})"
    await call.error(404, shapes.error(message, "invalid_request_error"))
