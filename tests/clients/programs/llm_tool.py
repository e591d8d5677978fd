"""The command `llm`, without plugins: a model of `extra-openai-models.yaml`, asked on the command line."""
# mypy: disable-error-code="import-not-found"

import json
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from llm.cli import cli

__all__ = ["CHECKS"]

SCENES = ("plain", "tools", "json-schema")
# JSON is YAML (yaml.org/spec/1.2.2, "Relation to JSON").
ENTRY = {"supports_tools": True, "supports_schema": True}
TOOL = """
def look(city: str) -> str:
    "Look how the weather is."
    return f"mild in {city}"
"""


def commands(url: str, upstream: str) -> Any:
    with tempfile.TemporaryDirectory() as home:
        models = [_entry(f"{upstream}/scene:{scene}:{upstream}-llm", scene, url) for scene in SCENES]
        models.append(_entry("nowhere", "nowhere", url))
        (Path(home) / "extra-openai-models.yaml").write_text(json.dumps(models))
        return {
            "listed": [line for line in _llm(home, "models", "list")[1].splitlines() if line.endswith(": plain")],
            "streamed": _llm(home, "-m", "plain", "Hi"),
            "whole": _llm(home, "-m", "plain", "--no-stream", "-s", "Be brief.", "Hi"),
            "continued": _llm(home, "-c", "And now?"),
            "tools": _llm(home, "-m", "tools", "--functions", TOOL, "How is the weather in Paris?"),
            "schema": _llm(home, "-m", "json-schema", "--schema", "name, population int", "Where?"),
            "unknown": _llm(home, "-m", "nowhere", "Hi"),
        }


def _entry(model: str, name: str, url: str) -> dict[str, Any]:
    return {**ENTRY, "model_id": name, "model_name": model, "api_base": f"{url}/v1"}


def _llm(home: str, *arguments: str) -> tuple[int, str]:
    key = () if arguments[0] == "models" else ("--key", "unused")
    done = CliRunner().invoke(cli, [*arguments, *key], env={"LLM_USER_PATH": home})
    return done.exit_code, done.output.strip()


CHECKS = (commands,)
