"""`steelyard completion`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call, CallJson
from tests.cli.program import clean_environment


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(call_json: CallJson, shell: str) -> None:
    assert f"_STEELYARD_COMPLETE={shell}_complete" in call_json("completion", shell)["script"]


def test_a_shell_that_is_unknown_is_bad_usage(call: Call) -> None:
    assert call("completion", "cmd").exit_code == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_takes_the_script_and_completes_a_command(call: Call, tmp_path: Path) -> None:
    script = call("completion", "bash").stdout
    ask = 'COMP_WORDS=(steelyard ro); COMP_CWORD=1; _steelyard_completion steelyard; echo "${COMPREPLY[@]}"'
    env = {**clean_environment(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "routes"
