"""Items from tasks."""

import pytest

from steelyard.weigh.items.from_task import items_of_task
from steelyard.weigh.runs.scoring import check_targets, remade, scored_by
from steelyard.weigh.tasks.shipped import find_task, shipped_names


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_task_can_be_asked_and_scored(name: str) -> None:
    task = find_task(name)
    chosen = items_of_task(task, f"task:{name}", {})
    assert len(chosen.items) == len(task.items) > 0
    assert chosen.scorer is not None
    assert (chosen.licence, chosen.slices, chosen.prompt_sha256) == (task.licence, task.slices, task.prompt_sha256)
    assert all(item.messages and item.request["max_tokens"] for item in chosen.items)
    check_targets(chosen.scorer, chosen.items)


@pytest.mark.parametrize("name", shipped_names())
def test_a_tasks_scorer_can_be_made_again_from_its_record(name: str) -> None:
    made = find_task(name).scorer
    assert remade(scored_by(made)) == made


def test_tools_go_along() -> None:
    chosen = items_of_task(find_task("tools"), "task:tools", {})
    assert chosen.items[0].request["tools"][0]["function"]["name"] == "weather"


def test_another_request_is_another_prompt() -> None:
    task = find_task("gsm8k")
    usual, other = (items_of_task(task, "task:gsm8k", request) for request in ({}, {"max_tokens": 9}))
    assert other.items[0].request == {"temperature": 0, "max_tokens": 9}
    assert other.prompt_sha256 != usual.prompt_sha256
