"""A task of Inspect: twelve capitals."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, prompt_template

ITEMS = Path(__file__).with_name("capitals.jsonl")
QUESTION = "What is the capital of {prompt}? Answer with its name alone."


@task
def capitals() -> Task:
    fields = FieldSpec(input="country", target="capital", metadata=["continent"])
    return Task(json_dataset(str(ITEMS), fields), [prompt_template(QUESTION), generate()], scorer=includes())
