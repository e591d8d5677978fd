"""What judges are asked, and how calls are made."""

import asyncio
from decimal import Decimal

import pytest

from steelyard.catalog.tariff import Tariff
from steelyard.core.errors import ConfigError, EngineError
from steelyard.weigh.calls.caller import Reply, Request
from steelyard.weigh.judges.asking import Pace, ask_all, remaining
from steelyard.weigh.judges.asks import Way, asks_for, judged
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.template import Template, shipped_template
from steelyard.weigh.judges.till import Begun, Till, bounds_of, costs_of_asks, spent_before
from steelyard.weigh.runs.prices import Offer
from steelyard.weigh.runs.purse import Purse
from tests.weigh.judges.given import PAIR, answers_of, reply, way

THREE = answers_of((1, 2), (3, 3), (5, 4))


def test_each_pair_is_asked_about_in_both_orders() -> None:
    asks = asks_for(THREE.items, [PAIR], way("j"))
    assert [(ask.order, ask.models) for ask in asks[:2]] == [("straight", PAIR), ("swapped", PAIR[::-1])]
    assert len(asks) == 6
    straight, swapped = (ask.request.messages[1]["content"] for ask in asks[:2])
    assert straight.index("of large") < straight.index("of small")
    assert swapped.index("of small") < swapped.index("of large")


def test_the_order_of_items_hangs_on_the_seed_alone_and_the_first_n_are_the_same_for_every_n() -> None:
    many = answers_of(*[(1, 2)] * 30)
    whole = [ask.item for ask in asks_for(many.items, [PAIR], way("j"))]
    assert [ask.item for ask in asks_for(many.items, [PAIR], way("j"), 5)] == whole[:10]
    assert whole != [ask.item for ask in asks_for(many.items, [PAIR], way("j", seed=1))]
    assert whole != sorted(whole)


def test_items_without_both_answers_are_asked_about_by_nobody() -> None:
    lacking = answers_of((1, 2), (3, 3), (5, 4))
    del lacking.items[0].outputs["small"]
    assert {ask.item for ask in asks_for(lacking.items, [PAIR], way("j"))} == {"i1", "i2"}
    assert len(asks_for(lacking.items, [PAIR], way("j"), 2)) == 4


def test_every_ask_has_a_digest_of_its_own_that_changes_with_what_is_asked() -> None:
    same = answers_of((3, 3), (3, 3))
    asks = asks_for(same.items, [PAIR], way("j", "k"))
    assert len({ask.asked for ask in asks}) == len(asks) == 8
    warmer = asks_for(same.items, [PAIR], way("j", "k", fields={"temperature": 1}))
    assert not {ask.asked for ask in asks} & {ask.asked for ask in warmer}


def test_a_template_that_asks_for_a_reference_needs_one_of_every_item() -> None:
    template = Template(1, "mine", "pairwise", "{question}{answer_a}{answer_b}{reference}")
    with pytest.raises(ConfigError, match=r"items\.csv:\d: the template asks for {reference}"):
        asks_for(THREE.items, [PAIR], Way(judges=("j",), template=template))


def test_a_judgement_says_what_was_read_and_why_not() -> None:
    how = way("j")
    (ask, *_) = asks_for(THREE.items, [PAIR], how)
    assert judged(ask, how, reply("Verdict: B")).choice == "B"
    cut = judged(ask, how, reply("It is", finish_reason="length"))
    assert (cut.choice, cut.unread) == (None, "cut off at the limit of tokens")
    failed = judged(ask, how, reply(None, status=500, error="HTTP 500"))
    assert (failed.reply, failed.choice, failed.unread, failed.error) == (None, None, None, "HTTP 500")


def test_a_rubric_is_asked_about_one_answer_alone_with_its_criteria_and_scale() -> None:
    how = Way(judges=("j",), template=shipped_template("score"), rubric=find_rubric("faithful"))
    asks = asks_for(THREE.items, [("large",), ("small",)], how)
    assert len(asks) == 6
    content = asks[0].request.messages[1]["content"]
    assert "- borne out: Every statement" in content
    assert "from 1 (mostly made up" in content
    assert judged(asks[0], how, reply("Score: 4")).score == 4


class Scripted:
    """A gateway that replies by a list: a text, None for a failure, an exception."""

    def __init__(
        self,
        *replies: str | Exception | None,
        cost: str | None = "0.01",
        pause_s: float = 0.0,
        error: str = "HTTP 400: no",
    ) -> None:
        self.error = error
        self.replies = list(replies)
        self.cost = cost
        self.pause_s = pause_s
        self.asked: list[Request] = []
        self.open = self.most_open = 0

    async def call(self, request: Request) -> Reply:
        self.asked.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(self.pause_s)
        self.open -= 1
        said = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(said, Exception):
            raise said
        if said is None:
            return reply(None, status=400, error=self.error)
        return reply(said, cost_usd=self.cost)


class Written:
    """What is written down, in place of files."""

    def __init__(self) -> None:
        self.begun: list[Begun] = []
        self.made: list[Judgement] = []

    def begin(self, begun: Begun) -> None:
        self.begun.append(begun)

    def keep(self, judgement: Judgement) -> None:
        self.made.append(judgement)


FOUR = Pace(4)


def run(
    caller: Scripted, purse: Purse | None = None, pace: Pace = FOUR, bound: str | None = "0.02"
) -> tuple[Written, Till, str | None]:
    how = way("j")
    asks = asks_for(answers_of(*[(1, 2)] * 20).items, [PAIR], how)
    till = Till(purse or Purse(None), {ask.asked: Begun(ask.asked, bound) for ask in asks})
    desk = Written()
    return desk, till, asyncio.run(ask_all(asks, how, caller, till, pace, desk))


def test_calls_run_at_once_up_to_the_bound_and_all_are_made() -> None:
    caller = Scripted("Verdict: A", pause_s=0.001)
    desk, _, reason = run(caller)
    assert (len(desk.made), reason, caller.most_open) == (40, None, 4)
    assert {one.asked for one in desk.begun} == {one.asked for one in desk.made}


def test_no_call_begins_whose_bound_does_not_fit_under_the_ceiling() -> None:
    desk, till, reason = run(Scripted("Verdict: A", pause_s=0.001), Purse(Decimal("0.105")))
    assert (len(desk.made), till.purse.spent) == (9, Decimal("0.09"))
    assert reason == "The ceiling is reached: $0.09 of $0.105 is spent, and the next call may cost $0.02."


def test_what_was_spent_before_counts() -> None:
    desk, _, reason = run(Scripted("Verdict: A"), Purse(Decimal("0.10"), Decimal("0.09")))
    assert desk.made == []
    assert (reason or "").startswith("The ceiling is reached: $0.09 of $0.1")


def test_a_ceiling_that_just_fits_is_no_reason_to_stop() -> None:
    desk, till, reason = run(Scripted("Verdict: A"), Purse(Decimal("0.41")), Pace(1))
    assert (len(desk.made), till.purse.spent, reason) == (40, Decimal("0.40"), None)


def test_a_call_whose_cost_nobody_told_counts_at_its_bound_and_a_refused_one_nothing() -> None:
    _, till, _ = run(Scripted("Verdict: A", cost=None))
    assert till.purse.spent == Decimal("0.80")
    _, till, _ = run(Scripted("Verdict: A", None, cost="0.01"))
    assert till.purse.spent == Decimal("0.01")


def test_what_a_killed_run_had_under_way_counts_at_its_bound() -> None:
    desk, till, _ = run(Scripted("Verdict: A"))
    assert spent_before(desk.made, desk.begun) == till.purse.spent == Decimal("0.40")
    assert spent_before(desk.made[:-2], desk.begun) == Decimal("0.38") + 2 * Decimal("0.02")


def test_a_judge_that_never_answers_is_asked_ten_times_and_no_more() -> None:
    desk, _, reason = run(Scripted(None), pace=Pace(1))
    assert (len(desk.made), reason) == (10, "j gives no answer: HTTP 400: no")


def test_a_judge_that_refuses_the_temperature_is_told_how_to_be_asked() -> None:
    refused = "HTTP 400: Unsupported value: 'temperature' does not support 0 with this model."
    _, _, reason = run(Scripted(None, error=refused), pace=Pace(1))
    assert reason == f"j gives no answer: {refused} Try --temperature none."


def test_a_judge_that_answers_now_and_then_is_asked_on() -> None:
    desk, _, reason = run(Scripted(*(["Verdict: A", *[None] * 9] * 4)), pace=Pace(1))
    assert (len(desk.made), reason) == (40, None)


def test_a_judge_of_which_nothing_can_be_read_is_not_asked_on() -> None:
    desk, _, reason = run(Scripted("Both are fine.\nWho could choose?"), pace=Pace(1))
    assert len(desk.made) == 20
    assert reason == (
        "j: 20 replies in a row could not be read: no last line in the form that was asked for (20). "
        'The last one ends: "Who could choose?". Go on all the same: --resume --unread-limit 0.'
    )


def test_who_bears_unread_replies_gets_all_of_them() -> None:
    desk, _, reason = run(Scripted("x" * 300), pace=Pace(1, unread=0))
    assert (len(desk.made), reason) == (40, None)
    desk, _, reason = run(Scripted("x" * 300), pace=Pace(1, unread=3))
    assert len(desk.made) == 3
    assert reason is not None
    assert reason.endswith(f'The last one ends: "…{"x" * 100}". Go on all the same: --resume --unread-limit 0.')


def test_a_judge_that_can_be_read_now_and_then_is_asked_on() -> None:
    desk, _, reason = run(Scripted(*(["Verdict: A", *["?"] * 19] * 2)), pace=Pace(1))
    assert (len(desk.made), reason) == (40, None)


def test_a_call_that_failed_is_no_reply_that_could_be_read() -> None:
    desk, _, reason = run(Scripted(*(["?"] * 10 + [None] + ["?"] * 30)), pace=Pace(1))
    assert len(desk.made) == 21
    assert reason is not None


def test_a_gateway_that_goes_away_ends_judging_with_what_there_is() -> None:
    how = way("j")
    asks = asks_for(answers_of(*[(1, 2)] * 20).items, [PAIR], how)
    desk = Written()
    caller = Scripted("Verdict: A", "Verdict: B", EngineError("No gateway answers"))
    with pytest.raises(EngineError, match="No gateway"):
        asyncio.run(ask_all(asks, how, caller, Till(Purse(None), {}), Pace(1), desk))
    assert [one.choice for one in desk.made] == ["A", "B"]
    assert len(desk.begun) == 3


def test_what_failed_for_a_reason_that_may_pass_is_asked_again_and_nothing_else() -> None:
    how = way("j")
    asks = asks_for(THREE.items, [PAIR], how)
    replies = [reply("nonsense"), reply(None, status=500, error="HTTP 500"), reply(None, status=400, error="HTTP 400")]
    made = [judged(ask, how, one) for ask, one in zip(asks, replies, strict=False)]
    assert remaining(asks, made) == [asks[1], *asks[3:]]


def test_bounds_and_estimates_come_from_prices_and_lengths() -> None:
    rate = Decimal("0.000002")
    priced = Offer("acme/j", Tariff(input=rate, cached=rate, cache_write=rate, output=4 * rate, source="test"))
    how = way("j", fields={"max_tokens": 100})
    asks = asks_for(THREE.items, [PAIR], how)
    bounds = bounds_of(asks, {"j": (priced,)})
    (cost,) = costs_of_asks(asks, how.judges, {"j": (priced,)})
    assert cost.at_most_usd == sum(Decimal(one.at_most_usd or 0) for one in bounds.values())
    assert (cost.calls, cost.output_tokens) == (6, 600)
    unbound = asks_for(THREE.items, [PAIR], way("j"))
    assert {one.at_most_usd for one in bounds_of(unbound, {"j": (priced,)}).values()} == {None}
    assert {one.at_most_usd for one in bounds_of(asks, {}).values()} == {None}
