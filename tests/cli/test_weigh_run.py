"""`steelyard weigh run`, through a real gateway in front of a provider on loopback."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steelyard.cli.weigh_run_shown import dollars
from steelyard.weigh.runs.asked import Asked
from steelyard.weigh.runs.call import Call as Made
from steelyard.weigh.runs.folder import Folder, Weighings
from tests.cli.conftest import Call
from tests.cli.program import Program, clean_environment, until
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text, free_port

PRICE = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}
PRICED = ("acme/ok", "acme/echo", "acme/slow-first-byte:0.05", "acme/slow-first-byte:20", "acme/no-usage")
ROUTES = {"today": {"deployments": ["acme/ok"]}, "tomorrow": {"deployments": ["acme/echo"]}}


class World:
    """A gateway, and a provider of which the model `echo` says what it was asked, and `ok` always the same."""

    def __init__(self, provider: FakeProvider, served: GatewayUnderTest) -> None:
        self.provider = provider
        self.served = served

    def asked(self) -> int:
        """Return how many calls the provider has got."""
        return sum(request.method == "POST" for request in self.provider.requests)


def configured(provider: FakeProvider, **more: Any) -> str:
    return config_text(
        {"acme": provider.base_url}, routes=ROUTES, deployments={name: {"price": PRICE} for name in PRICED}, **more
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with FakeProvider() as provider, GatewayUnderTest(configured(provider), tmp_path_factory.mktemp("gw")) as served:
        yield World(provider, served)


Weigh = Callable[..., Any]


@pytest.fixture
def weigh(world: World, call: Call, tmp_path: Path) -> Weigh:
    """Call `steelyard weigh run …` against the world, with 30 items in items.csv."""
    (tmp_path / "steelyard.toml").write_text(world.served.config_path.read_text())
    write_items(tmp_path, 30)

    def invoke(*arguments: str, items: str | None = "items.csv") -> Any:
        source = ("--items", items) if items is not None else ()
        gateway = () if "--gateway" in arguments else ("--gateway", world.served.url)
        return call("weigh", "run", *source, *gateway, *arguments)

    return invoke


def write_items(directory: Path, count: int) -> None:
    """Write items: of ten, `echo` answers nine and `ok` three."""
    words = ["Hello", "Hello", "Hello", *["Grüezi"] * 6, "Grüezi miteinander"]
    rows = [f"i{n},Please say Hello or Grüezi {n}.,{words[n % 10]},{'ab'[n // 10 % 2]}\n" for n in range(count)]
    (directory / "items.csv").write_text("id,prompt,answer,topic\n" + "".join(rows))


def folder(tmp_path: Path) -> Folder:
    return Weighings(tmp_path / "home").find("latest")


def calls(tmp_path: Path) -> list[Made]:
    return folder(tmp_path).read("calls.jsonl", Made)


SCORED = ("--scorer", "contains", "--max-tokens", "50")


def test_a_better_model_may_take_the_place_and_the_evidence_is_kept(weigh: Weigh, tmp_path: Path) -> None:
    result = weigh("--models", "today,tomorrow", *SCORED, "--margin", "0.1", "--slice", "topic", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["complete"], said["stopped"], said["calls"]) == (True, None, {"done": 60, "failed": 0, "total": 60})
    assert f"60 of 60 calls, {dollars(said['spent_usd'])}\n" in result.stderr
    assert said["verdict"]["verdict"] == "SWAP"
    assert (said["verdict"]["baseline_mean"], said["verdict"]["candidate_mean"]) == (0.3, 0.9)
    assert {one["value"]: one["n"] for one in said["verdict"]["slices"]} == {"a": 20, "b": 10}
    today, tomorrow = said["models"]
    assert (today["model"], today["n"], today["mean"], today["failed"], today["unparsed"]) == ("today", 30, 0.3, 0, 0)
    assert (tomorrow["mean"], tomorrow["deployments"]) == (0.9, ["acme/echo"])
    assert 0.7 < tomorrow["ci"][0] < 0.9 < tomorrow["ci"][1]
    assert float(said["spent_usd"]) == pytest.approx(sum(float(one["cost_usd"]) for one in said["models"]))
    assert "constant_output" in {flag["kind"] for flag in said["verdict"]["flags"]}
    plan = folder(tmp_path).plan()
    assert (plan.id, plan.models, plan.items) == (said["id"], ("today", "tomorrow"), 30)
    assert plan.declared is not None
    assert (plan.declared.baseline, plan.declared.margin, plan.declared.slices) == ("today", 0.1, ("topic",))
    made = calls(tmp_path)
    assert len({call.exchange for call in made if call.exchange and call.exchange.startswith("req_")}) == 60
    assert {(call.scorer, call.version) for call in made} == {("contains", "1")}
    assert {json.dumps(item.request) for item in folder(tmp_path).items()} == {'{"max_tokens": 50}'}


def test_a_worse_model_may_not_and_people_are_shown_why(weigh: Weigh) -> None:
    result = weigh("--models", "today,tomorrow", *SCORED, "--baseline", "tomorrow", "--candidate", "today",
                   "--margin", "0.1")  # fmt: skip
    assert result.exit_code == 1
    assert "DON'T today may not take the place of tomorrow" in result.stdout
    assert "all items" in result.stdout
    assert "MODEL" in result.stdout
    assert "30 items of items.csv, 1 time(s), by 2 model(s); contains; seed 0." in result.stderr
    assert "today: 30 calls, about" in result.stderr
    assert "at most 1,500 of answers; at most $0.0" in result.stderr
    assert "60 of 60 calls" in result.stderr


def test_without_a_margin_models_are_only_compared(weigh: Weigh) -> None:
    result = weigh("--models", "today,tomorrow,acme/no-usage", *SCORED)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["today", "tomorrow", "acme/no-usage"]
    assert "NEED MORE" not in result.stdout


def test_a_task_brings_its_own_scorer_slices_and_prompt(weigh: Weigh, tmp_path: Path) -> None:
    result = weigh("--models", "today,tomorrow", "--margin", "0.1", "--json", items="task:gsm8k")
    assert result.exit_code == 1
    plan = folder(tmp_path).plan()
    assert plan.scorer is not None
    assert (plan.source, plan.scorer.name, plan.licence) == ("task:gsm8k", "numeric", "Apache-2.0")
    assert plan.prompt_sha256
    assert plan.declared is not None
    assert plan.declared.slices == ("steps",)
    flags = {flag["kind"] for flag in json.loads(result.stdout)["flags"]}
    assert "unparsed" in flags


def test_repeats_are_averaged_and_a_sample_is_drawn_by_its_seed(weigh: Weigh, tmp_path: Path) -> None:
    result = weigh("--models", "today,tomorrow", *SCORED, "--repeats", "3", "--sample", "12", "--seed", "5",
                   "--margin", "0.1", "--json")  # fmt: skip
    said = json.loads(result.stdout)
    assert (said["calls"]["total"], said["verdict"]["n"]) == (72, 12)
    assert "repeats" in {flag["kind"] for flag in said["verdict"]["flags"]}
    assert (folder(tmp_path).plan().held, folder(tmp_path).plan().items) == (30, 12)


def test_failed_calls_are_missing_scores_or_failures_when_asked(weigh: Weigh) -> None:
    models = ("--models", "tomorrow,acme/status:400", *SCORED, "--margin", "0.1", "--json")
    said = json.loads(weigh(*models).stdout)
    assert (said["calls"]["failed"], said["verdict"]["n"], said["models"][1]["mean"]) == (30, 0, None)
    assert "failed" in {flag["kind"] for flag in said["flags"]}
    failing = weigh(*models, "--missing", "fail")
    assert json.loads(failing.stdout)["verdict"]["verdict"] == "DONT"
    assert failing.exit_code == 1


def test_a_model_that_never_answered_is_no_success(weigh: Weigh) -> None:
    said = weigh("--models", "tomorrow,acme/status:400", *SCORED, "--json")
    assert (said.exit_code, json.loads(said.stdout)["complete"]) == (1, True)


def test_a_ceiling_of_nothing_is_refused_where_calls_cost_something(weigh: Weigh, world: World, tmp_path: Path) -> None:
    before = world.asked()
    refused = weigh("--models", "today,tomorrow", *SCORED, "--max-usd", "0")
    assert refused.exit_code == 2
    assert "today: its calls are not free" in refused.stderr
    assert "--max-usd 0 allows for free calls alone" in refused.stderr
    assert world.asked() == before
    assert not Weighings(tmp_path / "home").ids()


def test_outputs_that_cannot_be_read_stop_a_run_which_goes_on_when_asked_to(weigh: Weigh) -> None:
    first = weigh("--models", "today", "--scorer", "regex", "--option", "pattern=(xyzzy)", "--json")
    said = json.loads(first.stdout)
    assert (first.exit_code, said["stopped"], said["calls"]["done"] < 30) == (1, "unread", True)
    assert "today: 20 replies in a row could not be read" in said["why"]
    assert f"steelyard weigh run --resume {said['id']} --unread-limit 0" in first.stderr
    second = weigh("--resume", said["id"], "--unread-limit", "0", "--json", items=None)
    assert (second.exit_code, json.loads(second.stdout)["models"][0]["unparsed"]) == (0, 30)


def test_a_ceiling_stops_says_so_and_a_higher_one_goes_on(weigh: Weigh, world: World, tmp_path: Path) -> None:
    first = weigh("--models", "today,tomorrow", *SCORED, "--margin", "0.1", "--max-usd", "0.005", "--json")
    assert first.exit_code == 1
    said = json.loads(first.stdout)
    assert (said["complete"], said["stopped"], said["verdict"]) == (False, "ceiling", None)
    assert 0 < float(said["spent_usd"]) <= 0.005
    assert 0 < said["calls"]["done"] < 60
    assert "ceiling is reached" in first.stderr
    assert f"steelyard weigh run --resume {said['id']} --max-usd MORE" in first.stderr
    same = weigh("--resume", said["id"], "--json", items=None)
    assert (same.exit_code, json.loads(same.stdout)["stopped"]) == (1, "ceiling")
    before, made = world.asked(), len(calls(tmp_path))
    second = weigh("--resume", said["id"], "--max-usd", "1", "--json", items=None)
    assert second.exit_code == 0, second.output
    assert json.loads(second.stdout)["verdict"]["n"] == 30
    assert world.asked() - before == 60 - made


def test_a_price_that_is_unknown_is_refused_under_a_ceiling_and_told_without(weigh: Weigh, world: World) -> None:
    before = world.asked()
    refused = weigh("--models", "today,acme/words:3", *SCORED, "--max-usd", "1")
    assert refused.exit_code == 2
    assert "acme/words:3: no price of acme/words:3 is known" in refused.stderr
    assert "--unknown-price allow" in refused.stderr
    assert world.asked() == before
    allowed = weigh("--models", "today,acme/words:3", *SCORED, "--max-usd", "1", "--unknown-price", "allow", "--json")
    assert allowed.exit_code == 0
    words = json.loads(allowed.stdout)["models"][1]
    assert (words["cost_usd"], words["unpriced"]) == (None, 30)
    assert "acme/words:3: 30 calls" in allowed.stderr
    assert "cost unknown: no price of acme/words:3 is known" in allowed.stderr


def test_an_answer_without_a_limit_has_no_bound(weigh: Weigh) -> None:
    result = weigh("--models", "today,tomorrow", "--scorer", "contains", "--max-usd", "1")
    assert result.exit_code == 2
    assert "give --max-tokens" in result.stderr


def test_an_unknown_model_is_told_with_the_nearest_before_any_call(weigh: Weigh, world: World, tmp_path: Path) -> None:
    before = world.asked()
    result = weigh("--models", "today,tomorow", *SCORED)
    assert result.exit_code == 2
    assert 'No route or deployment is called "tomorow". Nearest: tomorrow' in result.stderr
    assert "Nothing was asked." in result.stderr
    assert world.asked() == before
    assert Weighings(tmp_path / "home").ids() == []


def test_a_route_that_policy_denies_is_told_before_any_call(
    call: Call, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = {"use": "commercial", "territory": "DE"}
    with FakeProvider() as provider:
        text = configured(provider, purposes={"shop": shop}) + '\n[policy]\npurpose = "shop"\n'
        with GatewayUnderTest(text, tmp_path_factory.mktemp("denying")) as served:
            (tmp_path / "steelyard.toml").write_text(text)
            write_items(tmp_path, 3)
            result = call(
                "weigh", "run", "--items", "items.csv", "--models", "today,tomorrow", *SCORED, "--gateway", served.url
            )
        assert provider.requests == []
    assert result.exit_code == 2
    assert 'No deployment of "today" is permitted' in result.stderr
    assert result.stderr.count("Nothing was asked.") == 1


def test_without_a_gateway_it_says_how_to_start_one(weigh: Weigh) -> None:
    result = weigh("--models", "today,tomorrow", *SCORED, "--gateway", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "steelyard up" in result.stderr


def test_where_callers_need_a_key_one_is_made_for_the_moment_or_given(world: World, call: Call, tmp_path: Path) -> None:
    write_items(tmp_path, 2)
    with GatewayUnderTest(configured(world.provider), tmp_path) as served:
        key = served.steelyard("keys", "create", "someone")["key"]
        until(lambda: _refuses(served), "the gateway asks for a key")
        asked = ("weigh", "run", "--items", "items.csv", "--models", "today,tomorrow", *SCORED)
        own = call(*asked, env={"STEELYARD_PORT": str(served.port)})
        assert own.exit_code == 0, own.output
        names = {row["name"]: row["state"] for row in served.steelyard("keys", "list")}
        made = next(name for name in names if name.startswith("weigh-"))
        assert (names["someone"], names[made]) == ("live", "revoked")
        given = call(*asked, "--gateway", served.url, env={"STEELYARD_KEY": key})
        assert given.exit_code == 0, given.output
        none = call(*asked, "--gateway", served.url)
        assert none.exit_code == 2
        assert "Give a key by --key or STEELYARD_KEY." in none.stderr


def _refuses(served: GatewayUnderTest) -> bool:
    with served.connect() as http:
        return http.request("GET", "/v1/models").status == 401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--models", "today"), ""),
        (("--models", "today,today"), 'names "today" twice'),
        (("--models", "today,tomorrow", "--margin", "0.1", "--baseline", "today"), "--baseline and --candidate"),
        (("--models", "today,tomorrow,acme/ok", "--margin", "0.1"), "--baseline and --candidate"),
        (("--models", "today,tomorrow", "--baseline", "today", "--candidate", "tomorrow"), "declare --margin"),
        (("--models", "today,tomorrow", "--margin", "0.1", "--slice", "topics"), 'did you mean "topic"?'),
        (("--models", "today,tomorrow", "--margin", "0.1", "--cluster", "doc"), "no column of the items"),
        (("--models", "today,tomorrow", "--scorer", "exakt"), 'did you mean "exact"?'),
        (("--models", "today,tomorrow", "--sample", "99"), "holds 30 items"),
        (("--models", "today,tomorrow", "--max-usd", "much"), "expected US dollars"),
        (("--models", "today,tomorrow", "--request", "temperature"), "expected KEY=VALUE"),
        (("--models", "today,tomorrow", "--request", "stream=true"), "the runner says that itself"),
        (("--models", "today,tomorrow", "--gateway", "nowhere"), "is no address of a gateway"),
        (("--models", "today,tomorrow", "--stratify", "day"), "--items ledger:ROUTE"),
        ((), "--models A,B"),
    ],
)
def test_what_makes_no_sense_is_told_before_any_call(
    weigh: Weigh, world: World, arguments: tuple[str, ...], told: str
) -> None:
    before = world.asked()
    scored = () if "--scorer" in arguments else SCORED
    result = weigh(*scored, *arguments)
    if not told:
        assert result.exit_code == 0
        return
    assert (result.exit_code, world.asked()) == (2, before)
    assert told in result.stderr


def test_targets_that_cannot_be_scored_are_told_before_any_call(weigh: Weigh, world: World, tmp_path: Path) -> None:
    before = world.asked()
    (tmp_path / "items.csv").write_text("id,prompt,answer\na,What?,four\n")
    result = weigh("--models", "today,tomorrow", "--scorer", "numeric")
    assert (result.exit_code, world.asked()) == (2, before)
    assert "items.csv:2:" in result.stderr


def test_three_items_have_no_verdict(weigh: Weigh, tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    result = weigh("--models", "today,tomorrow", *SCORED, "--margin", "0.1", "--json")
    verdict = json.loads(result.stdout)["verdict"]
    assert (verdict["verdict"], verdict["ci"], verdict["n"]) == ("NEED_MORE", None, 3)
    assert result.exit_code == 1


def test_a_resume_that_asks_for_something_else_is_refused(weigh: Weigh, tmp_path: Path, world: World) -> None:
    asked = ("--models", "today,tomorrow", *SCORED)
    assert weigh(*asked).exit_code == 0
    name, before = folder(tmp_path).id, world.asked()
    same = weigh(*asked, "--resume", name)
    assert (same.exit_code, world.asked()) == (0, before)
    other = weigh("--models", "today,acme/ok", *SCORED, "--resume", name)
    assert other.exit_code == 2
    assert "was planned otherwise: models: ('today', 'tomorrow'), and now ('today', 'acme/ok')" in other.stderr
    part = weigh("--resume", name, "--max-tokens", "7", items=None)
    assert part.exit_code == 2
    assert "--max-tokens is part of the plan" in part.stderr
    assert weigh("--resume", "nothing", items=None).exit_code == 2
    # Nothing is left to be asked, so nobody need be there; and it is the gateway of the plan that would be called.
    done = weigh("--resume", name, "--gateway", f"http://127.0.0.1:{free_port()}", items=None)
    assert (done.exit_code, world.asked()) == (0, before)
    assert "MODEL" in done.stdout


def test_a_weighing_that_is_killed_loses_no_finished_call_and_asks_none_twice(
    world: World, weigh: Weigh, tmp_path: Path
) -> None:
    asked = ("weigh", "run", "--items", "items.csv", "--models", "acme/slow-first-byte:0.05,today", *SCORED,
             "--gateway", world.served.url, "--concurrency", "4", "--margin", "0.1")  # fmt: skip
    before = world.asked()
    with Program(*asked, cwd=tmp_path) as program:
        until(lambda: Weighings(tmp_path / "home").ids() and len(calls(tmp_path)) >= 12, "twelve calls")
        program.process.send_signal(signal.SIGKILL)
        program.wait()
    kept = calls(tmp_path)
    assert 12 <= len(kept) < 60
    under_way = len(folder(tmp_path).read("asked.jsonl", Asked)) - len(kept)
    assert 0 <= under_way <= 4
    torn = folder(tmp_path).path / "calls.jsonl"
    torn.write_bytes(torn.read_bytes() + b'{"item": "i1", "mod')
    done = weigh("--resume", "latest", "--json", items=None)
    said = json.loads(done.stdout)
    assert (said["complete"], said["verdict"]["n"]) == (True, 30)
    made = calls(tmp_path)
    assert made[: len(kept)] == kept
    assert len({call.key for call in made}) == len(made) == 60
    assert world.asked() - before <= 60 + under_way


def test_ctrl_c_waits_for_the_calls_under_way_and_says_how_to_go_on(world: World, call: Call, tmp_path: Path) -> None:
    write_items(tmp_path, 40)
    (tmp_path / "steelyard.toml").write_text(world.served.config_path.read_text())
    asked = ("weigh", "run", "--items", "items.csv", "--models", "acme/slow-first-byte:0.05,today", *SCORED,
             "--gateway", world.served.url, "--concurrency", "4", "--margin", "0.1", "--json")  # fmt: skip
    with Program(*asked, cwd=tmp_path) as program:
        until(lambda: Weighings(tmp_path / "home").ids() and len(calls(tmp_path)) >= 8, "eight calls")
        assert program.end(signal.SIGINT) == 130
        said = json.loads("\n".join(program.lines))
        notes = "\n".join(program.notes)
    assert (said["stopped"], said["complete"], said["verdict"]) == ("interrupted", False, None)
    hint = next(note for note in program.notes if note.startswith("Go on: ")).removeprefix("Go on: steelyard ")
    assert hint == f"weigh run --resume {said['id']}"
    assert "There is no verdict before all are made" in notes
    # Whatever was asked came back.
    assert len(folder(tmp_path).read("asked.jsonl", Asked)) == len(calls(tmp_path)) == said["calls"]["done"]
    assert "Traceback" not in notes
    assert json.loads(call(*hint.split(), "--json").stdout)["verdict"]["n"] == 40


def test_a_second_ctrl_c_drops_the_calls_under_way(world: World, tmp_path: Path) -> None:
    write_items(tmp_path, 4)
    (tmp_path / "steelyard.toml").write_text(world.served.config_path.read_text())
    asked = ("weigh", "run", "--items", "items.csv", "--models", "acme/slow-first-byte:20,today", *SCORED,
             "--gateway", world.served.url)  # fmt: skip
    with Program(*asked, cwd=tmp_path) as program:
        until(lambda: Weighings(tmp_path / "home").ids() and len(calls(tmp_path)) >= 4, "four calls")
        program.process.send_signal(signal.SIGINT)
        until(lambda: any("Ctrl-C again" in note for note in program.notes), "the note")
        assert program.end(signal.SIGINT, timeout_s=10) == 130
        notes = "\n".join(program.notes)
    assert "calls under way were dropped. Go on: steelyard weigh run --resume" in notes
    assert "Traceback" not in notes


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_it_asks_before_the_first_call_and_draws_a_bar(world: World, tmp_path: Path, answer: str) -> None:
    write_items(tmp_path, 2)
    (tmp_path / "steelyard.toml").write_text(world.served.config_path.read_text())
    before = world.asked()
    arguments = ("weigh", "run", "--items", "items.csv", "--models", "today", "--gateway", world.served.url)
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "steelyard", *arguments],
            cwd=tmp_path, env=clean_environment(tmp_path), stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
            timeout=60,
        )  # fmt: skip
        told = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Go on? [Y/n]" in told
    if answer == "n":
        assert (done.returncode, world.asked()) == (1, before)
        assert Weighings(tmp_path / "home").ids() == []
        return
    assert (done.returncode, world.asked()) == (0, before + 2)
    assert "━" in told
    assert "2/2" in told
    assert b"MODEL" in done.stdout


def test_real_traffic_is_asked_again_and_compared_with_what_was_answered(
    call: Call, tmp_path: Path, catalogue_kept: None
) -> None:
    with FakeProvider() as provider:
        text = configured(provider, server={"record": "full"})
        with GatewayUnderTest(text, tmp_path) as served, served.beside("clerk"):
            for number in range(4):
                question = {"role": "user", "content": f"Who are you, {number}?"}
                with served.connect() as http:
                    assert http.chat("today", messages=[question]).status == 200
            until(lambda: booked(call) == 4, "the ledger")
            asked = ("weigh", "run", "--items", "ledger:today", "--models", "today,tomorrow", "--scorer", "exact",
                     "--target", "reference", "--max-tokens", "20", "--gateway", served.url)  # fmt: skip
            result = call(*asked, "--sample", "3", "--json")
            assert result.exit_code == 0, result.output
            until(lambda: booked(call) == 10, "the ledger")
            again = call(*asked, "--sample", "4")
    said = json.loads(result.stdout)
    assert [one["mean"] for one in said["models"]] == [1.0, 0.0]
    assert "drawn" in {flag["kind"] for flag in said["flags"]}
    items = Weighings(tmp_path / "home").find(said["id"]).items()
    assert len(items) == 3
    assert all(item.request == {"max_tokens": 20} for item in items)
    assert "made by weighings: 3" in again.stderr


def booked(call: Call) -> int:
    return call("ledger", "tail", "--json").stdout.count("\n")
