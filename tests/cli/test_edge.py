"""Errors, exit codes, help."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from steelyard.cli.root import PLACES, root
from tests.cli.conftest import Call
from tests.cli.program import clean_environment, run_loaded, run_program


def test_an_expected_error_is_words_on_stderr_and_its_exit_code(call: Call) -> None:
    result = call("keys", "revoke", "nobody")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert 'No key has the name or id "nobody"' in result.stderr
    assert "Traceback" not in result.output


def test_with_json_an_error_is_an_object_on_stdout_too(call: Call) -> None:
    result = call("keys", "revoke", "nobody", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == error["exit_code"] == 2
    assert error["kind"] == "StoreError"
    assert error["message"] in result.stderr


def test_each_mistake_of_the_configuration_is_a_finding(call: Call, tmp_path: Path) -> None:
    (tmp_path / "steelyard.toml").write_text('[server]\nport = "many"\nhots = "x"\n')
    result = call("routes", "list", "--json")
    findings = json.loads(result.stdout)["error"]["findings"]
    assert result.exit_code == 2
    assert ["port" in findings[0], "hots" in findings[1]] == [True, True]


def test_a_wrong_word_is_bad_usage_and_the_nearest_command_is_named(call: Call) -> None:
    result = call("gatewy")
    assert result.exit_code == 2
    assert "gateway" in result.stderr


def test_with_json_bad_usage_is_an_object_too(call: Call) -> None:
    result = call("keys", "create", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["kind"] == "UsageError"


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "steelyard", "models", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment(tmp_path), stdout=write, stderr=-1, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("command", ["gateway", "clerk", "engine", "up", "quickstart"])
def test_a_data_directory_that_cannot_be_is_told_without_a_traceback(tmp_path: Path, command: str) -> None:
    (tmp_path / "home").write_text("a file")
    port = [] if command in ("clerk", "engine") else ["--port", "0"]
    done = run_loaded(command, *port, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / "home") in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").stdout.startswith("steelyard, version ")


@pytest.mark.parametrize("name", PLACES)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.name == name
    first = (command.help or "").partition("\n")[0]
    assert first.startswith(PLACES[name].summary.rstrip(".")), first


# All words after `bench` go to the measurements, which take --json themselves.
@pytest.mark.parametrize("name", [name for name in PLACES if name != "bench"])
def test_every_command_takes_json(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for one in commands:
        assert one is not None
        assert any("--json" in option.opts for option in one.params), one.name


def test_help_imports_no_command(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom steelyard.cli.root import root\n"
        "try: root.main(['--help'], prog_name='steelyard')\n"
        "except SystemExit: print([name for name in sys.modules if 'sqlalchemy' in name or 'rich' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_gateway_imports_no_sql_and_no_tables(tmp_path: Path) -> None:
    code = "import sys, steelyard.cli.gateway\nprint(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    for library in ("sqlalchemy", "alembic", "rich", "httpx", "pydantic"):
        assert f"'{library}'" not in done.stdout


def test_python_m_steelyard_is_the_command(tmp_path: Path) -> None:
    done = run_program("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout[:10]) == (0, "steelyard,")
