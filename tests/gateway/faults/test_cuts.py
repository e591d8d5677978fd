"""An answer that is cut after each of its bytes: what had come whole is passed on, once, and no cut is a clean end."""

import json
from collections.abc import Callable

import pytest

from tests.fake import FakeProvider
from tests.fake.breakages import WORDS
from tests.gateway.faults.rig import KEY, Asking, Observed, Rig
from tests.gateway.faults.table import SAYING
from tests.support import RawHTTP

TEXT = " ".join(WORDS)
STEPS = {"chat": 1, "messages": 3}
"""Every byte of a stream that is relayed; of one that is translated, each third."""
_SUCCESS_EVERY = 4
"""Five failures in a row would rest the deployment."""


def whole_length(provider: FakeProvider, asking: Asking) -> int:
    """Return how many bytes the provider sends when it cuts nothing."""
    messages = [{"role": "user", "content": "Hi"}]
    fields = {"model": "cut-at", "messages": messages, "stream": asking.stream, "max_tokens": 500}
    path = "/v1/messages" if asking.upstream == "messages" else "/v1/chat/completions"
    if asking.upstream != "messages" and asking.stream:
        fields["stream_options"] = {"include_usage": True}  # as the gateway asks
    with RawHTTP(provider.base_url) as http:
        http.begin("POST", path, None, {"authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}, **fields)
        http.response()
        port = http.socket.getsockname()[1]
        # The last of that port: one before may have had it, too.
        number = max(one.number for one in provider.connections if one.peer.endswith(f" {port})"))
    asked = provider.connections[number].requests[0]
    return provider.wait(lambda: asked.sent_bytes, "the answer's last byte")


def each_cut(rig: Rig, asking: Asking, check: Callable[[int, Observed], None], step: int = 1) -> int:
    """Cut after 0, 1, 2… bytes and check each; return how many bytes a whole answer has."""
    length = whole_length(rig.provider, asking)
    for at in range(0, length, step):
        if at // step % _SUCCESS_EVERY == 0:
            assert rig.ask(asking).text == TEXT
        check(at, rig.ask(asking, f"Please be cut after bytes {at}"))
    assert rig.ask(asking).text == TEXT
    return length


def check_common(asking: Asking, observed: Observed) -> None:
    exchange = observed.exchange
    assert observed.ended == (exchange.outcome == "ok")
    assert (observed.error is None) == observed.ended
    assert exchange.status == observed.response.status
    assert exchange.response_bytes == len(observed.response.body)
    # Cut before any byte, a connection that had served before is taken for one that had gone stale, and another one is
    # opened without an attempt being lost: the request is sent twice then.
    assert 1 <= observed.called <= 2
    assert len(exchange.attempts) == 1 + observed.backup_called
    if exchange.usage is None:
        assert exchange.cost_usd is None
    else:
        assert exchange.cost_usd is not None
        assert float(exchange.cost_usd) > 0


@pytest.mark.parametrize("fallback", [False, True], ids=["alone", "fallback"])
@pytest.mark.parametrize("upstream", ["chat", "messages"])
def test_a_whole_answer_that_is_cut_anywhere_is_no_answer(rig: Rig, upstream: str, fallback: bool) -> None:
    asking = Asking("cut-at", False, fallback, upstream=upstream)

    def check(at: int, observed: Observed) -> None:
        check_common(asking, observed)
        if fallback:
            assert (observed.text, observed.backup_called) == (SAYING, 1), at
            return
        assert (observed.response.status, observed.code) == (502, "upstream_cut"), at
        assert observed.exchange.outcome == "cut"
        assert observed.exchange.usage is None

    assert each_cut(rig, asking, check, 9 if fallback else 3) > 250


@pytest.mark.parametrize("fallback", [False, True], ids=["alone", "fallback"])
@pytest.mark.parametrize("upstream", ["chat", "messages"])
def test_a_stream_that_is_cut_anywhere_has_no_clean_end_and_nothing_twice(
    rig: Rig, upstream: str, fallback: bool
) -> None:
    asking = Asking("cut-at", True, fallback, upstream=upstream)
    words: list[int] = []
    ends: list[int] = []

    def check(at: int, observed: Observed) -> None:
        check_common(asking, observed)
        if observed.backup_called:
            assert fallback
            assert not words, "once a word has come, nobody else is asked"
            assert observed.text == SAYING
        elif observed.response.status == 502:
            assert not fallback
            assert not words
            assert observed.code == "upstream_cut"
        else:
            assert TEXT.startswith(observed.text), "what came, in its order, once"
            if words:
                assert len(observed.text) >= words[-1], "more bytes, and fewer words"
            words.append(len(observed.text))
            if observed.ended:
                assert observed.text == TEXT
                ends.append(at)
            else:
                assert not ends
                assert observed.code == "upstream_cut"
                assert observed.closed
                assert observed.exchange.outcome == "cut"
                assert observed.exchange.usage is not None, "what came is estimated, and not free"

    length = each_cut(rig, asking, check, STEPS[upstream] * (4 if fallback else 1))
    assert sorted(set(words))[-1] == len(TEXT)
    assert len(set(words)) >= len(WORDS), "the words came one by one"
    # The end is clean only once the dialect's last event has come: its chunk's end and the last chunk may lack.
    assert length - 10 <= min(ends, default=length)


def test_a_reset_is_as_good_as_a_close(rig: Rig) -> None:
    asking = Asking("cut-at:rst", True, False)
    length = whole_length(rig.provider, asking)
    for at in (0, 1, 20, 100, length // 2, length - 15):
        assert rig.ask(asking).text == TEXT
        observed = rig.ask(asking, f"Please be cut after bytes {at}")
        check_common(asking, observed)
        assert observed.exchange.outcome == "cut"
        assert TEXT.startswith(observed.text)
    assert json.loads(observed.response.payloads()[-1])["error"]["code"] == "upstream_cut"
