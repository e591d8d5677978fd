"""Queries: figures that add up, unknowns that stay unknown, exchanges that come back as they were."""

from decimal import Decimal
from pathlib import Path

import pytest

from steelyard.config.settings import LedgerSettings
from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.core.usage import Usage
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.queries import CostRow, Only, cost, show, tail
from steelyard.ledger.store import Ledger
from tests.journal.samples import exchange
from tests.ledger.samples import journal_of

DAY = 86_400.0
MONDAY = 1_760_313_600.0  # 2025-10-13T00:00:00Z

CALLS = [
    exchange(0, received_at=MONDAY, cost_usd="0.1"),
    exchange(1, received_at=MONDAY + 0.5, cost_usd="0.2", usage=Usage(7, None)),
    exchange(2, received_at=MONDAY + DAY - 0.001, cost_usd="0.000000000000000001", route="other"),
    exchange(3, received_at=MONDAY + DAY, cost_usd=None, usage=None, route="other"),
    exchange(4, received_at=MONDAY + DAY, cost_usd="0", key=None, deployment="local/smollm2-135m"),
    exchange(
        5, received_at=MONDAY + 2 * DAY, cost_usd=None, outcome="rejected", status=429, deployment=None, usage=None
    ),
    exchange(6, received_at=MONDAY + 3 * DAY, cost_usd=None, usage=None, route="dark", key="team-b"),
]


@pytest.fixture
def filled(ledger: Ledger, tmp_path: Path) -> Ledger:
    _take(ledger, tmp_path, CALLS)
    return ledger


def _take(ledger: Ledger, tmp_path: Path, exchanges: list[Exchange]) -> None:
    journal_of(tmp_path / "journal", exchanges)
    with Clerk(ledger, tmp_path / "journal", LedgerSettings()) as clerk:
        while clerk.step():
            continue


def test_cost_by_day_is_exact_and_counts_what_is_unknown(filled: Ledger) -> None:
    assert cost(filled, "day") == [
        CostRow("2025-10-13", 3, 207, 40, Decimal("0.300000000000000001"), 0),
        CostRow("2025-10-14", 2, 100, 20, Decimal(0), 1),
        CostRow("2025-10-15", 1, None, None, Decimal(0), 0),
        CostRow("2025-10-16", 1, None, None, None, 1),
    ]


def test_cost_by_route_lists_the_dearest_first(filled: Ledger) -> None:
    rows = cost(filled, "route")
    assert [(row.group, row.calls, row.cost_usd, row.unknown) for row in rows] == [
        ("assistant", 4, Decimal("0.3"), 0),
        ("other", 2, Decimal("0.000000000000000001"), 1),
        ("dark", 1, None, 1),
    ]


def test_cost_by_model_and_by_key_keep_calls_that_have_none(filled: Ledger) -> None:
    assert {row.group: row.calls for row in cost(filled, "model")} == {
        "openai/gpt-4.1": 5,
        "local/smollm2-135m": 1,
        None: 1,
    }
    assert {row.group: row.calls for row in cost(filled, "key")} == {"team-a": 5, None: 1, "team-b": 1}


def test_cost_can_be_asked_for_a_time_a_key_and_a_route(filled: Ledger) -> None:
    def calls(only: Only) -> int:
        return sum(row.calls for row in cost(filled, "route", only))

    assert calls(Only(since=MONDAY + DAY)) == 4
    assert calls(Only(since=MONDAY, until=MONDAY + DAY)) == 3
    assert calls(Only(key="team-b")) == 1
    assert calls(Only(route="other", until=MONDAY + DAY)) == 1


def test_a_thousand_small_amounts_sum_without_a_rounding_error(ledger: Ledger, tmp_path: Path) -> None:
    amounts = [Decimal(n) * Decimal("0.000000075") + Decimal("0.0000000000123") for n in range(1000)]
    _take(ledger, tmp_path, [exchange(n, cost_usd=str(amount)) for n, amount in enumerate(amounts)])
    assert cost(ledger, "key")[0].cost_usd == sum(amounts)


def test_tail_gives_the_last_ones_in_order_and_goes_on_from_there(filled: Ledger) -> None:
    last = tail(filled, 2)
    assert [found.exchange for found in last] == CALLS[5:]
    assert [found.seq for found in last] == [5, 6]
    assert tail(filled, 10, after_seq=6) == []
    assert [found.seq for found in tail(filled, 3, after_seq=1)] == [2, 3, 4]
    assert [found.seq for found in tail(filled, 10, only=Only(route="other"))] == [2, 3]


def test_show_gives_an_exchange_as_it_was_with_attempts_and_bodies(ledger: Ledger, tmp_path: Path) -> None:
    whole = exchange(
        0xABC,
        record="full",
        request=b'{"model":"assistant"}',
        response=b"\x00\xff data: [DONE]\n\n",
        usage=Usage(1, 2, 3, 4, 5, 6, 7, True),
        end_user="ünï",
        region="eu-fr",
        error="öops",
        stream=True,
    )
    _take(ledger, tmp_path, [exchange(1), whole])
    assert show(ledger, whole.id).exchange == whole
    assert tail(ledger, 1)[0].exchange.request is None


def test_the_beginning_of_an_id_will_do_when_it_fits_one_only(ledger: Ledger, tmp_path: Path) -> None:
    _take(ledger, tmp_path, [exchange(0, id=name) for name in ("req_0a11", "req_0a12", "req_0b", "req_0b9", "req_0B")])
    assert show(ledger, "req_0a11").seq == 0
    assert show(ledger, "0a12").seq == 1
    assert show(ledger, "req_0b").seq == 2
    assert show(ledger, "0B").seq == 4
    with pytest.raises(StoreError, match="Several exchanges begin with 0a1: req_0a11, req_0a12"):
        show(ledger, "0a1")
    for nothing in ("req_1", "req_%", "", "req_0a11f"):
        if nothing:
            with pytest.raises(StoreError, match="has no exchange"):
                show(ledger, nothing)
