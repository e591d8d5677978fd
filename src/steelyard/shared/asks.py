"""What a gateway tells and asks the server of one counter, and what it is told. Amounts are the counter's: calls,
tokens, micro-dollars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

__all__ = ["FULL", "HELD", "OK", "RESTORING", "Ask", "Base", "Given", "Loan", "Store", "StoreLost", "Told"]

OK: Final = 0
RESTORING: Final = 1
"""What was counted before the server was emptied is not known yet."""
FULL: Final = 2
"""It is used up."""
HELD: Final = 3
"""What is left of it is lent to other gateways, which are told to give it back."""


class Loan(Struct, frozen=True):
    """What is asked for: `least` at least, or nothing; `need`, if it is there; and `want` more, if there is plenty."""

    need: int = 0
    least: int = 0
    want: int = 0


class Ask(Struct, frozen=True):
    """One counter, as a gateway tells of it. `taken`: `slot:amount …` of a window (slots of a sixtieth of `length_s`,
    by the server's clock), a number of a gate, `spent:reserved` of a purse. `held`: what is left of the lease.
    `ends_at`: the end of a purse's period (seconds since the epoch); None: it has none."""

    key: str
    rule: str
    kind: Literal["window", "gate", "purse"]
    limit: int
    taken: str
    held: int = 0
    loan: Loan = Loan()
    length_s: float = 0.0
    ends_at: float | None = None


class Given(Struct, frozen=True):
    """What a gateway is told of one counter. `granted` comes on top of what it holds. `others`: what all other gateways
    took, `reserved`: what their calls may take where that is set apart. `wait_s`: after how long the least may be
    there; `empty_s`: after how long nothing of a window counts."""

    status: int
    granted: int
    others: int
    reserved: int
    wait_s: float
    empty_s: float


class Told(Struct, frozen=True):
    """The server's answer: whose data it has (`epoch`: another one, and it was emptied), its clock, how many gateways
    live, and which counters others wait for."""

    epoch: str
    now_s: float
    live: int
    tight: frozenset[str]
    given: list[Given]


class Base(Struct, frozen=True):
    """What a ledger has of one counter beside what its gateways have told: `taken` as they tell it ("": nothing), and
    for how many seconds the server keeps it (0: for ever)."""

    taken: str
    keep_s: float


class StoreLost(Exception):
    """The server cannot be reached, or did not answer as it should; the text says which, without any password.
    `refused`: it wants another name or password, or the name may not do what is needed."""

    refused = False


class Store(Protocol):
    """What is asked of the server. Every method raises StoreLost, within two seconds."""

    async def sync(self, writer: str, asks: Sequence[Ask], mark: str = "") -> Told:
        """Tell what a gateway took and holds, and return what it is given."""

    async def leave(self, writer: str) -> None:
        """Take note that a gateway has ended, and left nothing open."""

    async def based(self, ledger: str) -> frozenset[str]:
        """Return the rules of which it is known what a ledger has."""

    async def survey(self, rules: Iterable[str], ledger: str) -> dict[str, list[str]]:
        """Return what each gateway of a ledger took, by counter, of the counters of some rules."""

    async def put_base(self, ledger: str, epoch: str, found: Mapping[str, Mapping[str, Base]]) -> bool:
        """Have it counted what a ledger has beside what its gateways have told, by rule and counter. Of a rule that is
        known already nothing is changed: gateways have counted since. Return whether the server still has the data
        that it had been asked about."""

    async def marks(self) -> dict[str, str]:
        """Return how far each gateway's journal was when it last told what it had spent."""

    async def silent(self, writer: str) -> bool:
        """Say whether a gateway has given no sign of life for longer than a lease lasts."""

    async def spent_by(self, writer: str) -> list[str]:
        """Return the budgets that a gateway has told of."""

    async def settle(self, writer: str, more: dict[str, int]) -> bool:
        """Count, in the place of what a gateway that is gone was lent, what it spent beside what it had told (in
        micro-dollars, by budget). Return whether there was anything to settle."""

    async def close(self) -> None:
        """Close the connection."""
