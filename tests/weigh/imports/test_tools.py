"""Tools are called as they are documented, and found where they are installed."""

from pathlib import Path
from typing import ClassVar

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.imports.tools import TOOLS, Aim, LmEval, program_of, reached_directly
from tests.weigh.results.given import RECORDED

AIM = Aim("capitals.py", "http://127.0.0.1:8080", "sk-1", ("--limit", "2"))


class Rare(LmEval):
    """The same tool by names that no environment has."""

    programs: ClassVar[tuple[str, ...]] = ("rare-eval", "rare_eval")


def program(directory: Path, name: str) -> str:
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_inspect_asks_a_service_of_its_own_name(tmp_path: Path) -> None:
    tool = TOOLS["inspect"]
    told = tool.arguments(AIM, "local/smollm2-135m", tmp_path)
    assert told[:4] == ["eval", "capitals.py", "--model", "openai-api/steelyard/local/smollm2-135m"]
    assert told[told.index("--log-dir") + 1] == str(tmp_path)
    assert told[-2:] == ["--limit", "2"]
    assert tool.environment(AIM) == {"STEELYARD_BASE_URL": "http://127.0.0.1:8080/v1", "STEELYARD_API_KEY": "sk-1"}


def test_lm_eval_asks_the_whole_path_and_never_with_openais_key(tmp_path: Path) -> None:
    tool = TOOLS["lm-eval"]
    told = tool.arguments(AIM, "assistant", tmp_path)
    assert told[told.index("--model_args") + 1] == "model=assistant,base_url=http://127.0.0.1:8080/v1/chat/completions"
    assert {"--apply_chat_template", "--log_samples"} < set(told)
    assert tool.environment(Aim("t", "http://127.0.0.1:8080")) == {"OPENAI_API_KEY": "none"}


def test_a_program_is_found_on_the_path_by_either_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="lm-eval is not installed: no rare-eval or rare_eval on PATH"):
        program_of(Rare(), None)
    found = program(tmp_path, "rare_eval")
    assert program_of(Rare(), None) == found


def test_a_program_that_is_named_must_be_there(tmp_path: Path) -> None:
    named = program(tmp_path, "my-inspect")
    assert program_of(TOOLS["inspect"], named) == named
    with pytest.raises(ConfigError, match="no program is there that may be run"):
        program_of(TOOLS["inspect"], str(tmp_path / "other"))


def test_no_proxy_stands_between_a_tool_and_the_gateway() -> None:
    told = reached_directly("http://10.0.0.7:8080", {"NO_PROXY": "example.com"})
    assert told == {"NO_PROXY": "example.com,10.0.0.7", "no_proxy": "10.0.0.7"}
    assert reached_directly("http://127.0.0.1:8080")["NO_PROXY"].endswith("127.0.0.1")


def test_a_tools_own_logs_are_known_from_others() -> None:
    eval_log, samples = RECORDED / "capitals-small.eval", next((RECORDED / "lm-eval" / "small").glob("samples_*"))
    for name, its in (("inspect", eval_log), ("lm-eval", samples)):
        told = {file.name: TOOLS[name].wrote(file.read_bytes()) for file in (eval_log, samples)}
        assert told == {file.name: file == its for file in (eval_log, samples)}
    assert TOOLS["inspect"].wrote(b'{"eval": {"model": "a"}, "samples": [{"score": NaN}]}')
    assert TOOLS["lm-eval"].wrote(b'\n{"doc_id": 1, "resps": [[NaN]]}\nno JSON')
    assert not any(TOOLS[name].wrote(content) for name in TOOLS for content in (b"", b"[" * 100_000, b"\xff", b"1"))


def test_a_run_of_inspect_that_failed_says_why_in_its_log() -> None:
    tool = TOOLS["inspect"]
    assert tool.complaint(RECORDED / "capitals-assistant.eval") is None
    told = tool.complaint(RECORDED / "capitals-failed.eval")
    assert told is not None
    assert '(status "error": Error code: 404 - No route or deployment is called "nope".' in told
