"""The tools that can be run: how each is called, where it writes, and what must be installed for it."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.decoded import decoded
from steelyard.weigh.results.inspect_log import is_inspect, run_note
from steelyard.weigh.results.lm_eval import is_lm_eval
from steelyard.weigh.results.source import Source

__all__ = ["TOOLS", "Aim", "Inspect", "LmEval", "Tool", "program_of", "reached_directly"]

_NO_KEY: Final = "none"
"""What is sent as a key where the gateway asks for none: the tools refuse to start without one."""


class Aim(Struct, frozen=True):
    """What is run where: `task` in the tool's own words, the gateway's address, `key` where it needs one, and `extra`
    arguments for the tool."""

    task: str
    address: str
    key: str | None = None
    extra: tuple[str, ...] = ()


class Tool(Protocol):
    """An evaluation tool. `programs` are what it may be called on PATH, `logs` the patterns of the files it writes."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    install: ClassVar[str]
    logs: ClassVar[tuple[str, ...]]

    def arguments(self, aim: Aim, model: str, directory: Path) -> list[str]:
        """Return what stands behind the program's name, to ask one model and write into a directory."""
        ...

    def environment(self, aim: Aim) -> dict[str, str]:
        """Return the variables that lead the tool to the gateway."""
        ...

    def wrote(self, content: bytes) -> bool:
        """Say whether a file's content is what the tool writes."""
        ...

    def complaint(self, log: Path) -> str | None:
        """Return what a log says of a run that did not end well; None for one that did. Raises ConfigError."""
        ...


class Inspect:
    """Inspect (inspect.aisi.org.uk, "Model Providers", "OpenAI Compatible API"): `openai-api/SERVICE/MODEL` asks
    SERVICE_BASE_URL for a chat completion. `openai/MODEL` would choose between APIs by the model's name."""

    name: ClassVar[str] = "inspect"
    programs: ClassVar[tuple[str, ...]] = ("inspect",)
    install: ClassVar[str] = "pip install inspect-ai openai"
    logs: ClassVar[tuple[str, ...]] = ("*.eval",)

    def arguments(self, aim: Aim, model: str, directory: Path) -> list[str]:
        """Return the arguments of `inspect eval`."""
        asked = ["--model", f"openai-api/steelyard/{model}", "--log-dir", str(directory), "--log-format", "eval"]
        return ["eval", aim.task, *asked, "--display", "plain", *aim.extra]

    def environment(self, aim: Aim) -> dict[str, str]:
        """Return address and key of the service `steelyard`."""
        return {"STEELYARD_BASE_URL": f"{aim.address}/v1", "STEELYARD_API_KEY": aim.key or _NO_KEY}

    def wrote(self, content: bytes) -> bool:
        """Say whether it is an archive, or a log in JSON."""
        return content.startswith(b"PK\x03\x04") or is_inspect(_decoded(content))

    def complaint(self, log: Path) -> str | None:
        """Return the log's status, for `inspect eval` ends with 0 where its run failed."""
        return run_note(Source(str(log), log.read_bytes()))


class LmEval:
    """lm-evaluation-harness, as `local-chat-completions` (lm_eval/models/openai_completions.py): it asks the URL that
    it is given as it is, makes messages with `--apply_chat_template` alone, and has the key from OPENAI_API_KEY."""

    name: ClassVar[str] = "lm-eval"
    programs: ClassVar[tuple[str, ...]] = ("lm-eval", "lm_eval")
    install: ClassVar[str] = "pip install 'lm-eval[api]'"
    logs: ClassVar[tuple[str, ...]] = ("samples_*.jsonl",)

    def arguments(self, aim: Aim, model: str, directory: Path) -> list[str]:
        """Return the arguments of `lm-eval run`; `run` itself is left out, as older versions do not know it."""
        told = f"model={model},base_url={aim.address}/v1/chat/completions"
        asked = ["--model", "local-chat-completions", "--model_args", told, "--apply_chat_template"]
        return [*asked, "--tasks", aim.task, "--output_path", str(directory), "--log_samples", *aim.extra]

    def environment(self, aim: Aim) -> dict[str, str]:
        """Return the key; it takes the place of one of OpenAI's, which is not the gateway's business."""
        return {"OPENAI_API_KEY": aim.key or _NO_KEY}

    def wrote(self, content: bytes) -> bool:
        """Say whether the first line is a sample."""
        return is_lm_eval(_decoded(content.lstrip().partition(b"\n")[0]))

    def complaint(self, log: Path) -> str | None:
        """Return None: samples are written at the end of a run that went well, and not before."""
        return None


TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in (Inspect(), LmEval())}


def _decoded(content: bytes) -> object:
    """Return what JSON holds; None where it is none, and so no tool's log."""
    try:
        return decoded(content)
    except ValueError:
        return None


def program_of(tool: Tool, given: str | None) -> str:
    """Return the tool's program: the one given, that of this environment, or the first on PATH. Raises ConfigError."""
    if given is not None:
        found = shutil.which(given)
        if found is None:
            raise ConfigError(f"--program {given}: no program is there that may be run.")
        return os.path.abspath(found)  # a link to a program must not be followed
    beside = str(Path(sys.executable).parent)
    places = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    found = next(filter(None, (shutil.which(name, path=places) for name in tool.programs)), None)
    if found is None:
        raise ConfigError(
            f"{tool.name} is not installed: no {' or '.join(tool.programs)} on PATH. Install it: {tool.install}. "
            "Where it is in an environment of its own, name it by --program PATH."
        )
    return found


def reached_directly(address: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables by which clients ask the gateway's host directly, whatever proxy there is for others."""
    host = urlsplit(address).hostname or ""
    return {name: ",".join(filter(None, (environment.get(name), host))) for name in ("NO_PROXY", "no_proxy") if host}
