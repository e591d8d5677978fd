"""What earlier calls took: the ledger and the journal behind it say together what a sum over all exchanges says."""

import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from steelyard.config.settings import LedgerSettings
from steelyard.core.exchange import Attempt, Exchange, Outcome
from steelyard.core.usage import Usage
from steelyard.journal.writer import JournalWriter
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.spent import spent_before
from steelyard.ledger.store import Ledger
from steelyard.limits.recall import Want

START = 1_795_392_000.0


def exchanges(count: int) -> list[Exchange]:
    """Return calls of a day, some of which were rejected, or have no known cost or usage."""
    draw = random.Random(11)
    found = []
    for number in range(count):
        rejected = draw.random() < 0.2
        usage = Usage(draw.randrange(1000), draw.randrange(100)) if not rejected and draw.random() < 0.9 else None
        found.append(
            Exchange(
                f"req_{number:032x}",
                START + number * 86_400 / count,
                "0",
                "chat/completions",
                "openai",
                draw.choice(("key_1", "key_2", None)),
                draw.choice(("assistant", "cheap")),
                None if rejected else draw.choice(("acme/m", "acme/n")),
                429 if rejected else 200,
                "rejected" if rejected else "ok",
                False,
                () if rejected else (Attempt("acme/m", "ok", 0.0, 1.0, 200),),
                usage=usage,
                cost_usd=f"{draw.randrange(10**6)}e-12" if usage is not None else None,
                end_user=draw.choice(("ann", "bob", None)),
                cache="hit" if not rejected and number % 7 == 0 else None,
            )
        )
    return found


def test_ledger_and_journal_together_hold_what_was_taken(ledger: Ledger, tmp_path: Path) -> None:
    every = exchanges(400)
    journal = JournalWriter(tmp_path, "0", 1 << 20)
    for one in every[:250]:
        journal.append(one)
    with Clerk(ledger, tmp_path, LedgerSettings()) as clerk:
        assert clerk.step() == 250
    for one in every[250:]:
        journal.append(one)
    wants = [
        Want(START, None, False),
        Want(START + 43_200, None, True),
        Want(START + 1440 * 20, 1440.0, False),
        Want(START + 80_000 // 60 * 60, 60.0, True),
    ]
    answers = spent_before(ledger, tmp_path, wants)
    journal.close()
    for want in wants:
        found: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
        for spent in answers[want]:
            amounts = found[spent.key, spent.route, spent.deployment, spent.user, spent.until]
            for place, amount in enumerate((spent.requests, spent.tokens, spent.atto)):
                amounts[place] += amount
        assert dict(found) == expected(every, want)


def expected(every: list[Exchange], want: Want) -> dict[tuple[object, ...], list[int]]:
    """Return the same sums, one exchange after the other."""
    sums: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in every:
        if one.outcome == "rejected" or one.received_at < want.since:
            continue
        until = float("inf") if want.width_s is None else (one.received_at // want.width_s + 1) * want.width_s
        asked = one.deployment if one.cache != "hit" else None
        amounts = sums[one.key, one.route, asked, one.end_user if want.by_user else None, until]
        amounts[0] += 1
        if one.usage is not None:
            amounts[1] += (one.usage.input or 0) + (one.usage.output or 0)
        amounts[2] += int(Decimal(one.cost_usd or 0) * 10**18)
    return dict(sums)


@pytest.mark.parametrize("outcome", ["rejected", "client_gone"])
def test_a_call_that_ended_early_counts_if_something_was_attempted(
    ledger: Ledger, tmp_path: Path, outcome: Outcome
) -> None:
    tried = structs.replace(exchanges(1)[0], outcome=outcome, attempts=(Attempt("acme/m", "cut", 0.0, 1.0),))
    untried = structs.replace(tried, id="req_2", attempts=())
    journal = JournalWriter(tmp_path, "0", 1 << 20)
    journal.append_all([tried, untried])
    want = Want(START, None, False)
    before = spent_before_of_journal(ledger, tmp_path, want)
    with Clerk(ledger, tmp_path, LedgerSettings()) as clerk:
        assert clerk.step() == 2
    (one,) = spent_before(ledger, tmp_path, [want])[want]
    assert before == one.requests == 1
    journal.close()


def spent_before_of_journal(ledger: Ledger, directory: Path, want: Want) -> int:
    ledger.upgrade()
    return sum(one.requests for one in spent_before(ledger, directory, [want])[want])
