"""What judges are asked, and how calls are made."""

import asyncio
from decimal import Decimal

import pytest

from steelyard.core.errors import ConfigError, EngineError
from steelyard.weigh.calls.caller import Reply, Request
from steelyard.weigh.judges.asking import ask_all, remaining
from steelyard.weigh.judges.asks import Way, asks_for, judged
from steelyard.weigh.judges.ceiling import Ceiling
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.template import Template, shipped_template
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

    def __init__(self, *replies: str | Exception | None, cost: str | None = "0.01", pause_s: float = 0.0) -> None:
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
        return reply(said, cost_usd=self.cost if said is not None else None, error=None if said else "HTTP 400: no")


def run(
    caller: Scripted, ceiling: Ceiling | None = None, at_once: int = 4, items: int = 20
) -> tuple[list[Judgement], str | None]:
    how = way("j")
    asks = asks_for(answers_of(*[(1, 2)] * items).items, [PAIR], how)
    made: list[Judgement] = []
    reason = asyncio.run(ask_all(asks, how, caller, ceiling or Ceiling(None), at_once, made.append))
    return made, reason


def test_calls_run_at_once_up_to_the_bound_and_all_are_made() -> None:
    caller = Scripted("Verdict: A", pause_s=0.001)
    made, reason = run(caller)
    assert (len(made), reason, caller.most_open) == (40, None, 4)


def test_a_ceiling_is_kept_and_says_so() -> None:
    ceiling = Ceiling(Decimal("0.105"))
    made, reason = run(Scripted("Verdict: A", pause_s=0.001), ceiling)
    assert (len(made), ceiling.spent) == (10, Decimal("0.10"))
    assert reason == "The ceiling of $0.105 is reached: $0.10 are spent."


def test_what_was_spent_before_counts() -> None:
    made, reason = run(Scripted("Verdict: A"), Ceiling(Decimal("0.10"), Decimal("0.10")))
    assert (made, reason) == ([], "The ceiling of $0.10 is reached: $0.10 are spent.")


def test_a_ceiling_that_just_fits_is_no_reason_to_stop() -> None:
    made, reason = run(Scripted("Verdict: A"), Ceiling(Decimal("0.40")))
    assert (len(made), reason) == (40, None)


def test_an_unknown_cost_stops_judging_under_a_ceiling_after_one_call() -> None:
    made, reason = run(Scripted("Verdict: A", cost=None), Ceiling(Decimal(1)))
    assert len(made) == 1
    assert (reason or "").startswith("What a call cost is unknown")


def test_a_judge_that_never_answers_is_asked_ten_times_and_no_more() -> None:
    made, reason = run(Scripted(None), at_once=1)
    assert (len(made), reason) == (10, "j gives no answer: HTTP 400: no")


def test_a_judge_that_has_answered_once_is_asked_on() -> None:
    made, reason = run(Scripted("Verdict: A", None), at_once=1)
    assert (len(made), reason) == (40, None)


def test_a_gateway_that_goes_away_ends_judging_with_what_there_is() -> None:
    how = way("j")
    asks = asks_for(answers_of(*[(1, 2)] * 20).items, [PAIR], how)
    made: list[Judgement] = []
    caller = Scripted("Verdict: A", "Verdict: B", EngineError("No gateway answers"))
    with pytest.raises(EngineError, match="No gateway"):
        asyncio.run(ask_all(asks, how, caller, Ceiling(None), 1, made.append))
    assert [one.choice for one in made] == ["A", "B"]


def test_what_has_no_answer_is_asked_again_and_what_has_one_is_not() -> None:
    how = way("j")
    asks = asks_for(THREE.items, [PAIR], how)
    made = [judged(asks[0], how, reply("nonsense")), judged(asks[1], how, reply(None, error="HTTP 500"))]
    assert remaining(asks, made) == list(asks[1:])
