"""What tests of the cache share: a gateway with a cached route in front of a provider, and what calls were told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from steelyard.keys.file import KeyFile
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, Response, config_text

__all__ = ["PRICE", "Cached", "asking", "cache_text", "cached", "configured"]

PRICE = {"price": {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}, "most_output": 200}
_ASK = [{"role": "user", "content": "Hi there"}]


class Cached(Struct, frozen=True):
    """A gateway with a cache, the provider behind it, and callers' keys by their names."""

    gateway: GatewayUnderTest
    provider: FakeProvider
    keys: dict[str, str] = {}

    @property
    def asked(self) -> int:
        """How often the provider was asked."""
        return sum(1 for one in self.provider.requests if one.method == "POST")

    def post(self, path: str, body: bytes | None = None, key: str | None = None, **fields: Any) -> Response:
        """Ask once, on a connection of its own. `said` among the fields is the header Cache-Control."""
        said = fields.pop("said", None)
        headers = {"cache-control": said} if said is not None else {}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        with self.gateway.connect(20) as http:
            return http.request("POST", path, body, headers, **fields)

    def chat(self, model: str = "assistant", **fields: Any) -> Response:
        fields.setdefault("messages", _ASK)
        return self.post("/v1/chat/completions", model=model, **fields)

    def told(self, model: str = "assistant", **fields: Any) -> str | None:
        """Ask a chat, and return what the cache had to say."""
        answer = self.chat(model, **fields)
        assert answer.status == 200, answer
        return answer.header("x-steelyard-cache")

    def configure(self, text: str) -> None:
        """Have the gateway take another configuration."""
        before = self.gateway.stderr.count("took the new configuration")
        self.gateway.config_path.write_text(f"{text}\n# {before}", encoding="utf-8")  # never the same text again
        until(lambda: self.gateway.stderr.count("took the new configuration") > before, "the configuration")


def asking(text: str) -> dict[str, Any]:
    """Return the fields of a chat that asks this, and what nobody else asks."""
    return {"messages": [{"role": "user", "content": text}]}


def cache_text(**settings: Any) -> str:
    """Return the section [cache], for the route `assistant` where it does not say others."""
    rows = {"routes": ["assistant"], **settings}
    return "\n".join(["", "[cache]", *(f"{name} = {json.dumps(value)}" for name, value in rows.items()), ""])


def configured(upstream: FakeProvider, model: str = "ok", cache: dict[str, Any] | None = None, **tables: Any) -> str:
    """Return a configuration whose route `assistant` is answered by a model of the provider `acme`."""
    tables.setdefault("routes", {"assistant": {"deployments": [f"acme/{model}"]}})
    tables.setdefault("deployments", {f"acme/{model}": PRICE})
    provider = {"base_url": upstream.base_url, "self_hosted": True}
    return config_text({"acme": provider}, **tables) + (cache_text(**cache) if cache is not None else "")


def _made(directory: Path, wanted: dict[str, dict[str, Any]]) -> dict[str, str]:
    if not wanted:
        return {}
    home = directory / "home"
    home.mkdir(mode=0o700, parents=True)
    file = KeyFile(home / "keys.json")
    return {name: file.create(name, **facts)[1] for name, facts in wanted.items()}


@contextmanager
def cached(directory: Path, model: str = "ok", cache: dict[str, Any] | None = None, **tables: Any) -> Iterator[Cached]:
    """Run a gateway with a cache, and with keys where `keys` has some: what `KeyFile.create` takes, by their names.
    What it sends to the provider must be clean HTTP."""
    more, keys = tables.pop("more", ""), _made(directory, tables.pop("keys", {}))
    with FakeProvider() as upstream:
        text = configured(upstream, model, {} if cache is None else cache, **tables)
        with GatewayUnderTest(text + more, directory) as gateway:
            yield Cached(gateway, upstream, keys)
        assert upstream.malformed == []
        assert upstream.failures == []
