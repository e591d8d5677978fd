"""Limits and budgets with hits: each counts as a request, and takes no tokens and no dollars."""

from decimal import Decimal
from pathlib import Path

from tests.gateway.cache_rig import asking, cached
from tests.gateway.limits_rig import wait_ready, wait_standing
from tests.support import journalled

LIMITS = """
[[limits]]
scope = "route:assistant"
requests_per_day = 4
tokens_per_day = 300

[[limits]]
scope = "deployment:acme/ok"
requests_per_day = 100

[[budgets]]
scope = "all"
usd = "0.0018"
per = "total"
"""


def test_hits_count_as_requests_and_take_nothing_else_over_a_restart_too(tmp_path: Path) -> None:
    with cached(tmp_path, more=LIMITS, cache={"store": "sqlite"}) as served:
        wait_ready(served.gateway)
        fields = {**asking("limits"), "max_tokens": 20}
        assert served.told(**fields) == "miss"
        (made,) = journalled(served.gateway.home)
        assert made.usage is not None
        tokens = (made.usage.input or 0) + (made.usage.output or 0)
        cost = Decimal(made.cost_usd or 0)
        standing = {
            "route_assistant_tokens_per_day": (tokens, 0),
            "all_usd_total": (cost, Decimal(0)),
            "deployment_acme_ok_requests_per_day": (1, 0),
        }
        hit = served.chat(**fields)
        assert (hit.header("x-steelyard-cache"), hit.header("x-ratelimit-remaining-requests")) == ("hit", "2")
        wait_standing(served.gateway, **standing, route_assistant_requests_per_day=(2, 0))
        # The same in more words would exceed what is left; what is kept needs none of it.
        refused = served.chat(**asking("limits"), max_tokens=200, temperature=0.5)
        assert refused.status in (402, 429)
        served.gateway.stop()
        served.gateway.start()
        wait_ready(served.gateway)
        assert served.told(**fields) == "hit"
        wait_standing(served.gateway, **standing, route_assistant_requests_per_day=(3, 0))
        assert served.told(**fields) == "hit"
        over = served.chat(**fields)
        assert (over.status, over.error_code) == (429, "rate_limit_exceeded")
        last = journalled(served.gateway.home)[-1]
        assert (last.outcome, last.copied_from, last.attempts) == ("rejected", None, ())
        assert served.asked == 1
