"""Routes become plans: what is in them, what is left out and why, what they cost, and what they record."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config
from steelyard.config.signing import SigningFacts
from steelyard.core.errors import NotFound, Unavailable
from steelyard.core.exchange import Record
from steelyard.core.usage import Usage
from steelyard.policy.nearest import nearest
from steelyard.policy.plan import Origin, Target, least_record
from steelyard.policy.plans import Plans

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACME = {"dialect": "openai", "base_url": "http://127.0.0.1:9001/v1"}
PRICE = {"input_usd_per_mtok": "2", "output_usd_per_mtok": "8"}


def plans(
    env: Mapping[str, str] | None = None,
    local_models: Callable[[], Iterable[str]] = lambda: (),
    now: datetime = NOW,
    **tables: Any,
) -> Plans:
    config = msgspec.convert({"providers": {"acme": ACME}, **tables}, Config)
    return Plans(config, resolve_providers(config, env or {}), local_models=local_models, now=now)


def route(*deployments: str, **more: Any) -> dict[str, Any]:
    return {"deployments": list(deployments), **more}


def test_a_route_s_plan_holds_everything_that_a_call_needs() -> None:
    timeouts = {"connect": 1, "first_byte": 2, "idle": 3, "total": 4}
    settings = route("acme/gpt-4.1", "acme/other", retries=7, timeout_s=timeouts)
    provider = {**ACME, "api_key": "env:ACME_KEY", "headers": {"X-Team": "env:TEAM"}, "region": "eu-fr"}
    facts = {"acme/other": {"model": 'wire"name'}}
    made = plans(
        {"ACME_KEY": "sk-1", "TEAM": "a"}, providers={"acme": provider}, routes={"r": settings}, deployments=facts
    )
    plan = made.find("r")
    assert (plan.route, plan.strategy, plan.retries, plan.timeouts.total) == ("r", "fallback", 7, 4)
    first, second = plan.targets
    assert (first.deployment, first.provider, first.model, first.region) == ("acme/gpt-4.1", "acme", "gpt-4.1", "eu-fr")
    assert first.origin == Origin("127.0.0.1", 9001)
    assert first.paths["chat/completions"] == "/v1/chat/completions"
    assert first.fields == b"host: 127.0.0.1:9001\r\nauthorization: Bearer sk-1\r\nx-team: a\r\n"
    assert first.secrets == (b"sk-1", b"a")
    assert bytes(second.wire_model) == b'"wire\\"name"'
    assert "sk-1" not in repr(plan)


def test_a_provider_s_model_works_by_itself() -> None:
    made = plans()
    plan = made.find("acme/any/thing:with@signs")
    assert [one.model for one in plan.targets] == ["any/thing:with@signs"]
    assert plan.route == "acme/any/thing:with@signs"
    assert made.find("acme/any/thing:with@signs") is plan, "it is made once"


def test_plans_that_callers_name_are_bounded() -> None:
    made = plans()
    for number in range(10_000):
        made.find(f"acme/{number}")
    assert len(made._unnamed) <= 4096


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("asistant", "assistant"),
        ("gpt-4.1", "openai/gpt-4.1"),
        ("openay/gpt-4.1", "openai/gpt-4.1"),
        ("acme", "acme/special"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_ones(asked: str, near: str) -> None:
    made = plans({"OPENAI_API_KEY": "sk"}, routes={"assistant": route("acme/special")})
    with pytest.raises(NotFound) as caught:
        made.find(asked)
    assert near in str(caught.value)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_long_or_strange_name_costs_little_and_is_not_echoed_whole() -> None:
    keys = {f"{name}_API_KEY": "sk" for name in ("OPENAI", "GROQ", "MISTRAL", "OPENROUTER", "TOGETHER", "GEMINI")}
    made = plans(keys)
    for name in ("x" * 5_000_000, "", "/", "a/", "/b", "local/" + "y" * 1_000_000, "ab" * 100_000, "\0", "ü" * 1000):
        began = time.process_time()
        with pytest.raises(NotFound) as caught:
            made.find(name)
        assert time.process_time() - began < 0.3
        assert len(str(caught.value)) < 1500


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=60))
def test_near_names_are_among_those_given(wanted: str, names: list[str]) -> None:
    found = nearest(wanted, names)
    assert len(found) <= 3
    assert set(found) <= set(names)
    if wanted in names:
        assert found[0] == wanted or wanted == ""


def test_a_provider_without_its_key_is_unavailable_and_says_what_to_do() -> None:
    made = plans()
    with pytest.raises(Unavailable) as caught:
        made.find("openai/gpt-4.1")
    assert caught.value.code == "provider_not_configured"
    assert "OPENAI_API_KEY" in str(caught.value)


def test_what_a_route_cannot_use_is_left_out_and_named() -> None:
    made = plans(routes={"mixed": route("openai/gpt-4.1", "acme/ok", "local/none"), "empty": route("groq/x")})
    assert [one.deployment for one in made.find("mixed").targets] == ["acme/ok"]
    assert any("OPENAI_API_KEY" in problem for problem in made.problems)
    assert any('No local model is called "none"' in problem for problem in made.problems)
    with pytest.raises(Unavailable) as caught:
        made.find("empty")
    assert caught.value.code == "route_empty"
    assert "GROQ_API_KEY" in str(caught.value)
    assert "empty" not in made.names()


def test_weights_stay_with_their_deployments_when_others_are_left_out() -> None:
    settings = route("openai/gpt-4.1", "acme/a", "acme/b", strategy="weighted", weights=[5, 1, 3])
    plan = plans(routes={"r": settings}).find("r")
    assert dict(zip([one.deployment for one in plan.targets], plan.weights or (), strict=True)) == {
        "acme/a": 1,
        "acme/b": 3,
    }


def test_local_models_are_served_as_soon_as_they_are_in_the_store() -> None:
    stored: list[str] = []
    made = plans(local_models=lambda: stored)
    with pytest.raises(NotFound) as caught:
        made.find("local/smollm2-135m")
    assert "steelyard models pull smollm2-135m" in str(caught.value)
    stored.append("smollm2-135m")
    (target,) = made.find("local/smollm2-135m").targets
    assert (target.engine, target.origin, target.fields, target.secrets) == ("smollm2-135m", None, b"", ())
    assert target.tariff is not None
    assert target.tariff.cost(Usage(1000, 1000)) == 0
    assert "local/smollm2-135m" in made.names()
    with pytest.raises(NotFound) as caught:
        made.find("local/smolm2-135m")
    assert "Nearest: local/smollm2-135m" in str(caught.value)


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "a/b", "a b", "", "x" * 200])
def test_a_local_model_s_name_is_no_path(name: str) -> None:
    with pytest.raises(NotFound):
        plans(local_models=lambda: (name,)).find(f"local/{name}")


def test_the_cheapest_come_first_by_known_prices_alone() -> None:
    def priced(dollars: str) -> dict[str, Any]:
        return {"price": {"input_usd_per_mtok": dollars, "output_usd_per_mtok": dollars}}

    facts = {"acme/a": priced("3"), "acme/b": priced("0.5"), "acme/d": priced("0")}
    names = ("acme/a", "acme/b", "acme/c", "acme/d", "local/m")
    made = plans(local_models=lambda: ("m",), routes={"r": route(*names, strategy="cheapest")}, deployments=facts)
    assert [one.deployment for one in made.find("r").targets] == ["acme/d", "local/m", "acme/b", "acme/a"]
    assert made.problems == [
        'Route "r" is "cheapest", and no price of acme/c is known. Add [deployments."acme/c"] price in steelyard.toml.'
    ]


def test_a_price_of_one_s_own_beats_the_catalogue() -> None:
    facts = {"openai/gpt-4.1": {"price": PRICE}, "openai/mine": {"model": "gpt-4.1"}}
    made = plans({"OPENAI_API_KEY": "sk"}, deployments=facts)

    def cost_of(name: str) -> tuple[Decimal | None, str]:
        tariff = made.find(name).targets[0].tariff
        assert tariff is not None
        return tariff.cost(Usage(1_000_000, 0)), tariff.source

    assert cost_of("openai/gpt-4.1") == (Decimal(2), "steelyard.toml")
    cost, source = cost_of("openai/mine")
    assert cost == Decimal(2), "gpt-4.1 costs 2 dollars for a million input tokens"
    assert source.startswith("genai-prices")
    assert made.find("openai/gpt-9-unheard-of").targets[0].tariff is None


def test_plans_say_when_a_price_ends() -> None:
    moment = datetime(2025, 8, 1, tzinfo=UTC)
    env = {"DEEPSEEK_API_KEY": "sk"}
    steady = plans(env, now=moment)
    assert steady.until is None
    steady.find("acme/any")
    assert steady.until is None
    steady.find("deepseek/deepseek-chat")  # cheaper at night: its price changes at 00:30
    change = moment + timedelta(minutes=30)
    assert steady.until == change
    named = plans(env, now=moment, routes={"r": route("deepseek/deepseek-chat")})
    assert named.until == change
    before, after = (
        plans(env, now=at, routes={"r": route("deepseek/deepseek-chat")}).find("r").targets[0].tariff
        for at in (change - timedelta(seconds=1), change)
    )
    assert before is not None
    assert after is not None
    assert before.cost(Usage(1000, 1000)) != after.cost(Usage(1000, 1000))


@pytest.mark.parametrize(
    ("server", "of_route", "of_deployment", "wanted"),
    [
        ("metadata", None, None, "metadata"),
        ("full", None, None, "full"),
        ("metadata", "full", None, "full"),
        ("full", "none", None, "none"),
        ("none", "metadata", None, "metadata"),
        ("full", None, "metadata", "metadata"),
        ("metadata", "full", "metadata", "metadata"),
        ("metadata", "none", "full", "none"),
        ("none", None, "full", "full"),
    ],
)
def test_a_route_records_the_least_that_it_and_its_deployments_say(
    server: str, of_route: str | None, of_deployment: str | None, wanted: str
) -> None:
    settings = route("acme/a", "acme/b", **({"record": of_route} if of_route else {}))
    facts = {"acme/b": {"record": of_deployment}} if of_deployment else {}
    made = plans(server={"record": server}, routes={"r": settings}, deployments=facts)
    assert made.find("r").record == wanted
    if of_route is None:
        assert made.find("acme/b").record == (of_deployment or server)


RECORDS: st.SearchStrategy[Record | None] = st.sampled_from(("none", "metadata", "full", None))


@given(st.lists(RECORDS, max_size=5))
def test_the_least_record_is_one_of_the_choices_and_none_records_less(chosen: list[Record | None]) -> None:
    found = least_record(*chosen)
    made = [one for one in chosen if one is not None]
    rank = ("none", "metadata", "full").index
    assert (found is None) == (not made)
    if found is not None:
        assert found in made
        assert all(rank(found) <= rank(one) for one in made)


@pytest.mark.parametrize(
    ("tables", "wanted"),
    [
        ({"server": {"record": "none"}}, False),
        ({"server": {"record": "none"}, "routes": {"r": route("acme/a", record="full")}}, True),
        ({"server": {"record": "none"}, "deployments": {"acme/a": {"record": "metadata"}}}, True),
        ({"routes": {"r": route("acme/a", record="none")}}, True),
    ],
)
def test_plans_say_whether_anything_is_recorded(tables: dict[str, Any], wanted: bool) -> None:
    assert plans(**tables).records is wanted


@pytest.mark.parametrize(
    ("url", "origin", "path", "authority"),
    [
        ("https://api.example.com/v1", ("api.example.com", 443, True), "/v1/chat/completions", "api.example.com"),
        ("http://10.0.0.1/x/y", ("10.0.0.1", 80, False), "/x/y/chat/completions", "10.0.0.1"),
        ("http://[::1]:8000/v1", ("::1", 8000, False), "/v1/chat/completions", "[::1]:8000"),
        ("https://h:80", ("h", 80, True), "/chat/completions", "h:80"),
    ],
)
def test_an_address_becomes_an_origin_and_a_path(
    url: str, origin: tuple[str, int, bool], path: str, authority: str
) -> None:
    target = plans(providers={"acme": {**ACME, "base_url": url}}).find("acme/m").targets[0]
    assert target.origin == Origin(*origin)
    assert target.origin is not None
    assert target.origin.authority == authority
    assert target.paths["chat/completions"] == path


def target(name: str, env: Mapping[str, str] | None = None, **tables: Any) -> Target:
    (found,) = plans(env, **tables).find(name).targets
    return found


def test_anthropic_and_gemini_work_by_a_key_alone_with_their_prices() -> None:
    env = {"ANTHROPIC_API_KEY": "sk-ant-1", "GEMINI_API_KEY": "sk-gem-1"}
    claude, gemini = target("anthropic/claude-sonnet-4-5", env), target("gemini/gemini-2.5-flash", env)
    assert claude.dialect == "anthropic"
    assert claude.paths == {"messages": "/v1/messages", "messages/count_tokens": "/v1/messages/count_tokens"}
    assert claude.fields == b"host: api.anthropic.com\r\nx-api-key: sk-ant-1\r\nanthropic-version: 2023-06-01\r\n"
    assert claude.secrets == (b"sk-ant-1",), "the version of the API is no secret"
    assert claude.tariff is not None
    assert claude.tariff.cost(Usage(1000, 0)) == Decimal("0.003")
    assert gemini.dialect == "gemini"
    assert gemini.fields == b"host: generativelanguage.googleapis.com\r\nx-goog-api-key: sk-gem-1\r\n"
    assert gemini.path_of("generateContent") == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert gemini.path_of("streamGenerateContent") == ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    assert gemini.path_of("chat/completions") is None
    assert gemini.tariff is not None
    whole = target("gemini/models/gemini-2.5-flash", env)
    assert (whole.paths, whole.tariff) == (gemini.paths, gemini.tariff), "the resource's name means the same"


def test_a_plan_is_as_strict_as_its_route() -> None:
    made = plans(routes={"r": route("acme/a", strict=True), "s": route("acme/a")})
    assert made.find("r").strict
    assert not made.find("s").strict
    assert not made.find("acme/a").strict


def test_facts_of_a_deployment_are_told_to_who_translates() -> None:
    facts = {"acme/a": {"lacks": ["images", "tools"], "most_output": 4096}}
    told = target("acme/a", deployments=facts, providers={"acme": {**ACME, "streaming": "always"}})
    assert (told.lacks, told.most_output, told.streaming) == (frozenset({"images", "tools"}), 4096, "always")
    plain = target("acme/a")
    assert (plain.lacks, plain.most_output, plain.streaming) == (frozenset(), None, "both")
    assert (plain.dialect, plain.signing, plain.body_extra, plain.drop_model) == ("openai", None, {}, False)


def test_a_model_that_speaks_one_dialect_alone_has_its_endpoints_alone() -> None:
    env = {"OPENAI_API_KEY": "sk"}
    both, only = target("openai/gpt-4.1", env), target("openai/o3-pro", env)
    assert {"chat/completions", "responses", "embeddings"} <= both.paths.keys()
    assert both.dialect == "openai"
    assert (only.dialect, only.path_of("responses"), only.path_of("chat/completions")) == (
        "openai-responses",
        "/v1/responses",
        None,
    )
    assert "embeddings" in only.paths
    said = target("openai/o3-pro", env, deployments={"openai/o3-pro": {"dialect": "openai"}})
    assert (said.dialect, "chat/completions" in said.paths, "responses" in said.paths) == ("openai", True, False)
    chat_alone = {"endpoints": ["chat/completions"]}
    less = target("openai/o3-pro", env, providers={"openai": chat_alone})
    assert (less.dialect, less.paths) == ("openai", {"chat/completions": "/v1/chat/completions"})


def test_vertex_s_claude_has_a_path_for_streams_and_members_for_the_body(tmp_path: Path) -> None:
    key = tmp_path / "sa.json"
    key.write_text("{}")
    env = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "eu", "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    claude = target("vertex-anthropic/claude-sonnet-4-5@20250929", env)
    assert claude.origin == Origin("aiplatform.eu.rep.googleapis.com", 443, True)
    below = "/v1/projects/p/locations/eu/publishers/anthropic/models/"
    assert claude.path_of("messages") == f"{below}claude-sonnet-4-5@20250929:rawPredict"
    assert claude.path_of("messages", stream=True) == f"{below}claude-sonnet-4-5@20250929:streamRawPredict"
    assert claude.path_of("messages/count_tokens", stream=True) == f"{below}count-tokens:rawPredict"
    assert (claude.drop_model, claude.body_extra) == (True, {"anthropic_version": "vertex-2023-10-16"})
    assert claude.signing == "google"
    assert claude.signing_facts == SigningFacts("https://www.googleapis.com/auth/cloud-platform", None, str(key))
    assert claude.fields == b"host: aiplatform.eu.rep.googleapis.com\r\n"
    assert (claude.region, claude.dialect) == ("eu", "anthropic")
    assert claude.tariff is not None


def test_bedrock_s_calls_are_signed_or_have_a_key() -> None:
    name = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    signed = target(name, {"AWS_PROFILE": "work", "AWS_REGION": "us-west-2"})
    assert (signed.signing, signed.signing_facts) == ("aws", SigningFacts("bedrock", "us-west-2"))
    assert signed.paths == {
        "converse": "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
        "converse-stream": "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
    }
    assert signed.tariff is not None
    keyed = target(name, {"AWS_BEARER_TOKEN_BEDROCK": "token-1", "AWS_REGION": "us-west-2"})
    assert (keyed.signing, keyed.signing_facts) == (None, None)
    assert b"authorization: Bearer token-1\r\n" in keyed.fields


def test_azure_s_version_stands_in_the_query() -> None:
    azure = {"base_url": "https://r.openai.azure.com", "api_version": "2024-10-21"}
    found = target("azure/chat", {"AZURE_OPENAI_API_KEY": "k"}, providers={"azure": azure})
    assert found.path_of("chat/completions") == "/openai/deployments/chat/chat/completions?api-version=2024-10-21"
    assert found.fields == b"host: r.openai.azure.com\r\napi-key: k\r\n"


@pytest.mark.parametrize("name", ["..", ".", "a/../../b", "a//b", "models/..", "a/./b"])
@pytest.mark.parametrize("provider", ["gemini", "bedrock", "azure"])
def test_a_model_s_name_does_not_lead_a_path_elsewhere(provider: str, name: str) -> None:
    env = {"GEMINI_API_KEY": "k", "AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "r", "AZURE_OPENAI_API_KEY": "k"}
    azure = {"base_url": "https://r.openai.azure.com", "api_version": "1"}
    with pytest.raises(NotFound) as caught:
        target(f"{provider}/{name}", env, providers={"azure": azure})
    assert caught.value.code == "model_not_found"


@given(st.text(max_size=20))
def test_whatever_a_model_is_called_its_paths_are_plain(name: str) -> None:
    made = plans({"GEMINI_API_KEY": "k", "AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "r"})
    for provider, endpoint in (("gemini", "streamGenerateContent"), ("bedrock", "converse")):
        try:
            path = made.find(f"{provider}/{name}").targets[0].paths[endpoint]
        except NotFound:
            continue
        assert path.isascii()
        assert path.isprintable()
        assert not set(path) & set(' #"<>\\')
        assert "/.." not in path
        assert path.count("?") == (1 if provider == "gemini" else 0)


def test_what_a_local_model_cannot_do_is_known() -> None:
    made = plans(local_models=lambda: ("m",), deployments={"local/m": {"lacks": ["tools"]}})
    (local,) = made.find("local/m").targets
    assert local.lacks == {"images", "documents", "audio", "video", "tools"}
    assert local.dialect == "openai"
    assert not {"messages", "responses"} & local.paths.keys()
    assert local.path_of("messages/count_tokens") == "/v1/messages/count_tokens"


def test_names_of_one_list_of_prices_go_to_the_provider_that_serves_them(tmp_path: Path) -> None:
    key = tmp_path / "sa.json"
    key.write_text("{}")
    env = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "eu", "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    names = plans({**env, "GEMINI_API_KEY": "k"}).names()
    assert {"gemini/gemini-2.5-flash", "vertex/gemini-2.5-flash", "vertex-anthropic/claude-sonnet-4-5"} <= {*names}
    assert not [name for name in names if name.startswith(("gemini/claude", "vertex/claude", "vertex-anthropic/g"))]


def test_a_provider_s_authority_goes_into_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("x")
    provider = {**ACME, "base_url": "https://h/v1", "ca_file": str(file)}
    assert plans(providers={"acme": provider}).find("acme/m").targets[0].origin == Origin("h", 443, True, str(file))


def test_names_list_what_can_be_called() -> None:
    facts = {"acme/known": {"price": PRICE}, "groq/unkeyed": {"price": PRICE}}
    made = plans({"OPENAI_API_KEY": "sk"}, lambda: ("b", "a"), routes={"r": route("acme/x")}, deployments=facts)
    names = made.names()
    assert names[:5] == ["r", "local/a", "local/b", "acme/x", "acme/known"]
    assert "openai/gpt-4.1" in names
    assert not any(name.startswith("groq/") for name in names)
    assert len(names) == len(set(names))
