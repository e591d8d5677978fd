"""A budget that one gateway counts by itself, while it is replaced: what the old process may still spend counts."""

import os
import signal
from decimal import Decimal
from pathlib import Path

import msgspec

from steelyard.gateway.memory import Snapshot
from tests.cli.program import Program, is_alive, run_program, until
from tests.fake import FakeProvider
from tests.support import RawHTTP, Response, config_text
from tests.support.journal import journalled

PRICE = {"price": {"input_usd_per_mtok": "0", "output_usd_per_mtok": "10"}}
BUDGET = '\n[[budgets]]\nscope = "all"\nusd = "1.00"\nper = "total"\n'
MOST = 80_000
"""Output tokens of the call under way: 0.80 of the dollar."""
OTHER = 40_000
LITTLE = 100


def begun(home: Path, provider: FakeProvider) -> Program:
    deployments = {f"acme/{model}": PRICE for model in ("ok", "endless:0.01")}
    (home / "steelyard.toml").write_text(config_text({"acme": provider.base_url}, deployments=deployments) + BUDGET)
    program = Program("up", "--json", "--port", "0", cwd=home)
    program.wait_ready("gateway", "clerk")
    return program


def restarted(home: Path) -> None:
    done = run_program("restart", "--json", cwd=home)
    assert done.returncode == 0, done.stdout


def ask(address: str, max_tokens: int) -> Response:
    with RawHTTP(address, timeout_s=60) as http:
        return http.chat("acme/ok", max_tokens=max_tokens)


def standing(home: Path) -> tuple[Decimal, Decimal] | None:
    """Return what is spent of the budget, and what is reserved, as the gateway last told."""
    try:
        shown = msgspec.json.decode((home / "home" / "limits.json").read_bytes(), type=Snapshot)
    except FileNotFoundError:
        return None
    return Decimal(shown.standings[0].used), Decimal(shown.standings[0].reserved)


def spent(home: Path) -> Decimal:
    return sum((Decimal(one.cost_usd or 0) for one in journalled(home / "home")), Decimal(0))


def test_what_the_old_process_may_spend_counts_until_it_has_ended(
    tmp_path: Path, provider: FakeProvider, catalogue_kept: None
) -> None:
    with begun(tmp_path, provider) as program:
        address, old = program.address, program.pid_of("gateway")
        assert ask(address, LITTLE).status == 200
        with RawHTTP(address, timeout_s=60) as stream, RawHTTP(address, timeout_s=60) as kept:
            assert kept.chat("acme/ok", max_tokens=LITTLE).status == 200
            stream.begin_chat("acme/endless:0.01", stream=True, max_tokens=MOST)
            assert stream.head().status == 200
            restarted(tmp_path)
            refused = ask(address, OTHER)
            assert (refused.status, refused.error_code) == (402, "budget_exceeded")
            assert refused.header("x-should-retry") == "true"
            assert ask(address, LITTLE).status == 200
            # The old process keeps an eighth of what is left, 0.025, for calls on connections that it has.
            late = kept.chat("acme/ok", max_tokens=5 * 1000)
            assert (late.status, late.header("connection")) == (402, "close")
            restarted(tmp_path)  # the third one goes by the second, which goes by the first
            assert is_alive(old)
            assert ask(address, OTHER).status == 402
        until(lambda: not is_alive(old), "the end of the old one")
        until(lambda: ask(address, OTHER).status == 200, "room for what was reserved")
        until(lambda: standing(tmp_path) == (spent(tmp_path), Decimal(0)), "what was spent, and nothing reserved")
        assert program.end() == 0


def test_what_a_killed_process_might_have_spent_stays_reserved_until_the_next_start(
    tmp_path: Path, provider: FakeProvider, catalogue_kept: None
) -> None:
    with begun(tmp_path, provider) as program:
        address, old = program.address, program.pid_of("gateway")
        with RawHTTP(address, timeout_s=60) as stream:
            stream.begin_chat("acme/endless:0.01", stream=True, max_tokens=MOST)
            assert stream.head().status == 200
            restarted(tmp_path)
            os.kill(old, signal.SIGKILL)
            until(lambda: not is_alive(old), "its end")
            assert ask(address, OTHER).status == 402
            os.kill(program.pid_of("gateway"), signal.SIGKILL)
            program.wait_ready("gateway", times=3)
            assert ask(address, LITTLE).status == 200
