"""`steelyard quickstart` with the real model."""

import json
import signal
import socket
import subprocess
from pathlib import Path

from steelyard.keys.file import KeyFile
from tests.cli.program import Program, is_alive, run_program, until
from tests.support import RawHTTP, free_port

SECRET = "sk-that-nobody-may-see"


def test_once_asks_one_question_and_ends(home_with_model: Path) -> None:
    done = run_program("quickstart", "--once", "--json", "--port", "0", cwd=home_with_model)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["answer"]) > 20
    assert told["answer"] in done.stderr
    assert told["first_token_ms"] > 0
    assert told["tokens_per_s"] > 0
    assert told["cost_usd"] == "0"
    assert [case["verdict"] for case in told["demo"]["cases"]] == ["SWAP"]
    shown = run_program("ledger", "show", told["exchange"], "--json", cwd=home_with_model)
    assert json.loads(shown.stdout)["deployment"] == "local/smollm2-135m"


def test_for_a_person_it_says_how_to_call_and_who_else_is_served_and_makes_a_key_where_one_is_needed(
    home_with_model: Path,
) -> None:
    run_program("keys", "create", "team-a", cwd=home_with_model)
    done = run_program("quickstart", "--once", "--port", "0", cwd=home_with_model, OPENAI_API_KEY=SECRET)
    assert done.returncode == 0, done.stderr
    for words in (
        "first token",
        "tokens/s",
        "$0",
        "openai.OpenAI(base_url=",
        "anthropic.Anthropic(base_url=",
        "curl http://",
        '"openai/gpt-4.1"',
        "May Llama 3.1 405B answer instead of GPT-4o?",
        "SWAP llama-3.1-405b may take the place of gpt-4o-2024-05-13",
        "steelyard weigh demo",
    ):
        assert words in done.stdout
    assert SECRET not in done.stdout + done.stderr
    keys = {key.name.partition("-")[0]: key for key in KeyFile(home_with_model / "home" / "keys.json").list()}
    assert keys["team"].revoked_at is None
    assert keys["quickstart"].revoked_at is not None


def test_it_serves_until_ctrl_c(home_with_model: Path) -> None:
    port = free_port()
    with Program("quickstart", "--port", str(port), cwd=home_with_model) as program:
        until(lambda: any("until Ctrl-C" in line for line in program.lines), f"the first answer\n{program.told}", 60)
        (line,) = [line.partition(" ")[2].strip() for line in program.lines if line.startswith("curl")]
        # As it stands, a small model may go on for a minute.
        assert line.count('"messages":') == 1
        line = line.replace('"messages":', '"max_tokens": 20, "messages":')
        answer = subprocess.run(f"{line} -s", shell=True, capture_output=True, text=True, check=True).stdout
        with RawHTTP(f"http://127.0.0.1:{port}") as http:
            assert http.request("GET", "/readyz").status == 200
        assert program.end(signal.SIGINT) == 0, program.told
    assert json.loads(answer)["choices"][0]["message"]["content"]
    engines = (home_with_model / "home" / "run").glob("engines.json")
    assert list(engines) == []


def test_a_port_that_is_taken_is_told_with_what_to_do(home_with_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_program("quickstart", "--once", "--port", str(port), cwd=home_with_model)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr


def test_a_model_that_cannot_be_loaded_is_a_clear_failure(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "models" / "broken"
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text('schema = 1\nmodel = "broken"\norigin = "file:/x"\n[claims]\n')
    (folder / "model.gguf").write_bytes(b"GGUF" + bytes(1000))
    done = run_program("quickstart", "--once", "--model", "broken", "--port", "0", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert '"broken" does not run' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_unknown_is_bad_input(tmp_path: Path) -> None:
    done = run_program("quickstart", "--once", "--model", "smolm2-135m", "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean smollm2-135m?" in done.stderr


def test_ctrl_c_before_the_answer_leaves_nothing_running(home_with_model: Path) -> None:
    with Program("quickstart", "--port", "0", cwd=home_with_model) as program:
        until(lambda: program.notes, "the start")
        until(lambda: _children(program.process.pid), "children")
        children = _children(program.process.pid)
        assert program.end(signal.SIGINT) == 130, program.told
        assert "Traceback" not in program.told
    until(lambda: not any(is_alive(pid) for pid in children), "the end of all children")


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
