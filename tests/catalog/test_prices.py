"""What calls cost: against figures worked out by hand, and against genai-prices' own arithmetic for every model."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog import pricebook
from steelyard.catalog.prices import (
    LOCAL,
    Tariff,
    context_window,
    find_tariff,
    flat_tariff,
    priced_models,
    usd_text,
)
from steelyard.core.errors import ConfigError
from steelyard.core.usage import Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MILLION = 1_000_000

# Prices that the usage of a call cannot serve, or that need not be served: written down here once more, so that a model
# does not silently lose its price.
TOLD = {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "input_audio_mtok", "output_audio_mtok"}
TOLD |= {"cache_audio_read_mtok", "output_reasoning_mtok", "requests_kcount"}
BESIDE = {"cache_write_5m_mtok", "cache_write_1h_mtok", "web_searches_kcount", "social_searches_kcount"}
BESIDE |= {"storage_searches_kcount", "code_executions_kcount"}


def tariff(provider: str, model: str, at: datetime = NOON) -> Tariff:
    found = find_tariff(provider, model, at)
    assert found is not None, f"{provider}/{model} has no price"
    return found


# ── figures worked out by hand ──────────────────────────────────────────────────────────────────────────────────────
# The rates agree with genai-prices. The providers' pages that are named say where to look; they were not read for this.


@pytest.mark.parametrize(
    ("provider", "model", "at", "usage", "usd"),
    [
        # platform.openai.com/docs/pricing: gpt-4.1 2.00 in, 0.50 cached, 8.00 out
        ("openai", "gpt-4.1", NOON, Usage(MILLION, MILLION), "10"),
        ("openai", "gpt-4.1", NOON, Usage(MILLION, 0, cached=MILLION), "0.5"),
        ("openai", "gpt-4.1-2025-04-14", NOON, Usage(1000, 500, cached=400), "0.0054"),
        # gpt-4o-mini 0.15 in, 0.075 cached, 0.60 out
        ("openai", "gpt-4o-mini", NOON, Usage(MILLION, MILLION, cached=MILLION // 2), "0.7125"),
        # text-embedding-3-small 0.02, and nothing comes out
        ("openai", "text-embedding-3-small", NOON, Usage(MILLION), "0.02"),
        # openai.com, 10 June 2025: o3 costs 80 % less, 2 and 8 instead of 10 and 40
        ("openai", "o3", datetime(2025, 6, 9, 23, 59, tzinfo=UTC), Usage(MILLION, MILLION), "50"),
        ("openai", "o3", datetime(2025, 6, 10, tzinfo=UTC), Usage(MILLION, MILLION), "10"),
        # ai.google.dev/gemini-api/docs/pricing: gemini-2.5-pro 1.25 and 10, above 200,000 tokens 2.50 and 15
        ("google", "gemini-2.5-pro", NOON, Usage(200_000, 1000), "0.26"),
        ("google", "gemini-2.5-pro", NOON, Usage(200_001, 1000), "0.5150025"),
        # groq.com/pricing: llama-3.3-70b-versatile 0.59 and 0.79
        ("groq", "llama-3.3-70b-versatile", NOON, Usage(MILLION, MILLION), "1.38"),
        # mistral.ai/pricing: codestral 0.30 and 0.90
        ("mistral", "codestral-latest", NOON, Usage(MILLION, MILLION), "1.2"),
        # Azure resells OpenAI's models
        ("azure", "gpt-4.1", NOON, Usage(MILLION, MILLION), "10"),
    ],
)
def test_costs_are_those_worked_out_by_hand(provider: str, model: str, at: datetime, usage: Usage, usd: str) -> None:
    assert tariff(provider, model, at).cost(usage) == Decimal(usd)


def test_the_price_says_which_release_it_is_from() -> None:
    assert tariff("openai", "gpt-4.1").source == f"genai-prices {version('genai-prices')}"


def test_what_nobody_published_has_no_price() -> None:
    assert find_tariff("openai", "no-such-model", NOON) is None
    assert find_tariff("no-such-provider", "gpt-4.1", NOON) is None
    assert find_tariff("openai", "", NOON) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "whisper-1"),  # hours of audio
        ("openai", "tts-1"),  # characters
        ("openai", "gpt-image-1"),  # tokens of images
        ("mistral", "mistral-ocr-latest"),  # pages
        ("perplexity", "sonar-deep-research"),  # tokens of citations
        ("openai", "omni-moderation-latest"),  # a model without any price is not thereby free
    ],
)
def test_a_price_that_usage_cannot_tell_is_unknown(provider: str, model: str) -> None:
    assert pricebook.find_model(provider, model) is not None
    assert find_tariff(provider, model, NOON) is None
    assert model not in priced_models(provider)


def test_models_that_are_called_free_are_free() -> None:
    free = tariff("openrouter", "openai/gpt-oss-20b:free")
    assert free.cost(Usage(1000, 1000)) == 0


# ── the library's arithmetic ─────────────────────────────────────────────────────────────────────────────────────────


def library_usage(usage: Usage) -> genai_prices.Usage:
    told = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "output_reasoning_tokens": usage.reasoning,
        "input_audio_tokens": usage.input_audio,
        "output_audio_tokens": usage.output_audio,
    }
    return genai_prices.Usage(**{key: value for key, value in told.items() if value is not None})


@cache
def everything() -> list[tuple[types.Provider, types.ModelInfo]]:
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def prices_of(provider: types.Provider, model: types.ModelInfo, at: datetime) -> dict[str, Any] | None:
    """The prices that genai-prices applies when it is asked for the model by its id."""
    try:
        _, found = get_snapshot().find_provider_model(model.id, None, provider.id, None)
    except LookupError:
        return None
    return {key: price for key, price in vars(found.get_prices(at)).items() if price is not None}


def check(provider: types.Provider, model: types.ModelInfo, at: datetime, usage: Usage) -> bool:
    """Compare one cost; say whether there was one to compare."""
    where = f"{provider.id}/{model.id} at {at} for {usage}"
    ours = find_tariff(provider.id, model.id, at)
    prices = prices_of(provider, model, at)
    if prices is None:
        assert ours is None, where
        return False
    if not prices and model.id.endswith(":free"):
        assert ours is not None, where
        assert ours.cost(usage) == 0
        return False
    if "input_mtok" not in prices or prices.keys() - TOLD - BESIDE:
        assert ours is None, where
        return False
    assert ours is not None, where
    cost = ours.cost(usage)
    if usage.output and "output_mtok" not in prices:
        assert cost is None, where  # the library charges nothing for output without a price; we do not know
        return False
    try:
        theirs = genai_prices.calc_price(
            library_usage(usage), model.id, provider_id=provider.id, genai_request_timestamp=at
        )
    except ValueError:
        assert cost is None, where  # cached audio has a price and is not counted
        assert usage.cached, where
        assert usage.input_audio, where
        return False
    assert cost == theirs.total_price, where
    return True


@cache
def rarely_priced() -> list[tuple[types.Provider, types.ModelInfo]]:
    rare = {"input_audio_mtok", "output_audio_mtok", "output_reasoning_mtok", "requests_kcount"}
    return [(p, m) for p, m in everything() if rare & set(prices_of(p, m, NOON) or ())]


def moments_of(model: types.ModelInfo) -> list[datetime]:
    """Now, and around every change of the model's price."""
    moments = [NOON]
    for entry in model.prices if isinstance(model.prices, list) else []:
        if isinstance(entry.constraint, types.StartDateConstraint):
            start = datetime.combine(entry.constraint.start_date, datetime.min.time(), UTC)
            moments += [start - timedelta(seconds=1), start]
        elif isinstance(entry.constraint, types.TimeOfDateConstraint):
            for clock in (entry.constraint.start_time, entry.constraint.end_time):
                edge = datetime.combine(NOON.date(), clock.replace(tzinfo=clock.tzinfo or UTC))
                moments += [edge - timedelta(seconds=1), edge]
    return moments


def test_every_model_costs_what_genai_prices_says() -> None:
    compared = models = 0
    for provider, model in everything():
        models += 1
        for at in moments_of(model):
            compared += check(
                provider, model, at, Usage(1_234_567, 891, cached=200_003, cache_write=1009, reasoning=77)
            )
        embedding = Usage(777)
        if set(prices_of(provider, model, NOON) or ()) == {"input_mtok"}:
            compared += check(provider, model, NOON, embedding)
    assert models > 2000
    assert compared > 0.8 * models


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usage as our dialects report it: parts within their wholes, any of them absent."""

    def part(of: int) -> int | None:
        return draw(st.none() | st.integers(0, of))

    tokens = draw(st.sampled_from([0, 1, 128_000, 200_000, 200_001, 272_001]) | st.integers(0, 3_000_000))
    cached = part(tokens)
    written = part(tokens - (cached or 0))
    audio = part(tokens - (cached or 0) - (written or 0))
    generated = draw(st.integers(0, 200_000))
    reasoning = part(generated)
    spoken = part(generated - (reasoning or 0))
    return Usage(tokens, generated, cached, written, reasoning, audio, spoken)


@settings(max_examples=400, deadline=None)
@given(st.data(), usages())
def test_any_usage_costs_what_genai_prices_says(data: st.DataObject, usage: Usage) -> None:
    provider, model = data.draw(st.sampled_from(everything()))
    check(provider, model, data.draw(st.sampled_from(moments_of(model))), usage)


@settings(max_examples=200, deadline=None)
@given(st.data(), usages())
def test_rare_prices_cost_what_genai_prices_says(data: st.DataObject, usage: Usage) -> None:
    provider, model = data.draw(st.sampled_from(rarely_priced()))
    check(provider, model, NOON, usage)


@pytest.mark.parametrize(
    ("provider", "reference"),
    [
        ("openai", "GPT-4.1"),
        ("openai", "gpt-5.2-20251211"),
        ("openai", "gpt-5.2-20250231"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x"),
        ("azure", "gpt-4o"),
        ("azure", "grok-3"),
        ("google", "claude-sonnet-4-5"),
        ("openrouter", "anthropic/claude-3.5-haiku"),
        ("fireworks", "accounts/fireworks/models/llama-v3p1-8b-instruct"),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("deepseek", "deepseek-chat"),
    ],
)
def test_a_reference_means_the_model_that_genai_prices_means(provider: str, reference: str) -> None:
    ours = pricebook.find_model(provider, reference)
    try:
        _, theirs = get_snapshot().find_provider_model(reference, None, provider, None)
    except LookupError:
        assert ours is None
    else:
        assert ours is not None
        assert ours.id == theirs.id
        assert ours.context_window == theirs.context_window == context_window(provider, reference)


def test_every_name_means_what_it_means_to_genai_prices() -> None:
    asked = 0
    for provider, model in everything():
        for reference in (model.id, model.id.upper(), f"{model.id}-x", model.id.rpartition("/")[2]):
            ours = pricebook.find_model(provider.id, reference)
            theirs = provider.find_model(reference, all_providers=get_snapshot().providers)
            assert (ours and ours.id) == (theirs and theirs.id), f"{provider.id}/{reference}"
            asked += 1
    assert asked > 8000


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tariff_knows_until_when_it_holds() -> None:
    before = tariff("openai", "o3", datetime(2025, 6, 1, tzinfo=UTC))
    assert before.until == datetime(2025, 6, 10, tzinfo=UTC)
    assert tariff("openai", "o3", before.until).until is None


def test_peak_hours_begin_and_end_on_the_minute() -> None:
    seen = []
    at = datetime(2026, 11, 20, tzinfo=UTC)
    for _ in range(5):
        now = tariff("deepseek", "deepseek-flash", at)
        assert now.until is not None
        just_before = tariff("deepseek", "deepseek-flash", now.until - timedelta(microseconds=1))
        assert just_before.cost(Usage(MILLION, 0)) == now.cost(Usage(MILLION, 0))
        seen.append((at.hour, now.cost(Usage(MILLION, 0))))
        at = now.until
    low, high = Decimal("0.15"), Decimal("0.3")
    assert seen == [(0, low), (1, high), (4, low), (6, high), (10, low)]


def test_a_moment_without_a_zone_is_utc() -> None:
    assert tariff("openai", "o3", datetime(2025, 6, 10)) == tariff("openai", "o3", datetime(2025, 6, 10, tzinfo=UTC))


# ── routers, listings ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_routers_price_is_that_of_the_provider_behind_it() -> None:
    named = tariff("huggingface_*", "openai/gpt-oss-120b:groq")
    direct = tariff("huggingface_groq", "openai/gpt-oss-120b")
    assert named == direct
    assert find_tariff("huggingface_*", "openai/gpt-oss-120b", NOON) is None
    assert find_tariff("huggingface_*", "openai/gpt-oss-120b:nobody", NOON) is None


def test_listed_models_have_prices() -> None:
    for provider in ("openai", "groq", "fireworks", "mistral", "huggingface_*"):
        names = priced_models(provider)
        assert len(names) > 25
        assert list(names) == sorted(names)
        assert all(find_tariff(provider, name, NOON) for name in names)
    assert "gpt-4.1" in priced_models("openai")
    assert "accounts/fireworks/models/gpt-oss-120b" in priced_models("fireworks")
    assert "ft:gpt-4o" not in priced_models("openai")
    assert "openai/gpt-oss-120b:groq" in priced_models("huggingface_*")
    assert priced_models("no-such-provider") == ()


def test_context_windows_are_known_or_unknown() -> None:
    assert context_window("openai", "gpt-4.1") == 1_000_000
    assert context_window("openai", "no-such-model") is None


# ── tariffs of one's own ─────────────────────────────────────────────────────────────────────────────────────────────


def test_configured_prices_are_per_million_tokens() -> None:
    own = flat_tariff(Decimal("2.00"), Decimal("8.00"), Decimal("0.50"), Decimal("3"), source="steelyard.toml")
    assert own.source == "steelyard.toml"
    assert own.cost(Usage(1000, 500, cached=400, cache_write=100)) == Decimal("0.0055")


def test_parts_without_a_price_are_charged_as_input() -> None:
    own = flat_tariff(Decimal(2), Decimal(8), source="steelyard.toml")
    assert own.cost(Usage(1000, 0, cached=400, cache_write=100)) == own.cost(Usage(1000, 0)) == Decimal("0.002")


@pytest.mark.parametrize("price", ["-1", "NaN", "Infinity"])
def test_a_price_is_a_number_and_not_negative(price: str) -> None:
    with pytest.raises(ConfigError, match=r"steelyard\.toml: .* is not a price"):
        flat_tariff(Decimal(1), Decimal(price), source="steelyard.toml")


def test_unknown_usage_has_an_unknown_cost() -> None:
    own = flat_tariff(Decimal(2), Decimal(8), source="x")
    assert own.cost(Usage()) is None
    assert own.cost(Usage(10)) is None
    assert own.cost(Usage(None, 10)) is None
    assert own.cost(Usage(0, 0)) == 0


def test_usage_that_contradicts_itself_has_no_cost() -> None:
    own = flat_tariff(Decimal(2), Decimal(8), Decimal(1), source="x")
    assert own.cost(Usage(10, 1, cached=11)) is None
    assert own.cost(Usage(10, 1, cached=6, cache_write=5)) is None
    spoken = tariff("openai", "gpt-audio")
    assert spoken.cost(Usage(10, 5, input_audio=11)) is None
    assert spoken.cost(Usage(10, 5, output_audio=6)) is None


def test_the_local_engine_costs_nothing_and_says_why() -> None:
    assert LOCAL.cost(Usage(1000, 1000, cached=10)) == 0
    assert LOCAL.source == "local engine: no per-token price"


def test_small_sums_are_written_plainly() -> None:
    cost = tariff("openai", "text-embedding-3-small").cost(Usage(3))
    assert cost is not None
    assert usd_text(cost) == "0.00000006"


# ── reading the library's file ───────────────────────────────────────────────────────────────────────────────────────

ASK = """
import sys
from datetime import datetime, UTC
from steelyard.catalog.prices import find_tariff, priced_models
from steelyard.core.usage import Usage
at = datetime(2026, 11, 20, 12, tzinfo=UTC)
asked = [("openai", "gpt-4.1"), ("google", "gemini-2.5-pro"), ("deepseek", "deepseek-flash"), ("openai", "gpt-audio")]
for provider, model in asked:
    tariff = find_tariff(provider, model, at)
    print(tariff.cost(Usage(300_000, 10, cached=5)), tariff.until)
print(len(priced_models("openrouter")))
print("library" if "pydantic" in sys.modules else "file", "http" if "httpx2" in sys.modules else "no http")
"""


def answers(path: Path | None) -> list[str]:
    env = {"PYTHONPATH": str(path)} if path is not None else {}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_prices_are_read_without_the_library_around_them() -> None:
    assert answers(None)[-1] == "file no http"


def test_a_release_that_writes_its_prices_otherwise_is_read_through_the_library(tmp_path: Path) -> None:
    source = Path(genai_prices.__file__).parent
    shutil.copytree(source, tmp_path / "genai_prices")
    file = tmp_path / "genai_prices" / "data.py"
    text = file.read_text(encoding="utf-8")
    # A name that the library's module of types has, and ours has not.
    file.write_text(text.replace("from .types import *", "from .types import *\nfrom .types import calc_unit_price"))
    otherwise = answers(tmp_path)
    assert otherwise[-1].startswith("library")
    assert otherwise[:-1] == answers(None)[:-1]
