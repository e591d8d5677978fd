"""Money: sums are exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.ledger.money import from_parts, to_parts

_costs = st.decimals(min_value=0, max_value=10**6, places=18, allow_nan=False, allow_infinity=False)


@given(st.lists(_costs, max_size=30))
def test_the_sums_of_the_parts_are_the_sum_of_the_costs(costs: list[Decimal]) -> None:
    parts = [to_parts(str(cost)) for cost in costs]
    total = from_parts(sum(nano or 0 for nano, _ in parts), sum(atto or 0 for _, atto in parts))
    assert total == sum((int(cost.scaleb(18)) for cost in costs), 0) * Decimal("1e-18")


@pytest.mark.parametrize("text", [None, "", "unknown", "NaN", "Infinity", "1e400", "10000000000.5", "1e999999999999"])
def test_what_is_no_amount_is_unknown(text: str | None) -> None:
    assert to_parts(text) == (None, None)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("0", "0"), ("0.000260", "0.00026"), ("1E+3", "1000"), ("0.0000000000000000005", "0"), ("2.675", "2.675")],
)
def test_an_amount_prints_without_exponent_and_trailing_zeros(text: str, plain: str) -> None:
    nano, atto = to_parts(text)
    assert nano is not None
    assert atto is not None
    assert str(from_parts(nano, atto)) == plain
