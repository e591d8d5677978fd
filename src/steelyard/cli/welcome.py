"""What the quickstart says when the model has answered: figures, the address, and how to call it from elsewhere."""

import os
import shlex

from msgspec import Struct

from steelyard.catalog.environment import served_without_configuration
from steelyard.cli.asking import Answer
from steelyard.cli.init import USUAL_MODELS
from steelyard.cli.shown import console, pairs, usd_of
from steelyard.core.errors import ConfigError
from steelyard.core.exchange import Exchange

__all__ = ["Result", "other_providers", "print_result", "result_row"]


class Result(Struct, frozen=True):
    """One question answered: by whom, how fast, and what the ledger says of it. `keyed`: callers need a key."""

    address: str
    model: str
    answer: Answer
    exchange: Exchange
    keyed: bool
    providers: tuple[str, ...]

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"


def other_providers() -> tuple[str, ...]:
    """Return the providers that the environment alone makes callable."""
    try:
        return tuple(provider.id for provider in served_without_configuration(os.environ))
    except ConfigError:
        return ()  # an address in the environment is none; `steelyard check` says which


def result_row(result: Result) -> dict[str, object]:
    """Return the result for programs."""
    answer = result.answer
    return {
        "address": result.address,
        "base_url": result.base_url,
        "model": result.model,
        "answer": answer.text,
        "exchange": answer.exchange,
        "first_token_ms": round(answer.first_token_s * 1000, 3),
        "tokens": answer.tokens,
        "tokens_per_s": None if answer.tokens_per_s is None else round(answer.tokens_per_s, 3),
        "cost_usd": result.exchange.cost_usd,
        "price_source": result.exchange.price_source,
        "providers": list(result.providers),
    }


def print_result(result: Result) -> None:
    """Print the figures, and the lines that point other programs here."""
    answer = result.answer
    speed = "unknown" if answer.tokens_per_s is None else f"{answer.tokens_per_s:.1f} tokens/s ({answer.tokens} tokens)"
    source = f" ({result.exchange.price_source})" if result.exchange.price_source else ""
    pairs(
        [
            ("first token", f"{answer.first_token_s * 1000:.0f} ms"),
            ("speed", speed),
            ("cost", f"{usd_of(result.exchange.cost_usd)}{source}"),
            ("exchange", f"steelyard ledger show {answer.exchange}"),
            ("address", result.base_url),
        ]
    )
    out = console()
    out.print()
    key = "YOUR_KEY" if result.keyed else "unused"
    lines = {
        "OpenAI SDK": _openai_line(result, key),
        "Anthropic SDK": _anthropic_line(result, key),
        "curl": _curl_line(result, key),
    }
    for name, line in lines.items():
        out.print(f"{name:<14} {line}", markup=False, soft_wrap=True)
    if result.keyed:
        out.print("Callers need a key here: steelyard keys create NAME", markup=False)
    if result.providers:
        out.print()
        names = ", ".join(f'"{name}/{USUAL_MODELS.get(name, "…")}"' for name in result.providers)
        out.print(f"Served too, with the keys of this environment, as model: {names}", markup=False, soft_wrap=True)


def _openai_line(result: Result, key: str) -> str:
    return f'client = openai.OpenAI(base_url="{result.base_url}", api_key="{key}")  # model="{result.model}"'


def _anthropic_line(result: Result, key: str) -> str:
    return f'client = anthropic.Anthropic(base_url="{result.address}", api_key="{key}")  # model="{result.model}"'


def _curl_line(result: Result, key: str) -> str:
    body = f'{{"model": "{result.model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    auth = f" -H {shlex.quote(f'Authorization: Bearer {key}')}" if result.keyed else ""
    url = shlex.quote(f"{result.base_url}/chat/completions")
    return f"curl {url} -H 'Content-Type: application/json'{auth} -d {shlex.quote(body)}"
