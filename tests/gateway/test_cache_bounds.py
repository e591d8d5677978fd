"""Whatever the cards come to say, no kept answer is given that the caller's own plan does not permit."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.catalog.purpose import NO_PURPOSE, Purpose, stricter
from steelyard.core.errors import Denied
from steelyard.gateway.health import Health
from steelyard.gateway.lane import Lane
from steelyard.gateway.maker import lanes_by_maker, maker_of
from steelyard.gateway.meter import Meter
from steelyard.gateway.surface import ENDPOINTS
from steelyard.gateway.way import Way
from steelyard.gateway.ways import Ways
from steelyard.policy.plans import Plans
from tests.policy.test_plans_by_purpose import DEPLOYMENTS, allowed, compiled, configured
from tests.policy.worlds import World, demands, purposes, worlds

ALL: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}
CHAT = ENDPOINTS["/v1/chat/completions"]
LISTS = st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=8, unique=True)


def way_of(plans: Plans, purpose: str | None) -> Way | None:
    try:
        return Ways(plans, Health(lambda: 0.0), Meter(0.0), lambda _: None, purpose).to(CHAT, "r")
    except Denied:
        return None


def duties(lane: Lane) -> object:
    decided = lane.permit.decided if lane.permit is not None else None
    return decided.duties if decided is not None else ()


@settings(max_examples=20, **ALL)
@given(worlds, worlds, LISTS, LISTS, st.none() | demands, st.none() | purposes)
def test_an_answer_is_found_only_where_its_maker_is_permitted_now_with_the_same_duties(
    before: World, after: World, then: list[str], now: list[str], require: Purpose | None, purpose: Purpose | None
) -> None:
    named = {"p": purpose} if purpose is not None else {}
    key = "p" if named else None
    ways = []
    for cards, deployments in ((before, then), (after, now), (after, then)):
        config = configured({"r": {"deployments": deployments}}, named)
        config = structs.replace(config, routes={"r": structs.replace(config.routes["r"], require=require)})
        ways.append(way_of(compiled(config, cards.catalogue), key))
    made = [] if ways[0] is None else list(ways[0].lanes)
    demanded = stricter(purpose or NO_PURPOSE, require or NO_PURPOSE) if purpose or require else None
    for way, deployments in zip(ways[1:], (now, then), strict=True):
        permitted = {one for one in deployments if allowed(after, one, demanded)}
        present = {} if way is None else lanes_by_maker(way)
        there = {} if way is None else {lane.target.deployment: lane for lane in way.lanes}
        for lane in made:
            deployment = lane.target.deployment
            found = present.get(maker_of(lane))
            if found is None:
                assert deployment not in there or duties(there[deployment]) != duties(lane), "a needless miss"
                continue
            assert found.target.deployment == deployment
            assert deployment in permitted
            assert duties(found) == duties(lane)
