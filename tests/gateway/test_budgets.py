"""Budgets over the wire: never overrun, whatever calls and clients do; and the same after a kill."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.http_rig import Front
from tests.gateway.limits_rig import cost_of, limited, wait_ready, wait_standing
from tests.gateway.test_limits import CLIENTS
from tests.gateway.upstream_rig import exchange_of, until
from tests.support import TornError
from tests.support.journal import journalled, wait_journalled

MANY = 2000
AT_ONCE = 200
BUDGET = Decimal("0.06")
MODELS = ("ok", "words:30", "cut:3", "endless:0.01", "status:500", "slow-first-byte:0.2")


def budget(usd: str, scope: str = "all", per: str = "total", **more: str) -> str:
    rest = "".join(f"{name} = {value}\n" for name, value in more.items())
    return f'[[budgets]]\nscope = "{scope}"\nusd = "{usd}"\nper = "{per}"\n{rest}'


class Caller:
    """A client that asks many things at once, and leaves some of them in the middle."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._draw = random.Random(seed)
        self._places = asyncio.Semaphore(AT_ONCE)
        self.statuses: Counter[int] = Counter()

    async def ask(self, number: int) -> None:
        model = MODELS[number % len(MODELS)]
        patience = self._draw.uniform(0.0, 0.3) if self._draw.random() < 0.3 or "endless" in model else 20.0
        body = {
            "model": f"acme/{model}",
            "stream": (model != "ok" and self._draw.random() < 0.7) or "endless" in model,
            "max_tokens": self._draw.choice((5, 30, 60)),
            "messages": [{"role": "user", "content": "Hi" * self._draw.randrange(40)}],
        }
        async with self._places:
            await self._ask(json.dumps(body).encode(), patience)

    async def _ask(self, body: bytes, patience: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        try:
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            async with asyncio.timeout(patience):
                line = await reader.readline()
                self.statuses[int(line.split()[1])] += 1
                await reader.read(-1)
        except (TimeoutError, OSError, IndexError):
            self.statuses[0] += 1
        finally:
            writer.transport.abort()


async def _crowd(port: int, seed: int) -> Caller:
    caller = Caller(port, seed)
    await asyncio.gather(*(caller.ask(number) for number in range(MANY)))
    return caller


def test_two_thousand_parallel_calls_never_cost_more_than_the_budget(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with limited(tmp_path, budget(str(BUDGET)), models=MODELS, most_output=100) as front:
        caller = asyncio.run(_crowd(front.gateway.port, seed))
        until(lambda: "steelyard_calls_in_flight 0\n" in front.gateway.metrics(), "all calls to end", 20)
        spent = cost_of(journalled(front.gateway.home))
        print(caller.statuses, spent)
        assert spent <= BUDGET
        assert spent > BUDGET / 2, "the budget was put to use"
        assert caller.statuses[402] > 100
        wait_standing(front.gateway, all_usd_total=(spent, 0))
        assert "steelyard_limits_overruns_total 0" in front.gateway.metrics()


@pytest.mark.parametrize("clerk", [True, False])
def test_after_a_kill_the_counters_equal_the_ledger(tmp_path: Path, clerk: bool) -> None:
    rules = budget("5", "key:*", "month") + '[[limits]]\nscope = "all"\nrequests_per_day = 100000\n'
    with limited(tmp_path, rules, models=MODELS, most_output=100) as front, ExitStack() as stack:
        if clerk:
            stack.enter_context(front.gateway.beside("clerk"))
        threads = [threading.Thread(target=_ask_until_gone, args=(front,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(journalled(front.gateway.home)) > 60, "calls on record")
        front.gateway.kill()
        for thread in threads:
            thread.join(20)
        front.gateway.start()
        wait_ready(front.gateway)
        _is_as_recorded(front)
        with front.connect() as http:
            assert http.chat("acme/ok").status == 200
        _is_as_recorded(front)


def _is_as_recorded(front: Front) -> None:
    recorded = journalled(front.gateway.home)
    counted = [one for one in recorded if one.outcome != "rejected" or one.attempts]
    wait_standing(
        front.gateway,
        key_none_usd_per_month=(cost_of(recorded), 0),
        all_requests_per_day=(len(counted), 0),
    )


def _ask_until_gone(front: Front) -> None:
    with suppress(OSError, TornError), front.connect() as http:
        for number in range(10_000):
            http.chat(("acme/ok", "acme/words:30")[number % 2], stream=number % 3 == 0, max_tokens=50)


@pytest.mark.parametrize(("client", "path", "body", "headers"), CLIENTS, ids=[one[0] for one in CLIENTS])
def test_each_dialect_is_told_of_a_spent_budget_in_its_own_words(
    empty: Front, client: str, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    with empty.connect() as http:
        asked = {**body, "model": "acme/ok"} if "model" in body else body
        refused = http.request("POST", path.replace("to-gemini", "acme%2Fok"), headers=headers, **asked)
    assert refused.status == 402
    assert refused.header("x-should-retry") == "false"
    error = refused.json()["error"]
    assert "has spent 0 of its 0.00001 USD per day" in error["message"]
    match client:
        case "anthropic":
            assert error["type"] == "billing_error"
            assert error["details"]["error_code"] == "budget_exceeded"
        case "gemini":
            assert error["status"] == "RESOURCE_EXHAUSTED"
            assert error["details"][0]["reason"] == "BUDGET_EXCEEDED"
        case _:
            assert (error["type"], error["code"]) == ("budget_exceeded", "budget_exceeded")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A gateway with a budget that no call fits into, others with several settings beside it, by route."""
    rules = (
        budget("0.00001", "route:acme/ok", "day")
        + budget("1", "route:strict")
        + budget("1", "route:both")
        + budget("1", "route:lenient", unknown_price='"allow"')
        + budget("0.0001", "route:crossing", overshoot='"last-call"')
        + budget("0.01", "route:warned", warn_at="[0.01, 0.5]")
        + budget("0.02", "deployment:acme/words:2")
    )
    routes = {
        "strict": {"deployments": ["acme/priceless"]},
        "both": {"deployments": ["acme/words:7", "acme/words:3"]},
        "lenient": {"deployments": ["acme/words:7"]},
        "crossing": {"deployments": ["acme/words:30"]},
        "warned": {"deployments": ["acme/words:30"]},
        "two": {"deployments": ["acme/words:2", "acme/words:3"]},
    }
    models = ("ok", "words:3", "words:30", "words:2")
    with limited(tmp_path_factory.mktemp("budgets"), rules, models=models, routes=routes) as front:
        yield front


def test_a_deployment_without_a_price_is_refused_or_left_out(empty: Front) -> None:
    with empty.connect() as http:
        refused = http.chat("strict", max_tokens=5)
        assert (refused.status, refused.error_code) == (402, "price_unknown")
        assert http.chat("both", max_tokens=5).header("x-steelyard-deployment") == "acme/words:3"
        assert http.chat("lenient", max_tokens=5).header("x-steelyard-deployment") == "acme/words:7"


def test_the_last_call_may_cross_and_the_next_is_refused(empty: Front) -> None:
    with empty.connect() as http:
        crossing = http.chat("crossing")
        assert [crossing.status, http.chat("crossing").status] == [200, 402]
    cost = Decimal(crossing.header("x-steelyard-cost-usd") or 0)
    assert cost > Decimal("0.0001")
    wait_standing(empty.gateway, route_crossing_usd_total=(cost, 0))


def test_a_threshold_is_told_once(empty: Front) -> None:
    with empty.connect() as http:
        for _ in range(3):
            assert http.chat("warned", max_tokens=50).status == 200
    told = [line for line in empty.gateway.stderr.splitlines() if "route:warned" in line]
    assert len(told) == 1
    assert told[0].endswith("USD in all: 1% is reached.")


def test_a_deployment_s_own_budget_sends_calls_to_the_next(empty: Front) -> None:
    with empty.connect() as http:
        first = http.chat("two", max_tokens=10)
        large = http.chat("two", max_tokens=5000)
    assert first.header("x-steelyard-deployment") == "acme/words:2"
    assert large.header("x-steelyard-deployment") == "acme/words:3"


def test_what_no_provider_reported_is_estimated_and_counted(tmp_path: Path) -> None:
    models = ("no-usage", "endless:0.01", "never-answers")
    with limited(tmp_path, budget("5"), models=models) as front, front.connect() as http:
        answer = http.chat("acme/no-usage", max_tokens=50)
        assert answer.status == 200
        one = exchange_of(front.gateway, answer)
        left = front.connect()
        left.begin_chat("acme/endless:0.01", stream=True, max_tokens=3)
        head = left.head()
        assert len(list(islice(left.parts(head), 20))) == 20
        left.close()
        unanswered = front.connect()
        unanswered.begin_chat("acme/never-answers", max_tokens=3)
        time.sleep(0.2)
        unanswered.close()
        found = wait_journalled(front.gateway.home, 3)
        for each in found:
            assert each.usage is not None, each
            assert each.usage.estimated
            assert each.cost_usd is not None
            assert Decimal(each.cost_usd) > 0
        assert found[1].usage is not None
        assert found[1].usage.output == 3, "no estimate is above max_tokens"
        assert one.usage is not None
        wait_standing(front.gateway, all_usd_total=(cost_of(found), 0))


def test_the_command_line_shows_how_budgets_stand(tmp_path: Path) -> None:
    rules = budget("1", "route:acme/ok", "day") + '[[limits]]\nscope = "all"\nrequests_per_hour = 7\n'
    with limited(tmp_path, rules) as front:
        with front.connect() as http:
            assert http.chat("acme/ok").status == 200
        wait_standing(front.gateway, all_requests_per_hour=(1, 0))
        config = ("--config", str(front.gateway.config_path))
        shown = front.gateway.steelyard("budgets", "show", *config)
        spent = cost_of(journalled(front.gateway.home))
        assert shown["source"] == "gateway"
        (one,) = shown["budgets"]
        assert (one["scope"], one["limit"], one["most"], one["reserved"]) == ("route:acme/ok", "usd_per_day", "1", "0")
        assert Decimal(one["used"]) == spent
        assert Decimal(one["remaining"]) == 1 - spent
        front.gateway.stop()
        after = front.gateway.steelyard("budgets", "show", *config)
        assert after["source"] == "ledger"
        assert after["budgets"] == shown["budgets"]
        assert front.gateway.steelyard("limits", "show", *config)["limits"][0]["remaining"] == 6
