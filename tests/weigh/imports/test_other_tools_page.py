"""The commands of docs/guides/other-tools.md work, with the tools themselves, against a real gateway.

The tools are in no extra, for they bring hundreds of packages: where one is neither on PATH nor in STEELYARD_TEST_TOOLS
(directories of programs, with colons between them), its commands are skipped. What they wrote when they were run so is
in tests/weigh/results/recorded, and is read in every run of the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import clean_environment
from tests.docs.pages import REPOSITORY, blocks
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text

PAGE = "docs/guides/other-tools.md"
MARKS = {
    "inspect": ("inspect", "weigh recorded scores.csv"),
    "lm-eval": ("lm-eval",),
    "promptfoo": ("promptfoo",),
}
"""What a command has that belongs to a tool."""


def commands(tool: str) -> list[str]:
    """Return the page's commands about a tool, in their order."""
    text = "".join(block.text.replace("\\\n", " ") for block in blocks("sh") if block.page == PAGE)
    return [line for line in text.splitlines() if any(mark in line for mark in MARKS[tool])]


def places() -> str:
    """Return where programs are looked for: first this environment's own."""
    given = os.environ.get("STEELYARD_TEST_TOOLS", "")
    return os.pathsep.join(filter(None, (str(Path(sys.executable).parent), given, os.environ.get("PATH", ""))))


def test_every_command_of_the_page_belongs_to_a_tool() -> None:
    whole = "".join(block.text.replace("\\\n", " ") for block in blocks("sh") if block.page == PAGE)
    assert len(whole.splitlines()) == sum(len(commands(tool)) for tool in MARKS)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("tool", MARKS)
def test_the_commands_of_the_page_work(tool: str, tmp_path: Path) -> None:
    if shutil.which(tool, path=places()) is None:
        pytest.skip(f"{tool} is not installed: it is neither on PATH nor in STEELYARD_TEST_TOOLS")
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "docs" / "guides" / "other-tools", tmp_path / "docs" / "guides" / "other-tools")
    routes = {"assistant": {"deployments": ["acme/echo"]}, "small": {"deployments": ["acme/ok"]}}
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "HF_HUB_OFFLINE": "1"}
    environment = {**clean_environment(tmp_path), **quiet, "PATH": places()}
    with FakeProvider() as provider:
        config = config_text({"acme": provider.base_url}, routes=routes)
        (tmp_path / "gateway").mkdir()
        with GatewayUnderTest(config, tmp_path / "gateway") as gateway:
            for command in commands(tool):
                here = command.replace("http://127.0.0.1:8080", gateway.url)
                asked = len(provider.requests)
                done = subprocess.run(
                    here, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
                )
                assert done.returncode in expected(command), f"{here}\n{done.stdout}\n{done.stderr}"
                assert (len(provider.requests) > asked) == ("127.0.0.1" in command), here


def expected(command: str) -> tuple[int, ...]:
    """Return the exit codes with which a command may end: both models are wrong about capitals."""
    if "weigh recorded" in command:
        return (0, 1)
    return (100,) if "promptfoo eval" in command else (0,)
