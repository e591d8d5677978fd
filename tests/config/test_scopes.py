"""Limits and budgets in steelyard.toml: what they are about, and each mistake with its line."""

from decimal import Decimal
from pathlib import Path

import pytest

from steelyard.config.loader import load_config
from steelyard.config.settings import BudgetSettings, LimitSettings
from steelyard.config.urls import resolve_shared_url
from steelyard.core.errors import ConfigError

ROUTES = '[routes.assistant]\ndeployments = ["openai/gpt-4.1"]\n'


def findings(text: str, tmp_path: Path, **flags: object) -> tuple[str, ...]:
    file = tmp_path / "steelyard.toml"
    file.write_text(ROUTES + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {}, flags)
    return tuple(finding.removeprefix(f"{tmp_path}/steelyard.toml:") for finding in caught.value.findings)


def test_limits_and_budgets_are_read_as_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text(
        ROUTES
        + """
[[limits]]
scope = "key:team-a"
requests_per_minute = 600
tokens_per_minute = 100_000
concurrent = 50

[[limits]]
scope = "user:*"
requests_per_day = 20

[[budgets]]
scope = "route:openai/gpt-4.1"
usd = "5.00"
per = "month"
warn_at = [0.5, 0.8]
""",
        encoding="utf-8",
    )
    config = load_config(file, {}, {})
    assert config.limits == (
        LimitSettings("key:team-a", requests_per_minute=600, tokens_per_minute=100_000, concurrent=50),
        LimitSettings("user:*", requests_per_day=20),
    )
    assert config.budgets == (BudgetSettings("route:openai/gpt-4.1", Decimal("5.00"), "month", warn_at=(0.5, 0.8)),)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('scope = "kei:a"', 'scope: expected KIND:NAME, like "key:team-a", got "kei:a"; did you mean "key"?'),
        ('scope = "team-a"', 'scope: expected KIND:NAME, like "key:team-a", got "team-a"; did you mean "team"?'),
        ('scope = "key:"', 'scope: expected "key:NAME", or "key:*" for each by itself'),
        (
            'scope = "key:team-*"',
            'scope: "team-*" cannot name a key: expected a whole name, or "key:*" for each by itself',
        ),
        (
            'scope = "team:a b"',
            'scope: "a b" cannot name a team: expected a whole name, or "team:*" for each by itself',
        ),
        ('scope = "user:ann"', 'scope: expected "user:*": users are counted each by itself, and are named by callers'),
        ('scope = "all:*"', 'scope: expected "all" alone: it is everything that this gateway is asked'),
        ('scope = "route:asistant"', 'scope: no route is called "asistant"; did you mean "assistant"?'),
        ('scope = "route:zzz"', 'scope: no route is called "zzz"; add [routes.zzz]'),
        ('scope = "deployment:opnai/gpt-4.1"', 'scope: no provider is called "opnai"; did you mean "openai"?'),
        (
            'scope = "deployment:gpt-4.1"',
            'scope: expected "deployment:PROVIDER/MODEL", got "gpt-4.1"; did you mean "openai/gpt-4.1"?',
        ),
    ],
)
def test_a_scope_that_names_nothing_is_told(line: str, expected: str, tmp_path: Path) -> None:
    assert findings(f"[[limits]]\n{line}\nconcurrent = 1\n", tmp_path) == (f"4: [limits] [0].{expected}",)
    budget = findings(f'[[budgets]]\n{line}\nusd = "1"\nper = "day"\n', tmp_path)
    assert budget == (f"4: [budgets] [0].{expected}",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[limits]]\nscope = "all"\nconcurrent = 0\n', "5: [limits] [0].concurrent: must be from 1 to"),
        ('[[limits]]\nscope = "all"\n', "3: [limits] [0]: limits nothing; give one of requests_per_minute, "),
        (
            '[[limits]]\nscope = "all"\nrequests_per_minute = 1\nqueue_s = 5\n',
            "6: [limits] [0].queue_s: calls wait for room in `concurrent`, and none is given; add it",
        ),
        (
            '[[limits]]\nscope = "all"\nconcurrent = 1\nqueue_s = 5\nqueue_calls = 0\n',
            "7: [limits] [0].queue_calls: must be from 1 to",
        ),
        (
            "[server]\nqueue_s = 5\n",
            "4: [server] queue_s: calls wait for room in `max_calls`, and none is given; add it",
        ),
        ('[[limits]]\nscope = "all"\nrequests_per_minit = 1\n', "5: [limits] [0].requests_per_minit: unknown key; did"),
        ('[[budgets]]\nscope = "all"\nusd = 2.5\nper = "day"\n', "5: [budgets] [0].usd: write the amount as a string"),
        (
            '[[budgets]]\nscope = "all"\nusd = "0.0000000000000000015"\nper = "day"\n',
            "5: [budgets] [0].usd: has more than 18 decimals, and a budget is counted in these",
        ),
        ('[[budgets]]\nscope = "all"\nusd = "-1"\nper = "day"\n', "5: [budgets] [0].usd: must be from 0 to 10000"),
        ('[[budgets]]\nscope = "all"\nusd = "1"\nper = "mnth"\n', "6: [budgets] [0].per: expected one of day, month"),
        ('[[budgets]]\nscope = "all"\nusd = "1"\n', "3: [budgets] [0].per: missing"),
        (
            '[[budgets]]\nscope = "all"\nusd = "1"\nper = "day"\nwarn_at = [1.5]\n',
            "7: [budgets] [0].warn_at: every part must be more than 0 and 1 at most, got 1.5",
        ),
        (
            '[[limits]]\nscope = "all"\nconcurrent = 1\n[[limits]]\nscope = "all"\nconcurrent = 2\n',
            '8: [limits] [1].concurrent: "all" has this limit already: concurrent',
        ),
        (
            '[[budgets]]\nscope = "all"\nusd = "1"\nper = "day"\n[[budgets]]\nscope = "all"\nusd = "2"\nper = "day"\n',
            '7: [budgets] [1]: "all" has this limit already: usd per day',
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, expected: str, tmp_path: Path) -> None:
    told = findings(text, tmp_path)
    assert any(one.startswith(expected) for one in told), told


@pytest.mark.parametrize("line", ["requests_per_minute = 0", "request_per_minute = 5", 'concurrent = "5"'])
def test_a_limit_that_is_wrong_is_not_called_none(line: str, tmp_path: Path) -> None:
    (told,) = findings(f'[[limits]]\nscope = "all"\n{line}\n', tmp_path)
    assert told.startswith(f"5: [limits] [0].{line.partition(' ')[0]}: ")


def test_callers_without_a_key_have_a_scope(tmp_path: Path) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text('[[limits]]\nscope = "key:(none)"\nconcurrent = 1\n', encoding="utf-8")
    assert load_config(file, {}, {}).limits == (LimitSettings("key:(none)", concurrent=1),)


def test_several_workers_cannot_share_limits(tmp_path: Path) -> None:
    (told,) = findings('[[limits]]\nscope = "all"\nconcurrent = 1\n', tmp_path, workers=2)
    assert told.startswith("--workers: limits and budgets are counted by one process")


def test_several_workers_share_limits_where_a_server_is_named(tmp_path: Path) -> None:
    text = '[[limits]]\nscope = "all"\nconcurrent = 1\n[shared]\nurl = "redis://127.0.0.1:6379/0"\n'
    file = tmp_path / "steelyard.toml"
    file.write_text(ROUTES + text, encoding="utf-8")
    assert load_config(file, {}, {"workers": 2}).server.workers == 2


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:secret@cache.example:6379/0", "holds a password; put the whole URL into a variable"),
        ("redis://cache.example/0?password=secret", "holds a password; put the whole URL into a variable"),
        ("http://cache.example", 'expected a URL like "redis://127.0.0.1:6379/0"'),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://one.example,other.example:6379/0", "names a host that is none"),
        ("redis://127.0.0.1:99999/0", "its port is no number from 1 to 65535"),
        ("redis://127.0.0.1:0/0", "its port is no number from 1 to 65535"),
        ("redis://127.0.0.1:port/0", "its port is no number from 1 to 65535"),
        ("redis://127.0.0.1:6379/xx", "its database is no number, like the 0 of"),
        ("redis://127.0.0.1:6379/0/1", "its database is no number, like the 0 of"),
        ("redis://127.0.0.1:6379/-1", "its database is no number, like the 0 of"),
        ("redis://127.0.0.1:6379?db=xx", "its database is no number, like the 0 of"),
        ("redis://127.0.0.1:6379/1?db=2", "names a database twice"),
        ("redis://127.0.0.1:6379/0?socket_timeout=90", "behind the question mark there may be, once each: db, "),
        ("redis://127.0.0.1:6379/0?ssl_cert_reqs=none", "behind the question mark there may be, once each: db, "),
        ("redis://127.0.0.1:6379/0#1", 'holds "#", behind which nothing is read'),
        ("unix://run/valkey.sock", "expected the path of a socket"),
    ],
)
def test_a_shared_server_is_named_without_its_password_and_in_full(tmp_path: Path, url: str, told: str) -> None:
    (finding,) = findings(f'[shared]\nurl = "{url}"\n', tmp_path)
    assert finding.startswith(f"{ROUTES.count(chr(10)) + 2}: [shared] url: {told}"), finding
    assert "secret" not in finding


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.example",
        "redis://[::1]:6379/",
        "valkey://cache.example:6379/15",
        "rediss://cache.example?db=3&ssl_cert_reqs=none",
        "unix:///run/valkey.sock?db=1",
    ],
)
def test_a_shared_server_is_named_in_any_way_that_its_client_reads(tmp_path: Path, url: str) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text(f'{ROUTES}[shared]\nurl = "{url}"\n', encoding="utf-8")
    assert load_config(file, {}, {}).shared.url == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:se/cret@cache.example:6379/0", "in a password / is written %2F and ? %3F"),
        ("redis://:se#cret@cache.example:6379/0", "in a password it is written %23"),
        ("redis://:secret@cache.example:6379/xx", "its database is no number"),
    ],
)
def test_what_a_reference_to_a_shared_server_stands_for_is_looked_at_without_being_told(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match="what env:VALKEY_URL stands for is wrong: ") as caught:
        resolve_shared_url("env:VALKEY_URL", {"VALKEY_URL": url})
    assert told in str(caught.value)
    assert "cret" not in str(caught.value)


def test_answers_are_shared_where_a_server_is_named_and_nowhere_else(tmp_path: Path) -> None:
    text = '[cache]\nroutes = []\nstore = "shared"\n'
    (told,) = findings(text, tmp_path)
    assert told.startswith("5: [cache] store: nothing is shared; add [shared] url")
    file = tmp_path / "steelyard.toml"
    file.write_text(text + '[shared]\nurl = "redis://127.0.0.1:1/0"\n', encoding="utf-8")
    assert load_config(file, {}, {}).cache.store == "shared"
