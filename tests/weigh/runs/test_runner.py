"""Runs of a plan, with a caller that answers as a test says."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.tariff import flat_tariff
from steelyard.core.errors import EngineError, StoreError
from steelyard.weigh.calls.caller import Reply, Request
from steelyard.weigh.runs.asked import Asked, lost_of
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256, new_id
from steelyard.weigh.runs.plan import Plan, Planned
from steelyard.weigh.runs.prices import Offer, bound_of
from steelyard.weigh.runs.purse import spent_by
from steelyard.weigh.runs.runner import Ended, Pace, Runner, left_of
from steelyard.weigh.scorers.exact import Exact
from steelyard.weigh.scorers.numeric import Numeric
from steelyard.weigh.scorers.score import Scorer

MODELS = ("acme/one", "acme/other")
TARIFF = flat_tariff(Decimal(1000), Decimal(1000), source="test")
OFFERS = {model: [Offer(model, TARIFF)] for model in MODELS}

Says = Callable[[Request], dict[str, Any]]


class Scripted:
    """A caller that answers what it is told to; what was asked, and how many calls were under way at once."""

    def __init__(self, says: Says = lambda _: {}, delay_s: float = 0.0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.most = 0
        self._says = says
        self._delay_s = delay_s
        self._under_way = 0

    async def call(self, request: Request) -> Reply:
        self.asked.append((str(request.messages[0]["content"]), request.model))
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        await asyncio.sleep(self._delay_s)
        self._under_way -= 1
        told: dict[str, Any] = {"exchange": "req_1", "status": 200, "text": "4", "started_at": 0.0, "took_s": 0.1}
        return Reply(**(told | {"started_at": float(len(self.asked))} | self._says(request)))


def item(number: int, **request: Any) -> Planned:
    message = {"role": "user", "content": f"Item {number}"}
    return Planned(id=f"i{number}", place=f"x:{number}", messages=(message,), request=request, target="4")


def begun(tmp_path: Path, count: int = 10, repeats: int = 1, **request: Any) -> Folder:
    items = [item(number, **request) for number in range(count)]
    plan = Plan(
        id=new_id(1e9), kind="live", created="", code="0", title="", source="x", models=MODELS, items=count,
        items_sha256=items_sha256(items), repeats=repeats,
    )  # fmt: skip
    return Weighings(tmp_path).create(plan, items)


def ran(folder: Folder, caller: Scripted, made: Scorer | None = None, **pace: Any) -> Ended:
    async def done() -> Ended:
        return await Runner(folder, made, caller, Pace(**{"offers": OFFERS, **pace})).run()

    return asyncio.run(done())


def lines(folder: Folder) -> Sequence[Call]:
    return folder.read("calls.jsonl", Call)


def test_every_call_is_made_and_written_down_with_its_score(tmp_path: Path) -> None:
    folder = begun(tmp_path, repeats=2)
    ended = ran(folder, Scripted(), Exact())
    assert (ended.stopped, ended.progress.done, ended.progress.total) == (None, 40, 40)
    assert len({call.key for call in lines(folder)}) == 40
    assert {(call.score, call.parsed, call.scorer, call.version) for call in lines(folder)} == {
        (1.0, True, "exact", "1")
    }
    assert left_of(folder) == []


def test_no_more_calls_are_under_way_than_asked_for(tmp_path: Path) -> None:
    caller = Scripted(delay_s=0.002)
    ran(begun(tmp_path), caller, concurrency=3)
    assert caller.most == 3


def test_a_run_that_goes_on_asks_only_what_is_missing_or_failed_on_the_way(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=4)

    def broken(request: Request) -> dict[str, Any]:
        if request.model == MODELS[0] and request.messages[0]["content"] in ("Item 1", "Item 2"):
            status = 400 if request.messages[0]["content"] == "Item 1" else None
            return {"text": None, "status": status, "error": "broke"}
        return {}

    first = ran(folder, Scripted(broken))
    assert (first.stopped, first.progress.failed) == (None, 2)
    second = Scripted()
    ended = ran(folder, second)
    assert second.asked == [("Item 2", MODELS[0])]
    assert (ended.progress.done, ended.progress.failed) == (8, 1)


def test_a_stop_leaves_pairs_but_for_what_was_under_way(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=30)

    async def done() -> Ended:
        runner = Runner(folder, None, Scripted(delay_s=0.002), Pace(concurrency=2, offers=OFFERS))
        asyncio.get_running_loop().call_later(0.02, runner.stop, "interrupted", "It was interrupted.")
        return await runner.run()

    ended = asyncio.run(done())
    assert ended.stopped == "interrupted"
    assert 2 <= ended.progress.done < 60
    by_item: dict[str, int] = {}
    for call in lines(folder):
        by_item[call.item] = by_item.get(call.item, 0) + 1
    assert sum(count == 1 for count in by_item.values()) <= 1


@settings(max_examples=30, deadline=None)
@given(
    costs=st.lists(st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]), min_size=20, max_size=20),
    ceiling=st.decimals(0, 12, places=2),
    concurrency=st.integers(1, 8),
)
def test_a_ceiling_is_never_exceeded(
    tmp_path_factory: pytest.TempPathFactory, costs: list[float | None], ceiling: Decimal, concurrency: int
) -> None:
    folder = begun(tmp_path_factory.mktemp("run"), max_tokens=100)
    bound = bound_of(folder.items()[0], OFFERS[MODELS[0]]).usd
    assert bound is not None
    left = list(costs)

    def priced(_: Request) -> dict[str, Any]:
        share = left.pop()
        return {} if share is None else {"cost_usd": format(bound * Decimal(str(share)), "f")}

    ended = ran(folder, Scripted(priced, delay_s=0.0001), ceiling=ceiling, concurrency=concurrency)
    spent = spent_by(lines(folder))
    assert ended.progress.spent_usd == spent <= ceiling
    if ended.stopped == "ceiling":
        # It stops no earlier than it must: the next pair could have exceeded it.
        assert spent + 2 * bound > ceiling
        assert "is spent" in ended.why
    else:
        assert ended.progress.done == 20


def test_a_run_that_reached_its_ceiling_goes_on_under_a_higher_one(tmp_path: Path) -> None:
    folder = begun(tmp_path, max_tokens=100)
    bound = bound_of(folder.items()[0], OFFERS[MODELS[0]]).usd
    assert bound is not None
    first = ran(folder, Scripted(lambda _: {"cost_usd": "0.01"}), ceiling=2 * bound)
    assert first.stopped == "ceiling"
    assert 0 < first.progress.done < 20
    again = ran(folder, Scripted(), ceiling=2 * bound)
    assert (again.stopped, again.progress.spent_usd >= first.progress.spent_usd) == ("ceiling", True)
    assert ran(folder, Scripted(lambda _: {"cost_usd": "0"}), ceiling=Decimal(100)).stopped is None


def test_an_unknown_cost_counts_as_its_upper_bound_and_is_marked(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=1, max_tokens=100)
    ended = ran(folder, Scripted(), ceiling=Decimal(10))
    bound = bound_of(folder.items()[0], OFFERS[MODELS[0]]).usd
    assert ended.progress.spent_usd == 2 * (bound or 0) > 0
    assert ended.progress.unpriced == 2
    assert {(call.cost_usd, call.cost_at_most_usd) for call in lines(folder)} == {(None, format(bound or 0, "f"))}


def test_a_call_that_was_refused_cost_nothing(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=1, max_tokens=100)
    ended = ran(folder, Scripted(lambda _: {"text": None, "status": 429, "error": "limit"}))
    assert ended.progress.spent_usd == 0
    assert ended.progress.unpriced == 0


def test_calls_under_way_at_a_kill_count_at_their_upper_bound(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=2, max_tokens=100)
    bound = bound_of(folder.items()[0], OFFERS[MODELS[0]]).usd
    assert bound is not None
    lost = Asked(item="i0", model=MODELS[0], repeat=0, at_most_usd=format(bound, "f"))
    with folder.appending("asked.jsonl") as asked:
        asked.append(lost)
    assert lost_of([lost], []) == [lost]
    # Its item is asked again; the first asking is lost, and what it may have cost is not.
    ended = ran(folder, Scripted(lambda _: {"cost_usd": "0.001"}), ceiling=Decimal(10))
    assert ended.progress.spent_usd == bound + 4 * Decimal("0.001")
    assert ended.progress.unpriced == 1


@pytest.mark.parametrize("code", ["policy_denied", "invalid_api_key", "model_not_found"])
def test_a_refusal_that_all_would_get_stops_the_run(tmp_path: Path, code: str) -> None:
    refused = {"text": None, "status": 403, "code": code, "error": f"HTTP 403 {code}: No."}
    caller = Scripted(lambda _: refused)
    ended = ran(begun(tmp_path), caller, concurrency=1)
    assert (ended.stopped, len(caller.asked)) == ("refused", 1)
    assert f"HTTP 403 {code}: No." in ended.why


def test_a_model_of_which_nothing_comes_back_stops_the_run(tmp_path: Path) -> None:
    caller = Scripted(
        lambda request: {"text": None, "status": 502, "error": "HTTP 502: down"} if request.model == MODELS[1] else {}
    )
    ended = ran(begun(tmp_path, count=30), caller, concurrency=1)
    assert ended.stopped == "failing"
    assert "10 calls of acme/other in a row have failed, the last so: HTTP 502: down" in ended.why
    assert len(caller.asked) < 25


def test_a_gateway_that_goes_away_stops_the_run_and_costs_nothing(tmp_path: Path) -> None:
    class Gone(Scripted):
        async def call(self, request: Request) -> Reply:
            raise EngineError("No gateway answers.")

    folder = begun(tmp_path, max_tokens=100)
    ended = ran(folder, Gone(), ceiling=Decimal(100))
    assert (ended.stopped, ended.why) == ("gateway", "No gateway answers.")
    assert ended.progress.spent_usd == 0
    assert ran(folder, Scripted(lambda _: {"cost_usd": "0"})).progress.spent_usd == 0


def test_an_answer_that_cannot_be_scored_is_kept_and_scored_later_without_asking(tmp_path: Path) -> None:
    class Moody(Exact, frozen=True):
        def score(self, sample: Any) -> Any:
            raise RuntimeError("not today")

    folder = begun(tmp_path, count=1)
    ended = ran(folder, Scripted(lambda _: {"cost_usd": "0.5"}), Moody(), concurrency=1)
    assert ended.stopped == "scorer"
    assert "RuntimeError: not today" in ended.why
    later = Scripted(lambda _: {"cost_usd": "0.5"})
    assert ran(folder, later, Exact()).progress.spent_usd == 1
    assert len(later.asked) == 1
    assert sorted(str(call.score) for call in lines(folder)) == ["1.0", "1.0", "None"]


def test_two_processes_cannot_make_the_same_calls(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    with folder.appending("calls.jsonl"), pytest.raises(StoreError, match="another process appends to it"):
        ran(folder, Scripted())


def test_breaking_off_drops_the_calls_under_way(tmp_path: Path) -> None:
    folder = begun(tmp_path)

    async def done() -> None:
        task = asyncio.create_task(Runner(folder, None, Scripted(delay_s=30), Pace()).run())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(done())
    assert lines(folder) == []
    assert len(lost_of(folder.read("asked.jsonl", Asked), [])) == 8


def test_a_model_of_which_nothing_can_be_read_is_not_asked_on(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=60)
    caller = Scripted(lambda request: {"text": "4" if request.model == MODELS[0] else "I cannot say."})
    ended = ran(folder, caller, Numeric(), concurrency=1)
    assert ended.stopped == "unread"
    assert ended.why.startswith(f"{MODELS[1]}: 20 replies in a row could not be read: no number was found (20). ")
    assert sum(call.model == MODELS[1] for call in lines(folder)) == 20
    assert len(left_of(folder)) > 0


def test_who_bears_unread_outputs_goes_on_to_the_end(tmp_path: Path) -> None:
    folder = begun(tmp_path, count=30)
    silent = Scripted(lambda _: {"text": "I cannot say."})
    assert ran(folder, silent, Numeric(), concurrency=1).stopped == "unread"
    assert ran(folder, silent, Numeric(), concurrency=1, unread=0).stopped is None
    assert left_of(folder) == []


def test_outputs_that_are_worth_nothing_and_were_read_stop_nobody(tmp_path: Path) -> None:
    assert ran(begun(tmp_path, count=60), Scripted(lambda _: {"text": "5"}), Numeric()).stopped is None
