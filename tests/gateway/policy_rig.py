"""What tests of enforcement share: a gateway with purposes, keys for them, and deployments with real models' cards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.fake import FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, Response, config_text
from tests.support.catalogue import shipped_catalogue

__all__ = ["ASK", "COMMAND", "CONTENTS", "DEPLOYMENTS", "LLAMA", "PHI", "PURPOSES", "World", "configured", "world_in"]

LLAMA, COMMAND, PHI = "meta-llama/Llama-3.1-8B-Instruct", "CohereLabs/c4ai-command-r-plus", "microsoft/phi-4"
ASK = [{"role": "user", "content": "Hi there"}]
CONTENTS = [{"role": "user", "parts": [{"text": "Hi there"}]}]
HERE = {"monthly_active_users": 5_000, "annual_revenue_usd": 100_000, "territory": "DE", "end_user_territory": "DE"}
PURPOSES = {
    "shop": {**HERE, "use": "commercial"},
    "lab": {**HERE, "use": "research"},
    "arms": {**HERE, "use": "commercial", "domain": ["military", "weapons"]},
}


def free(dollars: str) -> dict[str, Any]:
    return {"price": {"input_usd_per_mtok": dollars, "output_usd_per_mtok": dollars}}


# What a deployment's model does upstream, and whose card it has.
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "acme/llama": {"model": "ok", "card": LLAMA, **free("2")},
    "acme/llama-down": {"model": "status:500", "card": LLAMA},
    "acme/llama-cut": {"model": "cut:before-headers", "card": LLAMA},
    "acme/llama-mute": {"model": "never-answers", "card": LLAMA},
    "acme/llama-gone": {"model": "status:404", "card": LLAMA},
    "acme/phi": {"model": "words:3", "card": PHI, **free("3")},
    "acme/command": {"model": "words:2", "card": COMMAND, **free("1")},
    "hosted/phi": {"model": "words:4", "card": PHI},
}


def route(*names: str, **more: Any) -> dict[str, Any]:
    return {"deployments": [name if "/" in name else f"acme/{name}" for name in names], **more}


ROUTES: dict[str, dict[str, Any]] = {
    "kind": route("command", "llama"),
    "forbidden": route("command"),
    "falls": route("llama-down", "command", "phi", retries=5),
    "fails": route("llama-cut", "command", "llama-mute", retries=5, timeout_s={"first_byte": 0.2}),
    "lost": route("llama-gone", "command", retries=5),
    "weighted": route("command", "llama", "phi", strategy="weighted", weights=[1e9, 1, 1]),
    "fastest": route("command", "llama", "phi", strategy="fastest"),
    "cheapest": route("phi", "llama", "command", strategy="cheapest"),
    "strict": route("command", "hosted/phi", require={"max_retention_days": 0}),
    "unrecorded": route("command", record="none"),
}


class World(Struct, frozen=True):
    served: GatewayUnderTest
    upstream: FakeProvider
    keys: dict[str, str]

    def asked(self) -> list[str]:
        """Return the models that the provider was asked for, in order."""
        return [one.json()["model"] for one in self.upstream.requests if one.method == "POST"]

    def chat(self, model: str, key: str = "shop", **fields: Any) -> Response:
        return self.post("/v1/chat/completions", key, model=model, messages=ASK, **fields)

    def post(self, path: str, key: str = "shop", **fields: Any) -> Response:
        with self.served.connect(20) as http:
            return http.request("POST", path, None, {"authorization": f"Bearer {self.keys[key]}"}, **fields)

    def get(self, path: str, key: str = "shop", **headers: str) -> Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.served.connect() as http:
            return http.request("GET", path, None, {"authorization": f"Bearer {self.keys[key]}", **given})


def configured(upstream: FakeProvider, *, purposes: dict[str, Any] = PURPOSES, **policy: str) -> str:
    """Return a configuration of all of this, with a `[policy]`."""
    terms = min(one.id for one in shipped_catalogue().licences.values() if one.kind == "terms" and "groq" in one.id)
    providers: dict[str, Any] = {
        "acme": {"base_url": upstream.base_url, "self_hosted": True},
        "hosted": {"base_url": upstream.base_url, "retention_days": 30, "terms": terms},
    }
    text = config_text(providers, routes=ROUTES, deployments=DEPLOYMENTS, purposes=purposes)
    return f"{text}\n[policy]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in policy.items())


@contextmanager
def world_in(directory: Path) -> Iterator[World]:
    """Run the gateway with a key for each purpose: `past` is one that is configured no more, `plain` has none."""
    with FakeProvider() as upstream:
        text = configured(upstream, purpose="lab", purposes={**PURPOSES, "past": PURPOSES["shop"]})
        with GatewayUnderTest(text, directory) as served:
            keys = {name: served.new_key(name, "--purpose", name) for name in (*PURPOSES, "past")}
            keys["plain"] = served.new_key("plain")
            keys["narrow"] = served.new_key("narrow", "--purpose", "shop", "--route", "kind")
            served.config_path.write_text(configured(upstream, purpose="lab"))
            until(lambda: "took the new configuration" in served.stderr, "the configuration")
            yield World(served, upstream, keys)
        assert upstream.malformed == []
        assert upstream.failures == []
