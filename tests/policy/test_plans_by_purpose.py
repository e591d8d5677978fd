"""Plans for purposes: who is in them, who is left out and why, what is listed, and what is kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.purpose import NO_PURPOSE, Purpose, stricter
from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, Denied, Unavailable
from steelyard.policy.basis import Bases
from steelyard.policy.decide import Decider
from steelyard.policy.decision import permits
from steelyard.policy.known import Known
from steelyard.policy.permits import Permits
from steelyard.policy.plan import Plan
from steelyard.policy.plans import Plans
from tests.policy.worlds import MODELS, PROVIDERS, TODAY, World, demands, purposes, worlds
from tests.support.catalogue import shipped_catalogue

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STRATEGIES = ("fallback", "weighted", "fastest", "cheapest")
PRICE = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}
ACME = {"dialect": "openai", "base_url": "http://127.0.0.1:9001/v1"}
ALL: Any = {"max_examples": 40, "deadline": None, "suppress_health_check": list(HealthCheck)}

# Everything that a route may name: each model at each provider.
DEPLOYMENTS = tuple(f"{provider}/m{number}" for provider in PROVIDERS for number in range(len(MODELS)))


def configured(routes: Mapping[str, Any], named: Mapping[str, Purpose], default: str | None = None) -> Config:
    """Return a configuration in which DEPLOYMENTS have the cards of a world's models."""
    facts = {one: {"card": f"maker/{one.partition('/')[2]}", "price": PRICE} for one in DEPLOYMENTS}
    config = msgspec.convert(
        {"providers": dict.fromkeys(PROVIDERS, ACME), "deployments": facts, "routes": routes}, Config
    )
    policy = structs.replace(config.policy, purpose=default)
    return structs.replace(config, purposes=dict(named), policy=policy)


def compiled(config: Config, catalogue: Catalogue, bases: Bases | None = None, local: tuple[str, ...] = ()) -> Plans:
    providers = resolve_providers(config, {})

    def known() -> Known:
        return Known(catalogue, providers, config.deployments, lambda _: None, TODAY)

    permits = Permits(known, config.purposes, config.policy.purpose, TODAY, bases)
    return Plans(config, providers, local_models=lambda: local, now=NOW, permits=permits)


def allowed(world: World, deployment: str, purpose: Purpose | None) -> bool:
    """Say what a decider that knows nothing of plans says of a deployment."""
    if purpose is None:
        return True
    provider, _, model = deployment.partition("/")
    catalogue = world.catalogue
    card, terms = catalogue.named(f"maker/{model}"), catalogue.terms[provider]
    return permits(Decider(catalogue, TODAY).verdict(purpose, card, terms).outcome)


def found(plans: Plans, model: str, purpose: str | None) -> Plan | None:
    try:
        return plans.find(model, purpose)
    except Denied:
        return None


_routes = st.fixed_dictionaries(
    {
        "deployments": st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=6, unique=True),
        "strategy": st.sampled_from(STRATEGIES),
        "retries": st.integers(0, 5),
    }
)


@settings(**ALL)
@given(
    worlds,
    st.lists(st.tuples(_routes, st.none() | demands), min_size=1, max_size=3),
    st.lists(purposes, max_size=2),
    st.booleans(),
)
def test_a_plan_holds_whom_a_purpose_and_the_route_permit_in_order_and_nobody_else(
    world: World, drawn: list[tuple[dict[str, Any], Purpose | None]], several: list[Purpose], has_default: bool
) -> None:
    named = {f"p{number}": one for number, one in enumerate(several)}
    default = "p0" if has_default and named else None
    routes = {f"r{number}": route for number, (route, _) in enumerate(drawn)}
    config = configured(routes, named, default)
    required = {f"r{number}": require for number, (_, require) in enumerate(drawn)}
    config = structs.replace(
        config, routes={name: structs.replace(one, require=required[name]) for name, one in config.routes.items()}
    )
    plans = compiled(config, world.catalogue)
    for key in (None, *named):
        declared = named.get(key or default or "")
        listed = set(plans.names_for(key))
        for name, route in routes.items():
            require = required[name]
            demanded = stricter(declared or NO_PURPOSE, require or NO_PURPOSE) if declared or require else None
            wanted = [one for one in route["deployments"] if allowed(world, one, demanded)]
            plan = found(plans, name, key)
            assert [one.deployment for one in plan.targets] == wanted if plan is not None else wanted == []
            assert (name in listed) == bool(wanted)
            outline = plans.outline(name, key)
            assert list(outline.denied) == [one for one in route["deployments"] if one not in wanted]
        for one in DEPLOYMENTS:
            assert (found(plans, one, key) is not None) == allowed(world, one, declared)
            assert (one in listed) == allowed(world, one, declared)


# What follows has real cards: Llama's is duties for trade, Command's denies it.

LLAMA, COMMAND, PHI = "meta-llama/Llama-3.1-8B-Instruct", "CohereLabs/c4ai-command-r-plus", "microsoft/phi-4"
TRADE = Purpose(
    use="commercial", monthly_active_users=1.0, annual_revenue_usd=1.0, territory=("DE",), end_user_territory=("DE",)
)
LAB = structs.replace(TRADE, use="research")


@pytest.fixture(scope="module")
def shipped() -> Catalogue:

    return shipped_catalogue()


def real(catalogue: Catalogue, bases: Bases | None = None, local: tuple[str, ...] = (), **tables: Any) -> Plans:
    """Return plans of a provider that is one's own machine, with purposes "trade" and "lab"."""
    facts = {"mine/llama": {"card": LLAMA}, "mine/command": {"card": COMMAND}, "mine/phi": {"card": PHI}}
    table = {"providers": {"mine": {**ACME, "self_hosted": True}}, "deployments": facts, **tables}
    config = msgspec.convert(table, Config)
    return compiled(structs.replace(config, purposes={"trade": TRADE, "lab": LAB}), catalogue, bases, local)


def test_weights_stay_with_those_who_are_left(shipped: Catalogue) -> None:
    route = {"deployments": ["mine/command", "mine/llama", "mine/phi"], "strategy": "weighted", "weights": [5, 3, 2]}
    plans = real(shipped, routes={"r": route})
    plan = plans.find("r", "trade")
    assert [one.deployment for one in plan.targets] == ["mine/llama", "mine/phi"]
    assert (plan.weights, plan.denied) == ((3, 2), ("mine/command",))
    assert (plan.purpose, plan.demanded) == ("trade", TRADE)
    assert list(plans.find("r").weights or ()) == [5, 3, 2]


def test_a_plan_is_compiled_once_and_found_again(shipped: Catalogue) -> None:
    plans = real(shipped, routes={"r": {"deployments": ["mine/llama"]}})
    assert plans.find("r", "trade") is plans.find("r", "trade")
    assert plans.find("mine/phi", "trade") is plans.find("mine/phi", "trade")
    assert plans.find("r", "lab") is not plans.find("r", "trade")


def test_a_denial_tells_why_and_who_is_permitted_nearest_first(shipped: Catalogue) -> None:
    routes = {"r": {"deployments": ["mine/command"]}, "other": {"deployments": ["mine/phi", "mine/llama"]}}
    plans = real(shipped, routes=routes)
    with pytest.raises(Denied) as caught:
        plans.find("mine/command", "trade")
    told = str(caught.value)
    assert told.startswith('No deployment of "mine/command" is permitted. mine/command: deny, ')
    assert "[cohere-cc-by-nc-4.0, " in told
    permitted = told.partition(" Permitted: ")[2].removesuffix(".").split(", ")
    assert sorted(permitted) == ["mine/llama", "mine/phi"]
    assert (caught.value.status, caught.value.code, caught.value.param) == (403, "policy_denied", "model")


def test_a_denial_without_anybody_permitted_says_so_and_is_bounded(shipped: Catalogue) -> None:
    names = [f"mine/unknown-{number}" for number in range(50)]
    plans = real(shipped, routes={"r": {"deployments": names}})
    with pytest.raises(Denied) as caught:
        plans.find("r", "trade")
    assert str(caught.value).endswith("No deployment that is configured here is permitted.")
    assert str(caught.value).count("No card describes") == 3
    assert len(str(caught.value)) < 2000


def test_a_purpose_that_is_not_configured_is_denied_whatever_is_asked_for(shipped: Catalogue) -> None:
    plans = real(shipped, routes={"r": {"deployments": ["mine/phi"]}})
    for ask in (
        lambda: plans.find("r", "gone"),
        lambda: plans.find("mine/phi", "gone"),
        lambda: plans.names_for("gone"),
    ):
        with pytest.raises(Denied, match=r'No purpose is called "gone"\. Add \[purposes\.gone\] to steelyard\.toml\.'):
            ask()


def test_plans_of_bare_names_are_bounded_for_purposes_too(shipped: Catalogue) -> None:
    plans = real(shipped)
    for number in range(9_000):
        assert found(plans, f"mine/{number}", "trade") is None
    assert len(plans._unnamed) <= 4096
    assert len(plans._permitted) <= 4096
    permits = plans._permits
    assert permits is not None
    assert len(permits._places) <= 8192


def test_decisions_end_with_the_day(shipped: Catalogue) -> None:
    assert real(shipped).until == datetime(2026, 11, 23, tzinfo=UTC)


def test_what_a_recorded_decision_was_made_from_is_kept_and_what_is_not_recorded_is_not(
    shipped: Catalogue, tmp_path: Path
) -> None:
    kept, silent = {"deployments": ["mine/llama"]}, {"deployments": ["mine/phi"], "record": "none"}
    plans = real(shipped, Bases(tmp_path), routes={"kept": kept, "silent": silent})
    plans.permit(plans.find("silent", "trade"), "mine/phi")
    assert not (tmp_path / "policy").exists()
    permit = plans.permit(plans.find("kept", "trade"), "mine/llama")
    assert permit is not None
    assert permit.decided is not None
    assert [one.stem for one in (tmp_path / "policy").iterdir()] == [permit.decided.basis_sha256]
    basis = Bases(tmp_path).get(permit.decided.basis_sha256)
    assert (basis.purpose, basis.on) == (TRADE, TODAY)
    assert basis.card is not None
    assert basis.card.model == LLAMA


def test_a_basis_that_cannot_be_kept_makes_the_deployment_unavailable(shipped: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("a file is in the way")
    plans = real(shipped, Bases(tmp_path), routes={"r": {"deployments": ["mine/llama"]}})
    plan = plans.find("r", "trade")
    with pytest.raises(Unavailable) as caught:
        plans.permit(plan, "mine/llama")
    assert caught.value.code == "not_recordable"
    (tmp_path / "policy").unlink()
    assert plans.permit(plan, "mine/llama") is not None


def test_a_card_that_the_configuration_names_and_that_is_not_there_is_a_mistake_at_once(shipped: Catalogue) -> None:
    facts = {"mine/x": {"card": "microsoft/phi-5"}}
    with pytest.raises(ConfigError, match=r'\[deployments\."mine/x"\] card: no card is called "microsoft/phi-5"'):
        real(shipped, routes={"r": {"deployments": ["mine/x"]}}, deployments=facts)


def test_a_local_file_is_judged_by_its_own_card_whatever_it_calls_itself(shipped: Catalogue) -> None:
    honest, other = shipped.cards[PHI], shipped.cards[COMMAND]
    file = structs.replace(honest, claims={**honest.claims, "licence": other.claims["licence"]})
    decider = Decider(shipped, TODAY)
    mine = shipped.terms["local"]
    assert permits(decider.verdict(TRADE, honest, mine).outcome)
    assert decider.verdict(TRADE, file, mine).outcome == "deny"
    assert permits(decider.verdict(TRADE, honest, mine).outcome)
