"""What `/metrics` tells of real processes."""

import time
from itertools import pairwise
from pathlib import Path

from tests.cli.program import Program, until
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.prometheus import Family, parse
from tests.support import RawHTTP, config_text


def page(address: str) -> dict[str, Family]:
    with RawHTTP(address) as http:
        return parse(http.request("GET", "/metrics").body.decode())


def total(families: dict[str, Family], name: str) -> float:
    return sum(value for one, _, value in families[name.removesuffix("_count")].samples if one == name)


def test_streams_tell_the_time_for_a_token_and_the_loop_its_lag(gateway: StartGateway) -> None:
    under_test = gateway()
    with under_test.connect() as http:
        for _ in range(2):
            assert http.chat("acme/ok", stream=True, stream_options={"include_usage": True}).status == 200
        assert http.chat("acme/ok").status == 200
    families = parse(under_test.metrics())
    where = {"route": "acme/ok", "deployment": "acme/ok"}
    name = "steelyard_time_per_output_token_seconds"
    assert families[name].value(f"{name}_count", where) == 2
    assert 0 <= families[name].value(f"{name}_sum", where) < 5
    assert families["steelyard_first_byte_seconds"].value("steelyard_first_byte_seconds_count", where) == 3
    until(lambda: total(page(under_test.url), "steelyard_loop_lag_seconds_count") > 0, "a look at the loop")


def test_the_clerk_tells_through_the_gateway_how_far_it_is(gateway: StartGateway) -> None:
    under_test = gateway()
    with under_test.connect() as http:
        assert http.chat("acme/ok").status == 200
    began = time.time()
    with under_test.beside("clerk"):
        read = "steelyard_journal_exchanges_read_total"
        until(lambda: read in (now := page(under_test.url)) and total(now, read) == 1, "the call in the ledger")
    families = page(under_test.url)
    ((_, labels, at),) = families["steelyard_journal_read_timestamp_seconds"].samples
    assert labels == {"reader": "ledger"}
    assert began - 1 <= at <= time.time()


def test_any_worker_shows_all_and_no_counter_goes_back(tmp_path: Path, provider: FakeProvider) -> None:
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": provider.base_url}))
    with Program("up", "--json", "--port", "0", "--workers", "2", cwd=tmp_path) as program:
        until(lambda: len(program.events("ready")) >= 3, "both workers, and the clerk")
        address = program.events("ready", "gateway-0")[-1]["address"]
        seen = []
        for _ in range(12):  # each on a connection of its own: the kernel chooses a worker
            with RawHTTP(address) as http:
                assert http.chat("acme/ok").status == 200
            seen.append(total(page(address), "steelyard_calls_total"))
        assert all(one <= after for one, after in pairwise(seen))
        until(lambda: total(page(address), "steelyard_calls_total") == 12, "all calls")
        workers = {labels["worker"] for _, labels, _ in page(address)["steelyard_draining"].samples}
        assert workers == {"0", "1"}
        assert program.end() == 0
    assert list((tmp_path / "home" / "metrics").glob("gateway-*")) == []
