"""Cards, purposes and their mistakes, while the gateway runs and when it starts."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.cli.program import clean_environment
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.forked import run_forked
from tests.gateway.policy_rig import PURPOSES, configured
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, config_text
from tests.support.catalogue import keep_catalogue

MINE = """schema = 1
model = "me/mine"

[claims]
licence = {{ value = "{licence}", source = "https://example.com/mine", retrieved = 2026-11-22 }}
{more}
"""


def card(directory: Path, licence: str, more: str = "", name: str = "mine.toml") -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(MINE.format(licence=licence, more=more))


@pytest.fixture
def carded(gateway: StartGateway, provider: FakeProvider, tmp_path: Path) -> GatewayUnderTest:
    """A gateway with one card of the user's own, of a model that it may use."""
    card(tmp_path / "cards", "mit")
    facts: dict[str, Any] = {"acme/mine": {"model": "ok", "card": "me/mine"}}
    providers: dict[str, Any] = {"acme": {"base_url": provider.base_url, "self_hosted": True}}
    text = (
        config_text(providers, routes={"r": {"deployments": ["acme/mine"]}}, deployments=facts, purposes=PURPOSES)
        + f'\n[policy]\ncards = "{tmp_path / "cards"}"\npurpose = "shop"\n'
    )
    return gateway(text)


def status(served: GatewayUnderTest) -> int:
    with served.connect() as http:
        return http.chat("r").status


def test_a_card_that_changes_turns_allow_into_deny_without_a_restart(carded: GatewayUnderTest, tmp_path: Path) -> None:
    with carded.connect() as http:
        for _ in range(3):  # so that the connection's head is known
            assert http.chat("r").status == 200
        began = time.monotonic()
        card(tmp_path / "cards", "cc-by-nc-4.0")
        until(lambda: http.chat("r").status == 403, "the new card", 5)
        assert time.monotonic() - began < 5
        assert "cc-by-nc-4.0" in http.chat("r").json()["error"]["message"]
        card(tmp_path / "cards", "mit")
        until(lambda: http.chat("r").status == 200, "the old card", 5)
    assert "took the new cards" in carded.stderr


def test_a_card_that_is_gone_keeps_the_last_good_plans(carded: GatewayUnderTest, tmp_path: Path) -> None:
    (tmp_path / "cards" / "mine.toml").unlink()
    until(lambda: "kept the old plans" in carded.stderr, "a word about it")
    assert '[deployments."acme/mine"] card: no card is called "me/mine"' in carded.stderr
    assert re.search(r"steelyard\.toml:\d+: ", carded.stderr)
    assert status(carded) == 200


def broken(how: str) -> Callable[[Path], None]:
    def write(cards: Path) -> None:
        match how:
            case "bad TOML":
                (cards / "mine.toml").write_text('schema = 1\nmodel = "me/mine"\n[claims\n')
            case "unknown claim":
                card(
                    cards,
                    "cc-by-nc-4.0",
                    'licens = { value = "mit", source = "https://example.com", retrieved = 2026-11-22 }',
                )
            case "no source":
                card(cards, "cc-by-nc-4.0", 'developer = { value = "me", retrieved = 2026-11-22 }')
            case "circular lineage":
                of = '{{ value = ["{}"], source = "https://example.com", retrieved = 2026-11-22 }}'
                (cards / "other.toml").write_text(
                    MINE.format(licence="mit", more=f"base_model = {of.format('me/mine')}").replace(
                        "me/mine", "me/other", 1
                    )
                )
                card(cards, "cc-by-nc-4.0", f"base_model = {of.format('me/other')}")
            case _:
                card(cards, "cc-by-nc-4.0", name="second.toml")

    return write


BROKEN = {
    "bad TOML": (3, "not TOML"),
    "unknown claim": (6, 'did you mean "licence"?'),
    "no source": (6, "source"),
    "circular lineage": (6, "the lineage goes in a circle: me/"),
    "two cards": (None, 'the model "me/mine" has a card already'),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_card_keeps_the_last_good_plans_and_says_file_and_line(
    carded: GatewayUnderTest, tmp_path: Path, how: str
) -> None:
    cards = tmp_path / "cards"
    broken(how)(cards)
    until(lambda: "kept the old plans" in carded.stderr, "a word about it")
    line, words = BROKEN[how]
    place = rf"/cards/\w+\.toml{'' if line is None else f':{line}'}\b"
    told = [text for text in carded.stderr.splitlines() if "kept the old plans" in text]
    assert any(re.search(place, text) and words in text for text in told), told
    assert status(carded) == 200
    assert carded.ready_status() == 200
    for file in cards.iterdir():
        file.unlink()
    card(cards, "cc-by-nc-4.0")
    until(lambda: status(carded) == 403, "the mended card", 5)


def refused_at_start(directory: Path) -> CompletedProcess[str]:
    """Start a gateway in a directory where it should not begin."""
    keep_catalogue(directory / "home" / "catalogue")
    done = run_forked(["gateway", "--port", "0"], clean_environment(directory), directory)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_card_at_the_start_is_bad_input_with_file_and_line(tmp_path: Path, how: str) -> None:
    card(tmp_path / "cards", "mit")
    broken(how)(tmp_path / "cards")
    (tmp_path / "steelyard.toml").write_text('[policy]\ncards = "cards"\n')
    done = refused_at_start(tmp_path)
    line, words = BROKEN[how]
    assert re.search(rf"\bcards/\w+\.toml{'' if line is None else f':{line}'}\b", done.stderr)
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[purposes.shop]\nuse = "commercial"\nterritorry = "DE"\n',
         'steelyard.toml:3: [purposes.shop] territorry: unknown key; did you mean "territory"?'),
        ('[purposes.shop]\nuse = "comercial"\n', "steelyard.toml:2: [purposes.shop] use: "),
        ('[policy]\npurpose = "shoop"\n[purposes.shop]\nuse = "research"\n', 'did you mean "shop"?'),
        ('[routes.r]\ndeployments = ["openai/x"]\n[routes.r.require]\nmax_retention = 3\n',
         'steelyard.toml:4: [routes.r] require.max_retention: unknown key; did you mean "max_retention_days"?'),
        ('[providers.openai]\nterms = "mitt"\n', "steelyard.toml:2: [providers.openai] terms: no terms are called"),
        ('[deployments."openai/x"]\ncard = "microsoft/phi4"\n',
         'steelyard.toml:2: [deployments."openai/x"] card: no card is called "microsoft/phi4"; did you mean "micro'),
        ('[policy]\ncards = "nowhere"\n', "steelyard.toml:2: [policy] cards: "),
    ],
)  # fmt: skip
def test_a_mistake_in_what_is_declared_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "steelyard.toml").write_text(text)
    assert told in refused_at_start(tmp_path).stderr


def test_a_purpose_that_changes_takes_effect_without_a_restart(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(configured(provider, purpose="lab"))
    with served.connect() as http:
        assert http.chat("forbidden").status == 200
        served.config_path.write_text(configured(provider, purpose="shop"))
        until(lambda: http.chat("forbidden").status == 403, "the new purpose", 5)
        served.config_path.write_text(configured(provider, purpose="shoop"))
        until(lambda: "kept the old configuration" in served.stderr, "a word about it")
        assert http.chat("forbidden").status == 403


def test_a_card_with_an_endless_number_is_told_and_the_next_change_is_taken(
    carded: GatewayUnderTest, tmp_path: Path
) -> None:
    card(tmp_path / "cards", "mit", f'context = {{ value = {"9" * 5_000}, source = "x", retrieved = 2026-11-22 }}')
    until(lambda: "holds a number that is too long" in carded.stderr, "a word about it")
    card(tmp_path / "cards", "cc-by-nc-4.0")
    until(lambda: status(carded) == 403, "the card that was mended")


def test_a_local_model_s_card_is_read_again_when_it_is_corrected(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(configured(provider, purpose="shop"))
    folder = served.home / "models" / "mine"

    def listed() -> bool:
        with served.connect() as http:
            return "local/mine" in {one["id"] for one in http.request("GET", "/v1/models").json()["data"]}

    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"GGUF")
    assert not listed()
    card(folder, "mit", name="card.toml")
    until(listed, "the model with its card", 5)
    card(folder, "cc-by-nc-4.0", name="card.toml")
    until(lambda: not listed(), "the corrected card", 5)
