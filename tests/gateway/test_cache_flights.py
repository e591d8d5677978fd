"""Equal calls at the same time: one asks, the others wait; and what becomes of them when it fails."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.cache_rig import Cached, asking, cached
from tests.gateway.upstream_rig import until
from tests.support import RawHTTP, Response, wait_journalled

MODELS = {
    "slow": "slow-first-byte:0.4",
    "mute": "never-answers",
    "fails": "fail-times:3:500",
    "refuses": "refusal",
    "short": "slow-first-byte:1.5",
}
ROUTES: dict[str, Any] = {
    **{name: {"deployments": [f"acme/{model}"], "retries": 0} for name, model in MODELS.items()},
    "assistant": {"deployments": ["acme/ok"], "retries": 0},
    "late": {"deployments": ["acme/never-answers"], "retries": 0, "timeout_s": {"total": 0.5}},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    with cached(tmp_path_factory.mktemp("flights"), cache={"routes": sorted(ROUTES)}, routes=ROUTES) as found:
        yield found


def begin(served: Cached, count: int, route: str, prompt: str, *, stream: bool = False) -> list[RawHTTP]:
    clients = [served.gateway.connect(30) for _ in range(count)]
    for http in clients:
        http.begin_chat(route, stream=stream, **asking(prompt))
    return clients


def ended(clients: list[RawHTTP]) -> list[Response]:
    answers = [http.response() for http in clients]
    for http in clients:
        http.close()
    return answers


@pytest.mark.parametrize("stream", [False, True])
def test_a_hundred_equal_calls_ask_once(served: Cached, stream: bool) -> None:
    before = served.asked
    answers = ended(begin(served, 100, "slow", f"a hundred {stream}", stream=stream))
    assert {one.status for one in answers} == {200}
    assert Counter(one.header("x-steelyard-cache") for one in answers) == {"miss": 1, "hit": 99}
    assert len({one.body for one in answers}) == 1
    assert len({one.header("x-request-id") for one in answers}) == 100
    assert served.asked == before + 1


def test_whole_and_streaming_callers_wait_for_each_other(served: Cached) -> None:
    before = served.asked
    whole, streams = (begin(served, 5, "slow", "both", stream=one) for one in (False, True))
    answers = ended(whole) + ended(streams)
    assert Counter(one.header("x-steelyard-cache") for one in answers) == {"miss": 1, "hit": 9}
    assert all(one.payloads()[-1] == "[DONE]" for one in answers[5:])
    assert served.asked == before + 1


def test_different_calls_do_not_wait(served: Cached) -> None:
    before = served.asked
    clients = [one for number in range(5) for one in begin(served, 1, "slow", f"different {number}")]
    assert {one.header("x-steelyard-cache") for one in ended(clients)} == {"miss"}
    assert served.asked == before + 5


def test_when_the_one_that_asks_leaves_the_next_one_asks(served: Cached) -> None:
    before = served.asked
    (leader,) = begin(served, 1, "mute", "the leader leaves")
    until(lambda: served.asked == before + 1, "the leader to ask")
    followers = begin(served, 3, "mute", "the leader leaves")
    leader.reset()
    until(lambda: served.asked == before + 2, "the next one to ask")
    for number, one in enumerate(followers[:2], start=3):
        one.reset()
        if number == 3:
            until(lambda: served.asked == before + 3, "the one after it to ask")
    until(lambda: served.asked == before + 4, "the last one to ask")
    followers[2].reset()
    until(lambda: sum(one.route == "mute" for one in wait_journalled(served.gateway.home, 4)) == 4, "the record")


def test_who_waits_and_leaves_is_on_record_and_asks_nobody(served: Cached) -> None:
    before = served.asked
    (leader,) = begin(served, 1, "short", "a follower leaves")
    until(lambda: served.asked == before + 1, "the leader to ask")
    follower, other = begin(served, 2, "short", "a follower leaves")
    follower.reset()
    answers = ended([leader, other])
    assert [one.header("x-steelyard-cache") for one in answers] == ["miss", "hit"]
    assert served.asked == before + 1
    until(
        lambda: any(
            one.route == "short" and one.outcome == "client_gone" and not one.attempts
            for one in wait_journalled(served.gateway.home, 1)
        ),
        "the one that left",
    )


def test_failures_pass_on_to_one_call_at_a_time(served: Cached) -> None:
    before = served.asked
    answers = ended(begin(served, 20, "fails", "fails three times"))
    told = Counter((one.status, one.header("x-steelyard-cache")) for one in answers)
    assert told[200, "miss"] == 1
    assert told[200, "hit"] == 16
    assert sum(count for (status, _), count in told.items() if status != 200) == 3
    assert served.asked == before + 4


def test_when_the_answer_may_not_be_kept_the_others_ask_for_themselves(served: Cached) -> None:
    before = served.asked
    answers = ended(begin(served, 10, "refuses", "may not be kept"))
    assert {one.header("x-steelyard-cache") for one in answers} == {"miss"}
    assert served.asked == before + 10


def test_nobody_waits_longer_than_a_call_may_take(served: Cached) -> None:
    before = served.asked
    answers = ended(begin(served, 4, "late", "too late"))
    assert {one.status for one in answers} == {504}
    assert {one.error_code for one in answers} == {"upstream_timeout_total"}
    assert before < served.asked <= before + 4


def test_who_wants_no_answer_that_is_kept_does_not_wait(served: Cached) -> None:
    before = served.asked
    clients = begin(served, 1, "slow", "fresh")
    until(lambda: served.asked == before + 1, "the first to ask")
    answer = served.chat("slow", **asking("fresh"), said="no-cache")
    assert answer.header("x-steelyard-cache") == "miss"
    ended(clients)
    assert served.asked == before + 2
