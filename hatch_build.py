"""With STEELYARD_MYPYC=1 a wheel holds its hot modules compiled by mypyc. They do the same as in Python, only faster;
their source is in the wheel too. Without it, and by default, a wheel is pure Python; an editable one always is."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SWITCH = "STEELYARD_MYPYC"
_MYPY = "mypy>=1.17"

# What runs for each call and each chunk. Left out are modules that define msgspec's Structs (classes of C already, of
# which mypyc knows nothing) or inherit from such modules' classes; classes that are copied, which compiled ones cannot
# be: the writers of streams.
_COMPILED = (
    "cache/memory",
    "catalog/charge",
    "core/fold",
    "core/ids",
    "dialects/anthropic/answer_out",
    "dialects/anthropic/blocks_in",
    "dialects/anthropic/plain",
    "dialects/anthropic/request_in",
    "dialects/anthropic/settings_in",
    "dialects/anthropic/stream_blocks",
    "dialects/anthropic/stream_parts",
    "dialects/anthropic/usage",
    "dialects/chat/calls_in",
    "dialects/chat/choice_in",
    "dialects/chat/messages_out",
    "dialects/chat/names",
    "dialects/chat/part_out",
    "dialects/chat/plain_answer_in",
    "dialects/chat/plain_out",
    "dialects/chat/request_out",
    "dialects/chat/stream_in",
    "dialects/chat/thoughts",
    "dialects/chat/tools",
    "dialects/check",
    "dialects/gemini/proto",
    "dialects/members",
    "dialects/openai/answer",
    "dialects/openai/request",
    "dialects/paths",
    "dialects/sse",
    "dialects/stream",
    "gateway/access",
    "gateway/account",
    "gateway/answers",
    "gateway/attempts",
    "gateway/body",
    "gateway/bound",
    "gateway/breaker",
    "gateway/cached",
    "gateway/call",
    "gateway/choice",
    "gateway/client",
    "gateway/departure",
    "gateway/detour",
    "gateway/exchange_of",
    "gateway/extra",
    "gateway/flight",
    "gateway/form",
    "gateway/gateway",
    "gateway/head",
    "gateway/heads",
    "gateway/health",
    "gateway/hedge",
    "gateway/http11",
    "gateway/incoming",
    "gateway/lane",
    "gateway/likeness",
    "gateway/limit_fields",
    "gateway/limiter",
    "gateway/meter",
    "gateway/order",
    "gateway/outbox",
    "gateway/outliers",
    "gateway/passage",
    "gateway/plain_answer",
    "gateway/pool",
    "gateway/race",
    "gateway/reception",
    "gateway/relay",
    "gateway/replay",
    "gateway/reply",
    "gateway/retry_budget",
    "gateway/rounds",
    "gateway/settling",
    "gateway/surface",
    "gateway/ticket",
    "gateway/translated",
    "gateway/translation",
    "gateway/upstream",
    "gateway/way",
    "gateway/ways",
    "journal/framing",
    "journal/segment",
    "journal/writer",
    "limits/ceiling",
    "limits/counter",
    "limits/crowd",
    "limits/gate",
    "limits/hold",
    "limits/input_bytes",
    "limits/limits",
    "limits/purse",
    "limits/share",
    "limits/window",
    "limits/windowed",
)

_SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

options = ["--no-warn-unused-configs", "--ignore-missing-imports", *sys.argv[2:]]
modules = mypycify(options, opt_level="3", group_name="steelyard")
sys.argv[1:] = ["-q", "build_ext", "--build-lib", sys.argv[1]]
setup(name="steelyard", packages=[], py_modules=[], ext_modules=modules)
"""


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel that is built with the switch on."""

    def dependencies(self) -> list[str]:
        """Return what the build needs beside hatchling: mypyc, and what Steelyard imports, for its types."""
        return [_MYPY, "setuptools", *self.metadata.core.dependencies] if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the results put into the wheel beside their sources."""
        if not _wanted() or version == "editable":
            return
        _demand_compiler()
        self._home = Path(tempfile.mkdtemp(prefix="steelyard-mypyc-"))
        built = _compile(Path(self.root), self._home)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for library in built.rglob("*.so"):
            build_data["force_include"][str(library)] = library.relative_to(built).as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built on the way."""
        if _wanted() and version != "editable":
            shutil.rmtree(self._home, ignore_errors=True)


def _wanted() -> bool:
    return os.environ.get(_SWITCH, "") not in ("", "0")


def _demand_compiler() -> None:
    """Raise SystemExit, with what to do, where C cannot be compiled for this Python."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    missing = [] if shutil.which(compiler) else [f"the C compiler {compiler}"]
    missing += [] if header.exists() else [str(header)]
    if missing:
        raise SystemExit(
            f"{_SWITCH}=1 needs what is not here: {' and '.join(missing)}. Install it (apt-get install gcc "
            f"python3-dev), or build without {_SWITCH}: the wheel is then pure Python, and does the same."
        )


def _compile(root: Path, home: Path) -> Path:
    """Compile into a directory of its own, from a copy: nothing compiled is left among the sources."""
    source = home / "source"
    shutil.copytree(root / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    built = home / "built"
    files = [f"steelyard/{name}.py" for name in _COMPILED]
    command = [sys.executable, "-c", _SETUP, str(built), *files]
    done = subprocess.run(command, cwd=source, env={**os.environ, "MYPYPATH": str(source)})
    if done.returncode:
        raise SystemExit(f"mypyc could not compile Steelyard; its words are above. Build without {_SWITCH} instead.")
    return built
