"""Evidence of a live weighing, from calls through a real gateway to the page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Call, CallJson
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text
from tests.weigh.evidence.pages import Page

PRICE = {"price": {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}}
ITEMS = 24


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    with FakeProvider() as provider:
        acme = {"base_url": provider.base_url, "region": "eu-west-1", "retention_days": 0, "trains_on_inputs": False}
        routes = {"today": {"deployments": ["acme/ok"]}, "tomorrow": {"deployments": ["acme/echo"]}}
        config = config_text({"acme": acme}, routes=routes, deployments={"acme/ok": PRICE})
        with GatewayUnderTest(config, tmp_path_factory.mktemp("gateway")) as gateway:
            yield gateway


@pytest.fixture
def weighed(served: GatewayUnderTest, call: Call, catalogue_kept: None, tmp_path: Path) -> str:
    """Run a weighing of two routes; return its id."""
    (tmp_path / "steelyard.toml").write_text(served.config_path.read_text("utf-8"), encoding="utf-8")
    rows = [f"i{place},Say Hello or Adieu.,{('Hello', 'Adieu')[place % 3 == 0]}\n" for place in range(ITEMS)]
    (tmp_path / "items.csv").write_text("id,prompt,answer\n" + "".join(rows), encoding="utf-8")
    run = ("weigh", "run", "--items", "items.csv", "--models", "today,tomorrow", "--scorer", "contains")
    result = call(*run, "--margin", "0.1", "--gateway", served.url, "--yes", "--json")
    assert result.exit_code in (0, 1), result.output
    found: str = json.loads(result.stdout)["id"]
    return found


def test_a_live_weighing_is_reported_with_its_calls_and_verified(
    weighed: str, call: Call, call_json: CallJson, tmp_path: Path
) -> None:
    (listed,) = call_json("weigh", "list")
    assert (listed["kind"], listed["models"], listed["verdict"]) == ("live", ["today", "tomorrow"], None)
    told = call_json("weigh", "report", weighed, "--html", "page.html", "--json-out", "report.json")
    assert call_json("weigh", "list")[0]["verdict"] == told["verdict"]
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert len(report["calls"]) == 2 * ITEMS
    assert all(one["exchange"] for one in report["calls"])
    spent = {side: report["models"][side]["spending"] for side in ("baseline", "candidate")}
    assert float(spent["baseline"]["cost_usd"]) > 0
    assert spent["candidate"]["cost_usd"] is None
    assert spent["baseline"]["latency_n"] == ITEMS
    assert report["models"]["baseline"]["scorers"][0]["name"] == "contains"
    (facts,) = report["models"]["baseline"]["facts"]
    assert (facts["name"], facts["regions"], facts["retention_days"]) == ("acme/ok", ["eu-west-1"], 0)
    directory = str(tmp_path / "home" / "weighings" / weighed)
    checked = call_json("weigh", "verify", "report.json", "--inputs", directory)
    assert (checked["equal"], checked["differences"]) == (True, [])
    assert "the calls with the directory" in checked["compared"]
    text = Page((tmp_path / "page.html").read_text("utf-8")).text
    assert f"From {2 * ITEMS} calls through the gateway" in text
    assert "eu-west-1" in text


def test_a_call_that_was_changed_later_is_found(weighed: str, call: Call, call_json: CallJson, tmp_path: Path) -> None:
    call_json("weigh", "report", weighed, "--json-out", "report.json")
    calls = tmp_path / "home" / "weighings" / weighed / "calls.jsonl"
    lines = calls.read_text("utf-8").splitlines(keepends=True)
    first = json.loads(lines[0])
    lines[0] = json.dumps({**first, "took_s": first["took_s"] + 1}) + "\n"
    calls.write_text("".join(lines), encoding="utf-8")
    result = call("weigh", "verify", "report.json", "--inputs", str(calls.parent))
    assert result.exit_code == 1
    assert "took_s: the report says" in result.stdout
    assert "$.verdict.inputs_sha256" in result.stdout
