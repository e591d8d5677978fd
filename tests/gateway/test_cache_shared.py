"""A cache that two gateways share in a server, which is lost and comes back."""

from pathlib import Path

from tests.fake import FakeProvider
from tests.gateway.cache_rig import Cached, asking, configured
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest
from tests.support.valkey import Valkey


def test_gateways_give_each_other_s_answers_and_do_without_the_server(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("valkey", "one", "other")]
    for home in homes:
        home.mkdir()
    with FakeProvider() as provider, Valkey(homes[0]) as server:
        # No limit is there to be counted: the server has answers alone.
        text = configured(provider, cache={"store": "shared", "share": "all"})
        text += f'\n[shared]\nurl = "{server.url}"\n'
        with GatewayUnderTest(text, homes[1]) as first, GatewayUnderTest(text, homes[2]) as second:
            one, other = Cached(first, provider), Cached(second, provider)
            kept = one.chat(**asking("shared"))
            assert kept.header("x-steelyard-cache") == "miss"
            until(lambda: server.say("ZCARD", '"steelyard answers"') == b":1\r\n", "the answer in the server")
            found = other.chat(**asking("shared"))
            assert found.header("x-steelyard-cache") == "hit"
            assert found.json()["choices"] == kept.json()["choices"]
            assert provider.malformed == []

            rows = second.steelyard("cache", "show", "--config", str(second.config_path))["server"]
            assert [(row["route"], row["entries"]) for row in rows] == [("assistant", 1)]
            cleared = second.steelyard("cache", "clear", "--config", str(second.config_path))
            assert cleared["dropped_in_server"] in (0, 1), "the gateway may have been quicker"
            assert server.say("ZCARD", '"steelyard answers"') == b":0\r\n"
            for each in (other, one):
                until(lambda: _has_nothing(each), "its memory to be empty")  # noqa: B023

            server.kill()
            assert [one.told(**asking(f"without {number}")) for number in range(4)] == ["miss"] * 4
            assert one.told(**asking("without 0")) == "hit", "from memory"
            assert first.stderr.count("cache: [shared] url: ") == 1, first.stderr
            server.start()
            until(lambda: _asks(one) and server.say("ZCARD", '"steelyard answers"') != b":0\r\n", "answers in it")
            assert first.stderr.count("cache: [shared] url: ") == 1, first.stderr


def _asks(served: Cached) -> bool:
    """Ask what nobody has asked before."""
    return served.told(**asking(f"question {served.asked}")) == "miss"


def _has_nothing(served: Cached) -> bool:
    """Say whether what was shared is kept no more."""
    return served.chat(**asking("shared"), said="only-if-cached").status == 504
