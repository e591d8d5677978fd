"""inspect-ai: a small evaluation with a tool and a scorer, over OpenAI's dialect and Anthropic's."""
# mypy: disable-error-code="import-not-found, untyped-decorator"

import os
import tempfile
from typing import Any

# A service of this name is asked by OpenAI's SDK (inspect.aisi.org.uk/providers, "OpenAI API").
os.environ["STEELYARD_API_KEY"] = "unused"
os.environ["INSPECT_DISPLAY"] = "none"

from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.model import Model, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, tool

__all__ = ["CHECKS"]

SPOKEN = {"openai-api/steelyard": "/v1", "anthropic": ""}


@tool
def look() -> Tool:
    async def execute(city: str) -> str:
        """Look how the weather is.

        Args:
            city: Where to look.
        """
        return f"mild in {city}"

    return execute


def _model(url: str, upstream: str, spoken: str) -> Model:
    # A route: of a name with a slash in it, inspect-ai takes the first part for a service of Anthropic's.
    return get_model(f"{spoken}/tools-{upstream}", base_url=url + SPOKEN[spoken], api_key="unused", memoize=False)


async def tasks(url: str, upstream: str) -> Any:
    told = {}
    task = Task(
        dataset=[Sample(input="How is the weather in Paris?", target="mild in Paris")],
        solver=[use_tools(look()), generate()],
        scorer=includes(),
    )
    with tempfile.TemporaryDirectory() as logs:
        for spoken in SPOKEN:
            (log,) = await eval_async(
                task, model=_model(url, upstream, spoken), log_dir=logs, max_retries=0, retry_on_error=0
            )
            scores = log.results.scores if log.results else ()
            accuracy = [one.metrics["accuracy"].value for one in scores]
            usage = [one.output_tokens for one in log.stats.model_usage.values()]
            completion = log.samples[0].output.completion if log.samples else None
            told[spoken] = [log.status, accuracy, usage, completion]
    return told


CHECKS = (tasks,)
