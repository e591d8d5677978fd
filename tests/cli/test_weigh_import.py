"""`steelyard weigh import`: logs that the tools wrote become a table; a tool is run against a real gateway.

The tool that is run here is a stand-in, which asks the gateway once and leaves a log that Inspect wrote; Inspect itself
and lm-evaluation-harness are run in tests/weigh/imports/test_other_tools_page.py, where they are installed."""

import csv
import json
import shlex
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.conftest import Call
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text
from tests.weigh.results.given import RECORDED

LOGS = [str(RECORDED / f"capitals-{name}.eval") for name in ("assistant", "small")]

STAND_IN = """\
#!{python}
import json, os, pathlib, shutil, sys, time, urllib.request
words = sys.argv[1:]
model = words[words.index("--model") + 1].removeprefix("openai-api/steelyard/")
logs = pathlib.Path(words[words.index("--log-dir") + 1])
body = {{"model": model, "messages": [{{"role": "user", "content": words[1]}}]}}
key = os.environ["STEELYARD_API_KEY"]
headers = {{"Content-Type": "application/json", "Authorization": "Bearer " + key}}
url = os.environ["STEELYARD_BASE_URL"] + "/chat/completions"
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).read()
print("asked", model, "with", words[-1], flush=True)
"""
GOOD = 'shutil.copy("{recorded}/capitals-" + model + ".eval", logs / "one.eval")\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeProvider, GatewayUnderTest]]:
    routes = {name: {"deployments": ["acme/ok"]} for name in ("assistant", "small")}
    with FakeProvider() as provider:
        config = config_text({"acme": provider.base_url}, routes=routes)
        with GatewayUnderTest(config, tmp_path_factory.mktemp("import")) as gateway:
            yield provider, gateway


@pytest.fixture
def imported(call: Call) -> Call:
    """Run `steelyard weigh import` in an empty directory."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
        return call("weigh", "import", *arguments, env=env)

    return run


def stand_in(directory: Path, then: str = GOOD) -> str:
    program = directory / "inspect-stand-in"
    program.write_text((STAND_IN + then).format(python=sys.executable, recorded=RECORDED))
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def ran(imported: Call, served: tuple[FakeProvider, GatewayUnderTest], tmp_path: Path) -> Any:
    """Run a stand-in against the gateway; `then` is what it does last."""

    def run(*arguments: str, then: str = GOOD) -> Result:
        aim = ("--run", "capitals.py", "--gateway", served[1].url, "--program", stand_in(tmp_path, then))
        return imported("inspect", *aim, *arguments)

    return run


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_logs_become_a_table_and_what_they_come_to_is_told(imported: Call) -> None:
    done = imported("inspect", *LOGS)
    rows = rows_of(done.stdout)
    assert done.exit_code == 0
    assert [len([row for row in rows if row["model"] == name]) for name in ("assistant", "small")] == [12, 12]
    assert done.stderr.splitlines() == ["assistant: mean 0.8333 of 12 items", "small: mean 0.0000 of 12 items"]


def test_the_table_leads_to_the_verdict_that_the_logs_lead_to(call: Call, imported: Call) -> None:
    done = imported("lm-eval", str(RECORDED / "lm-eval"), "--out", "scores.csv")
    assert done.stderr.splitlines()[-1].startswith("Next: steelyard weigh recorded scores.csv --baseline assistant ")
    asked = ("--baseline", "assistant", "--candidate", "small", "--margin", "0.1", "--slice", "continent", "--json")
    logs = sorted(str(file) for file in (RECORDED / "lm-eval").rglob("samples_*"))
    one, other = (call("weigh", "recorded", *files, *asked) for files in (["scores.csv"], logs))
    first, second = json.loads(one.stdout), json.loads(other.stdout)
    own = {"id": None, "inputs_sha256": None}
    assert first | own == second | own
    assert (first["verdict"], first["difference"]) == ("DONT", pytest.approx(-10 / 12))


def test_as_json_table_and_sums_are_one_object(imported: Call) -> None:
    done = imported("inspect", LOGS[0], f"other={LOGS[1]}", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["models"] == [
        {"model": "assistant", "items": 12, "scored": 12, "missing": 0, "mean": pytest.approx(10 / 12)},
        {"model": "other", "items": 12, "scored": 12, "missing": 0, "mean": 0.0},
    ]
    assert (found["tool"], len(found["rows"]), found["out"]) == ("inspect", 24, None)
    assert done.stderr == ""


def test_a_log_with_several_scores_wants_one_chosen(imported: Call) -> None:
    log = str(RECORDED / "inspect-alpha.eval")
    done = imported("inspect", log)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "choose one by --score: match, includes" in done.stderr
    assert imported("inspect", log, "--score", "match").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("inspect",), "Give a LOG of inspect, or a directory of them; or --run TASK --models A,B."),
        (("inspect", "nowhere.eval"), "nowhere.eval: No such file or directory. Check the path and its mode."),
        (("lm-eval", "."), "no log of lm-eval lies there (samples_*.jsonl)"),
        (
            ("lm-eval", LOGS[0]),
            "capitals-assistant.eval: no log of lm-eval. `weigh recorded` reads tables and",
        ),
        (("inspect", str(RECORDED / "promptfoo.json")), "promptfoo.json: no log of inspect."),
        (("inspect", str(RECORDED / "capitals-failed.eval")), "capitals-failed.eval: it holds no scores"),
        (("lm-eval", ".", "--models", "a,b"), "--models goes with --run."),
        (("inspect", "--run", "t.py"), "--run needs --models"),
        (("inspect", "--run", "t.py", "--models", "a,a"), "--models names a twice."),
        (("inspect", "--run", "t.py", "--models", "a", "old.eval"), "old.eval: with --run there are no logs to read"),
        (("inspect", "x.eval", "--out", "scores.xlsx"), "--out scores.xlsx: the table is written as .csv or .jsonl"),
        (("inspect", "x.eval", "--out", "no/scores.csv"), "--out no/scores.csv: there is no directory no"),
        (("inspekt", "x.eval"), "'inspekt' is not one of 'inspect', 'lm-eval'"),
        (("inspect", "--run", "t.py", "--models", "a", "--program", "no-tool"), "--program no-tool: no program is"),
        (
            ("inspect", "--run", "t.py", "--models", "a", "--program", "/bin/sh", "--gateway", "http://127.0.0.1:1"),
            "No gateway answers at http://127.0.0.1:1",
        ),
    ],
)
def test_bad_input_is_told_with_what_to_do(imported: Call, arguments: tuple[str, ...], told: str) -> None:
    done = imported(*arguments)
    assert told in done.stderr
    assert done.exit_code == (1 if "--gateway" in arguments else 2)
    assert done.stdout == ""


def test_a_tool_that_is_not_installed_is_told_with_how_to_install_it(
    imported: Call, served: tuple[FakeProvider, GatewayUnderTest]
) -> None:
    if (Path(sys.executable).parent / "inspect").exists():
        pytest.skip("Inspect is installed in this very environment")
    asked = ("--run", "capitals.py", "--models", "assistant", "--gateway", served[1].url)
    done = imported("inspect", *asked, env={"PATH": "/nowhere"})
    assert done.exit_code == 2
    assert "inspect is not installed: no inspect on PATH. Install it: pip install inspect-ai openai." in done.stderr


def test_a_run_asks_the_gateway_for_each_model_and_reads_the_logs(
    ran: Any, tmp_path: Path, served: tuple[FakeProvider, GatewayUnderTest]
) -> None:
    before = len(served[0].requests)
    done = ran("--models", "small,assistant", "--out", "scores.csv", "--", "--limit", "12")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines() == [
        "inspect: small",
        "inspect: assistant",
        "small: mean 0.0000 of 12 items",
        "assistant: mean 0.8333 of 12 items",
        "Next: steelyard weigh recorded scores.csv --baseline small --candidate assistant --margin MARGIN",
    ]
    assert len(served[0].requests) - before == 2
    said = {file.parent.name: file.read_text() for file in (tmp_path / "logs").rglob("tool.log")}
    assert said == {"assistant": "asked assistant with 12\n", "small": "asked small with 12\n"}


def test_a_model_that_is_not_served_is_told_before_anything_is_run(ran: Any, tmp_path: Path) -> None:
    done = ran("--models", "assistant,smal")
    assert done.exit_code == 2
    assert '--models smal: HTTP 404 model_not_found: No route or deployment is called "smal".' in done.stderr
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ('print("Error: no such task"); sys.exit(1)', "failed with exit code 1.\nIts last lines:\n  asked assistant"),
        ("time.sleep(60)", "was stopped after 2 s (--timeout).\nIts last lines:\n  asked assistant"),
        ("", "left no log.\nIts last lines:"),
        (
            'shutil.copy("{recorded}/capitals-failed.eval", logs)',
            'the run did not end well (status "error": Error code',
        ),
    ],
    ids=("fails", "takes too long", "leaves nothing", "says nothing of its failure"),
)
def test_a_tool_that_fails_is_told_with_its_last_lines(ran: Any, then: str, told: str) -> None:
    done = ran("--models", "assistant", "--timeout", "2", then=then)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "inspect, asking assistant, " in done.stderr
    assert told in done.stderr
    assert "tool.log" in done.stderr.splitlines()[-1]


def test_logs_that_were_made_and_cannot_be_read_need_not_be_made_again(ran: Any, call: Call) -> None:
    then = 'shutil.copy("{recorded}/inspect-alpha.eval", logs)'
    done = ran("--models", "assistant", then=then)
    assert done.exit_code == 2
    assert "choose one by --score: match, includes" in done.stderr
    (again,) = (line.partition("again: steelyard ")[2] for line in done.stderr.splitlines() if "again: " in line)
    assert call(*shlex.split(again), "--score", "match").exit_code == 0
