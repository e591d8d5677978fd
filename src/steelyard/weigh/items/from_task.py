"""Items from a task."""

from collections.abc import Mapping

from msgspec.structs import replace

from steelyard.core.loose import JsonValue
from steelyard.weigh.items.chosen import Chosen, checked
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.tasks.task import Task

__all__ = ["items_of_task"]


def items_of_task(task: Task, source: str, request: Mapping[str, JsonValue]) -> Chosen:
    """Return a task's items, with its scorer, cluster and slices. `request` takes the place of what the task's says.

    Raises ConfigError for a task without items."""
    task = replace(task, request={**task.request, **request})
    tools = {"tools": list(task.tools)} if task.tools else {}
    items = tuple(
        Planned(
            id=item.id,
            place=item.place,
            messages=tuple(task.messages(item)),
            request={**task.request, **tools},
            target=task.target_of(item),
            row=item.row,
        )
        for item in task.items
    )
    return Chosen(
        items=checked(items, source),
        title=task.title,
        source=source,
        held=len(items),
        licence=task.licence,
        prompt_sha256=task.prompt_sha256,
        scorer=task.scorer,
        cluster=task.cluster,
        slices=task.slices,
    )
