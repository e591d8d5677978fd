"""What models answered, from a weighing's directory and from recorded outputs."""

from pathlib import Path
from typing import Any

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import answers_in_file, answers_in_folder
from steelyard.weigh.judges.source import find_source
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256
from steelyard.weigh.runs.plan import Plan, Planned

NOTHING: dict[str, str | None] = {}


def weighing(data_dir: Path, *calls: Call) -> Folder:
    items = (
        Planned(
            id="1", place="t.jsonl:1", request={}, target="4", row={"topic": "sums"},
            messages=({"role": "user", "content": "What is 2+2?"},),
        ),
        Planned(
            id="2", place="t.jsonl:2", request={},
            messages=(
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url"}]},
            ),
        ),
    )  # fmt: skip
    plan = Plan(
        id="20260101-000000-abcd", kind="live", created="2026-01-01T00:00:00Z", code="0", title="t", source="t.jsonl",
        models=("large", "small"), items=2, items_sha256=items_sha256(items),
    )  # fmt: skip
    folder = Weighings(data_dir).create(plan, items)
    with folder.appending("calls.jsonl") as appender:
        for one in calls:
            appender.append(one)
    return folder


def call(item: str, model: str, output: str | None, repeat: int = 0, **more: Any) -> Call:
    told: dict[str, Any] = {"exchange": None, "status": 200, "started_at": 0.0, "took_s": 0.0, **more}
    return Call(item=item, model=model, repeat=repeat, output=output, **told)


def test_a_weighings_answers_are_those_of_the_first_run_that_has_one(tmp_path: Path) -> None:
    folder = weighing(
        tmp_path,
        call("1", "large", None, error="HTTP 500"),
        call("1", "large", "four", deployment="acme/l"),
        call("1", "large", "4", repeat=1),
        call("1", "small", "5", repeat=1),
        call("2", "small", "", tool_calls=({"function": {"name": "look"}},)),
    )
    found = answers_in_folder(folder)
    one, two = found.items
    assert one.outputs == {"large": "four", "small": "5"}
    assert (one.prompt, one.reference, one.row) == ("What is 2+2?", "4", {"topic": "sums"})
    assert two.prompt == "[system]\nBe brief.\n\n[user]\nWhat is it?\n[image_url that is not shown]"
    assert two.outputs == {"small": '[calls a tool: {"function":{"name":"look"}}]'}
    assert (found.repeats, found.unseen, found.missing("large")) == (1, 1, 1)
    assert found.deployments == {"large": ("acme/l",), "small": ()}


def test_a_weighing_is_found_by_id_beginning_latest_and_directory(tmp_path: Path) -> None:
    folder = weighing(tmp_path)
    for name in (folder.id, "2026", "latest", str(folder.path)):
        found = find_source(name, tmp_path)
        assert (found.folder.path, found.recorded) == (folder.path, None)
    assert (found.judgements, found.labels) == ("judgements.jsonl", "labels.jsonl")
    with pytest.raises(ConfigError, match="no such file of outputs"):
        find_source("outputs.csv", tmp_path)
    with pytest.raises(ConfigError, match="No weighing is called"):
        find_source("2027", tmp_path)


def test_files_beside_recorded_outputs_are_called_after_them(tmp_path: Path) -> None:
    path = tmp_path / "v1.outputs.jsonl.gz"
    path.touch()
    assert find_source(str(path), tmp_path).judgements == "v1.outputs.judgements.jsonl"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "outputs.csv"
    path.write_text(text)
    return path


def test_recorded_outputs_are_read_by_their_usual_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "id,model,question,response,source\n1,large,Why?,So.,s1\n1,small,Why?,,s1\n")
    found = answers_in_file(path, NOTHING)
    (item,) = found.items
    assert (item.item, item.prompt, item.outputs) == ("1", "Why?", {"large": "So."})
    assert item.row["source"] == "s1"
    assert (found.models, found.missing("small")) == (("large", "small"), 1)


def test_the_digest_of_answers_is_of_what_is_seen(tmp_path: Path) -> None:
    text = "item,model,prompt,output,note\n1,large,Why?,So.,x\n1,small,Why?,Thus.,x\n"
    first = answers_in_file(written(tmp_path, text), NOTHING).sha256
    assert answers_in_file(written(tmp_path, text.replace(",x\n", ",y\n")), NOTHING).sha256 == first
    assert answers_in_file(written(tmp_path, text.replace("Thus", "Hence")), NOTHING).sha256 != first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item,model,output\n1,l,x\n", "no column is called prompt or question"),
        ("item,model,prompt,output\n1,l,Why?,x\n1,s,How?,y\n", 'csv:3: the item "1" has another prompt than at'),
        ("item,model,prompt,output\n1,l,Why?,x\n1,l,Why?,y\n", 'csv:3: a second answer of l to the item "1"'),
        ("item,model,prompt,output\n1,,Why?,x\n", 'csv:2: "model" is empty'),
        ("item,model,prompt,output\n1,l,,x\n", 'csv:2: "prompt" is empty'),
        ("item,model,prompt,output\n", "holds no rows"),
    ],
)
def test_rows_that_cannot_be_judged_are_told_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        answers_in_file(written(tmp_path, text), NOTHING)
    assert said in str(error.value)


def test_runs_that_a_column_tells_apart_are_counted_and_the_first_is_judged(tmp_path: Path) -> None:
    text = "item,model,prompt,output,epoch\n1,l,Why?,x,1\n1,l,Why?,y,2\n1,s,Why?,z,1\n"
    found = answers_in_file(written(tmp_path, text), NOTHING)
    assert (found.items[0].outputs, found.repeats) == ({"l": "x", "s": "z"}, 1)
