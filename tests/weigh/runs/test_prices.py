"""What calls may cost."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.catalog.tariff import LOCAL, Extras, Tariff, Tier, flat_tariff
from steelyard.core.usage import Usage
from steelyard.weigh.runs.order import Group
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.runs.prices import Offer, bound_of, costs_of

FLAT = flat_tariff(Decimal(2), Decimal(8), Decimal("0.5"), Decimal("2.5"), source="test")
DEARER = flat_tariff(Decimal(20), Decimal(80), source="test")


def asking(content: Any = "What is 2 + 2?", **request: Any) -> Planned:
    return Planned(id="a", place="x:1", messages=({"role": "user", "content": content},), request=request)


def test_a_bound_holds_whatever_the_prompt_is_charged_as() -> None:
    item = asking("x" * 4000, max_tokens=100)
    bound = bound_of(item, [Offer("acme/a", FLAT)]).usd
    assert bound is not None
    tokens = 4000  # a token is a byte at least
    for usage in (Usage(tokens, 100), Usage(tokens, 100, cache_write=tokens), Usage(tokens, 100, cached=tokens)):
        cost = FLAT.cost(usage)
        assert cost is not None
        assert bound >= cost


@given(text=st.text(max_size=300), limit=st.integers(0, 5000))
def test_a_bound_is_never_below_a_token_a_byte(text: str, limit: int) -> None:
    bound = bound_of(asking(text, max_tokens=limit), [Offer("acme/a", FLAT)]).usd
    cost = FLAT.cost(Usage(len(text.encode()), limit))
    assert bound is not None
    assert cost is not None
    assert bound > cost


def test_the_dearest_of_the_deployments_counts() -> None:
    item = asking(max_tokens=10)
    one, other = (bound_of(item, [Offer("acme/a", tariff)]).usd for tariff in (FLAT, DEARER))
    both = bound_of(item, [Offer("acme/a", FLAT), Offer("acme/b", DEARER)]).usd
    assert one is not None
    assert other is not None
    assert both == max(one, other)


def test_thinking_and_calls_are_charged_at_their_own_rates() -> None:
    extras = Extras(reasoning=Decimal("0.00001"), per_call=Decimal("0.01"))
    tariff = Tariff(
        input=FLAT.input,
        cached=FLAT.cached,
        cache_write=FLAT.cache_write,
        output=FLAT.output,
        source="x",
        extras=extras,
    )
    bound = bound_of(asking(max_tokens=1000), [Offer("acme/a", tariff)]).usd
    assert bound is not None
    assert bound >= Decimal("0.01") + 1000 * Decimal("0.00001")


def test_a_longer_prompt_falls_into_a_dearer_tier() -> None:
    tiered = Tariff(**{name: getattr(FLAT, name) for name in ("input", "cached", "cache_write", "output", "source")},
                    tiers=(Tier(1000, DEARER),))  # fmt: skip
    short, long = (bound_of(asking("x" * size, max_tokens=1), [Offer("a", tiered)]).usd for size in (10, 5000))
    assert short is not None
    assert long is not None
    assert long > 5000 * DEARER.input > short


@pytest.mark.parametrize(
    ("item", "offers", "why"),
    [
        (asking(max_tokens=1), [], "no price is known here"),
        (asking(max_tokens=1), [Offer("acme/a", FLAT), Offer("acme/b", None)], "no price of acme/b is known"),
        (asking(), [Offer("acme/a", FLAT)], "give --max-tokens"),
        (asking([{"type": "image_url"}], max_tokens=1), [Offer("acme/a", FLAT)], "how many tokens an image"),
    ],
)
def test_what_is_unknown_is_said_and_never_nothing(item: Planned, offers: list[Offer], why: str) -> None:
    bound = bound_of(item, offers)
    assert bound.usd is None
    assert why in bound.why


def test_a_deployments_own_limit_bounds_an_answer() -> None:
    bound = bound_of(asking(), [Offer("acme/a", FLAT, most_output=50)]).usd
    assert bound == bound_of(asking(max_tokens=50), [Offer("acme/a", FLAT)]).usd


def test_several_choices_are_several_answers() -> None:
    one, three = (bound_of(asking(max_tokens=1000, n=n), [Offer("acme/a", FLAT)]).usd for n in (1, 3))
    assert one is not None
    assert three is not None
    assert three - one == 2000 * (FLAT.output or 0)


def test_local_models_cost_nothing_however_much_they_say() -> None:
    assert bound_of(asking(), [Offer("local/a", LOCAL)]).usd == 0


def test_costs_are_added_up_by_model() -> None:
    groups = [Group(asking("x" * 400, max_tokens=10), repeat, ("one", "other")) for repeat in range(3)]
    one, other = costs_of(groups, ("one", "other"), {"one": [Offer("acme/a", FLAT)]})
    assert (one.calls, one.input_tokens, one.output_tokens) == (3, 300, 30)
    bound = bound_of(groups[0].item, [Offer("acme/a", FLAT)]).usd
    assert bound is not None
    assert one.at_most_usd == 3 * bound
    assert one.prompts_usd == 300 * FLAT.input
    assert (other.at_most_usd, other.prompts_usd, other.why) == (None, None, "no price is known here of who answers")
