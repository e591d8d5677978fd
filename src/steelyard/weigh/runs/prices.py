"""What calls may cost before they are made: an estimate for people, and a bound that a ceiling can rely on."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.catalog.tariff import Tariff
from steelyard.core.loose import JsonValue
from steelyard.core.usage import Usage
from steelyard.weigh.runs.order import Group
from steelyard.weigh.runs.plan import Planned

__all__ = ["Bound", "Cost", "Offer", "Offers", "bound_of", "costs_of"]

_BYTES_A_TOKEN: Final = 4
"""Of English text, as langchain-core's `count_tokens_approximately` takes it: for the estimate alone."""
_AROUND: Final = 256
"""Tokens that a chat template puts around messages, with the system prompt of a model that brings its own."""
_AROUND_A_MESSAGE: Final = 16
_AROUND_TOOLS: Final = 1024
"""What providers write about tools beside the tools themselves: Anthropic 159 to 530 tokens ("Tool use", pricing)."""
_MOST: Final = 10**9


class Offer(Struct, frozen=True):
    """What a deployment charges, None: unknown; and the most tokens that it writes, None: unknown."""

    deployment: str
    tariff: Tariff | None
    most_output: int | None = None


Offers = Mapping[str, Sequence[Offer]]
"""The deployments that may answer for each model of a weighing; none where nobody knows them."""


class Bound(Struct, frozen=True):
    """What one call costs at most, in US dollars; None: unknown, and `why`."""

    usd: Decimal | None
    why: str = ""


class Cost(Struct, frozen=True, kw_only=True):
    """What a model's calls may cost. `input_tokens` is an estimate, `output_tokens` the most; None: unknown.

    `prompts_usd` is an estimate of the prompts alone, `at_most_usd` a bound; None: unknown, and `why`."""

    model: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    prompts_usd: Decimal | None
    at_most_usd: Decimal | None
    why: str = ""


class _Size(Struct, frozen=True):
    """Tokens of one call; `most_output` None: no limit was asked for."""

    estimated_input: int | None
    most_input: int | None
    most_output: int | None


class _Tally(Struct):
    """What was counted so far."""

    calls: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    prompts: Decimal | None = Decimal(0)
    at_most: Decimal | None = Decimal(0)
    why: str = ""


def bound_of(item: Planned, offers: Sequence[Offer]) -> Bound:
    """Return what asking an item once costs at most, whoever of the deployments answers."""
    return _bound(_size(item), offers)


def costs_of(groups: Iterable[Group], models: Sequence[str], offers: Offers) -> list[Cost]:
    """Return what the calls that are still to be made may cost, by model."""
    tallies = {model: _Tally() for model in models}
    for group in groups:
        size = _size(group.item)
        for model in group.models:
            _count(tallies[model], size, offers.get(model, ()))
    return [
        Cost(
            model=model,
            calls=tally.calls,
            input_tokens=tally.input_tokens,
            output_tokens=tally.output_tokens,
            prompts_usd=tally.prompts,
            at_most_usd=tally.at_most,
            why=tally.why,
        )
        for model, tally in tallies.items()
    ]


def _count(tally: _Tally, size: _Size, offers: Sequence[Offer]) -> None:
    bound = _bound(size, offers)
    tally.calls += 1
    tally.input_tokens = _plus(tally.input_tokens, size.estimated_input)
    tally.output_tokens = _plus(tally.output_tokens, _most_output(size, offers))
    prompts = _prompts(size, offers)
    tally.prompts = None if tally.prompts is None or prompts is None else tally.prompts + prompts
    tally.at_most = None if tally.at_most is None or bound.usd is None else tally.at_most + bound.usd
    tally.why = tally.why or bound.why


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _size(item: Planned) -> _Size:
    limits = [item.request.get(name) for name in ("max_completion_tokens", "max_tokens")]
    limit = next((one for one in limits if isinstance(one, int)), None)
    choices = item.request.get("n")
    most = None if limit is None else limit * (choices if isinstance(choices, int) else 1)
    if not all(_is_text(message.get("content")) for message in item.messages):
        return _Size(None, None, most)
    size = len(msgspec.json.encode(item.messages))
    more = {name: value for name, value in item.request.items() if name in ("tools", "functions", "response_format")}
    if more:
        size += len(msgspec.json.encode(more)) + _AROUND_TOOLS
    said = sum(_length(message.get("content")) for message in item.messages)
    # A token of a byte-level or byte-fallback tokenizer stands for a byte at least.
    return _Size(max(1, said // _BYTES_A_TOKEN), size + _AROUND + _AROUND_A_MESSAGE * len(item.messages), most)


def _is_text(content: JsonValue) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, dict) and part.get("type") == "text" for part in content)
    return content is None or isinstance(content, str)


def _length(content: JsonValue) -> int:
    if isinstance(content, list):
        return sum(_length(part.get("text")) for part in content)
    return len(content.encode()) if isinstance(content, str) else 0


def _most_output(size: _Size, offers: Sequence[Offer]) -> int | None:
    if size.most_output is not None:
        return size.most_output
    known = [offer.most_output for offer in offers]
    return max((one for one in known if one is not None), default=None) if None not in known else None


def _bound(size: _Size, offers: Sequence[Offer]) -> Bound:
    if not offers:
        return Bound(None, "no price is known here of who answers")
    found = []
    for offer in offers:
        if offer.tariff is None:
            return Bound(None, f"no price of {offer.deployment} is known")
        if size.most_input is None:
            return Bound(None, "nobody knows how many tokens an image or a sound is")
        output = size.most_output if size.most_output is not None else offer.most_output
        usd = _at_most(offer.tariff, size.most_input, output)
        if usd is None:
            return Bound(None, "the answer's length has no bound: give --max-tokens")
        found.append(usd)
    return Bound(max(found))


def _at_most(tariff: Tariff, tokens: int, output: int | None) -> Decimal | None:
    """Return the most that a call costs, at the dearest of the rates that its tokens may be charged at."""
    if output is None:
        if _dearest(tariff, tokens, 0) != _dearest(tariff, tokens, _MOST):
            return None
        output = 0
    return _dearest(tariff, tokens, output)


def _dearest(tariff: Tariff, tokens: int, output: int) -> Decimal | None:
    uses = (
        Usage(tokens, output),
        Usage(tokens, output, cache_write=tokens),
        Usage(tokens, output, cached=tokens),
        Usage(tokens, output, reasoning=output),
        Usage(tokens, output, cache_write=tokens, reasoning=output),
    )
    costs = [tariff.cost(one) for one in uses]
    if tariff.output is None:
        costs.append(tariff.cost(Usage(tokens)))
    known = [cost for cost in costs if cost is not None]
    return max(known, default=None)


def _prompts(size: _Size, offers: Sequence[Offer]) -> Decimal | None:
    if size.estimated_input is None or not offers:
        return None
    found = [None if one.tariff is None else one.tariff.cost(Usage(size.estimated_input, 0)) for one in offers]
    known = [cost for cost in found if cost is not None]
    return max(known) if len(known) == len(found) else None
