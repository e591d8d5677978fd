"""Dollars as two integers, so that any database sums them exactly.

A cost is whole 10^-9 dollars (`nano`) and a rest in 10^-18 dollars (`atto`). Prices are per million tokens with a few
decimals at most, so 18 decimals hold every cost exactly; one with more is rounded to the nearest (half to even).
"""

from decimal import Context, Decimal, InvalidOperation

__all__ = ["from_parts", "to_parts"]

_EXACT = Context(prec=80)
_ATTO = Decimal("1e-18")
_NANO = 10**9
_MOST_NANO = 2**63 - 1


def to_parts(cost_usd: str | None) -> tuple[int | None, int | None]:
    """Return (nano, atto) of a decimal string; (None, None) for what is unknown, no number, or over nine billion
    dollars."""
    if cost_usd is None:
        return None, None
    try:
        cost = Decimal(cost_usd)
        if not cost.is_finite():
            return None, None
        nano, atto = divmod(int(cost.quantize(_ATTO, context=_EXACT).scaleb(18, context=_EXACT)), _NANO)
    except InvalidOperation:
        return None, None
    return (nano, atto) if abs(nano) <= _MOST_NANO else (None, None)


def from_parts(nano: int | Decimal, atto: int | Decimal) -> Decimal:
    """Return the dollars of two sums, exactly and without an exponent or trailing zeros."""
    total = _EXACT.add(Decimal(nano).scaleb(-9, context=_EXACT), Decimal(atto).scaleb(-18, context=_EXACT))
    plain = total.normalize(_EXACT)
    return plain.quantize(Decimal(1), context=_EXACT) if plain == plain.to_integral_value() else plain
