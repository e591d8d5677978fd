"""json_schema and tool_call, and how JSON is found in prose."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.json_text import first_object, json_values, lone_json, loose_field
from steelyard.weigh.scorers.registry import label_of, scorer
from tests.weigh.scorers.given import scored

PERSON = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_json_is_found_alone_fenced_and_in_prose(value: Any) -> None:
    text = json.dumps(value)
    assert lone_json(text) == value
    assert lone_json(f"```json\n{text}\n```") == value
    if isinstance(value, dict | list):
        assert next(json_values(f"Here it is: {text} Enjoy!")) == value
    if isinstance(value, dict) and "{" not in text[1:] and "}" not in text[:-1]:
        assert first_object(f"Here: {text}") == value


def test_hostile_brackets_cost_little_and_find_nothing() -> None:
    assert list(json_values("[" * 100_000)) == []
    assert first_object("{" * 100_000) is None
    with pytest.raises(ValueError, match="nested too deeply"):
        lone_json("[" * 100_000)


def test_the_first_braces_that_close_are_looked_at_and_no_others() -> None:
    assert first_object('} {"a": {"b": 1}} {"c": 2}') == {"a": {"b": 1}}
    assert first_object('{a} {"b": 1}') is None
    assert loose_field('"answer": "3', "answer") == '"3'
    assert loose_field("nothing", "answer") is None


def test_an_output_is_valid_invalid_or_no_json() -> None:
    assert scored("json_schema", '{"name": "Ada"}', schema=PERSON).value == 1.0
    assert scored("json_schema", '```json\n{"name": "Ada"}\n```', schema=PERSON).value == 1.0
    wrong = scored("json_schema", '{"name": 7}', schema=PERSON)
    assert (wrong.value, wrong.parsed, wrong.detail["where"]) == (0.0, True, "$.name")
    for output in ("Ada", '{"name": "Ada"} is it', '{"name": NaN}', "[" * 5000):
        score = scored("json_schema", output, schema=PERSON)
        assert (score.value, score.parsed) == (0.0, False), output
    assert scored("json_schema", 'It is {"name": "Ada"}.', schema=PERSON, find="anywhere").value == 1.0
    assert scored("json_schema", "Ada", schema=PERSON, find="anywhere").parsed is False


def test_a_schema_may_be_a_file_or_the_target(tmp_path: Path) -> None:
    file = tmp_path / "person.json"
    file.write_text(json.dumps(PERSON))
    assert scored("json_schema", '{"name": 7}', file=str(file)).value == 0.0
    assert scored("json_schema", '{"name": "Ada"}', PERSON).value == 1.0
    assert scored("json_schema", '{"name": "Ada"}', json.dumps(PERSON)).value == 1.0


def test_formats_are_checked_when_asked() -> None:
    schema = {"type": "string", "format": "date"}
    assert scored("json_schema", '"yesterday"', schema=schema).value == 1.0
    assert scored("json_schema", '"yesterday"', schema=schema, formats=True).value == 0.0


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (None, "needs its option schema|needs the option schema"),
        ("{", "no JSON Schema"),
        ({"type": 7}, "no JSON Schema"),
        ({"$ref": "http://127.0.0.1:9/person.json"}, "which is not in it"),
    ],
)
def test_a_schema_that_is_none_is_refused_and_nothing_is_fetched(target: object, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        scored("json_schema", "{}", target)


def test_the_label_of_a_schema_file_changes_with_its_content(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    labels = []
    for schema in (PERSON, {}):
        file.write_text(json.dumps(schema))
        labels.append(label_of(scorer("json_schema", {"file": str(file)})))
    assert labels[0].startswith(f"json_schema(file={file}@")
    assert labels[0] != labels[1]
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        label_of(scorer("json_schema", {"file": str(file)}))


def test_a_schema_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        scored("json_schema", "{}", file=str(tmp_path / "none.json"))


OSLO = {"name": "weather", "arguments": {"place": "Oslo", "days": 2}}
ROME = {"name": "weather", "arguments": {"place": "Rome", "days": 2}}


@pytest.mark.parametrize(
    "output",
    [
        json.dumps(OSLO),
        json.dumps([OSLO]),
        f"I will look it up.\n```json\n{json.dumps(OSLO)}\n```",
        json.dumps({"tool_calls": [{"id": "1", "function": {**OSLO, "arguments": json.dumps(OSLO["arguments"])}}]}),
        json.dumps([{"type": "tool_use", "name": "weather", "input": OSLO["arguments"]}]),
        json.dumps({"name": "weather", "arguments": {"days": 2.0, "place": "Oslo"}}),
    ],
)
def test_a_call_is_read_in_every_form_that_is_written(output: str) -> None:
    assert scored("tool_call", output, [OSLO]).value == 1.0
    assert scored("tool_call", output, [ROME]).value == 0.0
    assert scored("tool_call", output, []).value == 0.0


def test_calls_may_come_in_any_order_unless_asked() -> None:
    both = json.dumps([OSLO, ROME])
    assert scored("tool_call", both, [ROME, OSLO]).value == 1.0
    assert scored("tool_call", both, [ROME, OSLO], ordered=True).value == 0.0
    assert scored("tool_call", both, [OSLO, OSLO]).value == 0.0
    assert scored("tool_call", both, [OSLO]).value == 0.0


def test_arguments_may_be_more_or_none_of_them_count() -> None:
    place = [{"name": "weather", "arguments": {"place": "Oslo"}}]
    assert scored("tool_call", json.dumps(OSLO), place).value == 0.0
    assert scored("tool_call", json.dumps(OSLO), place, arguments="subset").value == 1.0
    assert scored("tool_call", json.dumps(ROME), place, arguments="subset").value == 0.0
    assert scored("tool_call", json.dumps(ROME), place, arguments="names").value == 1.0


def test_calls_are_matched_one_for_one_where_several_fit() -> None:
    any_town = {"name": "weather", "arguments": {}}
    assert scored("tool_call", json.dumps([OSLO, ROME]), [any_town, OSLO], arguments="subset").value == 1.0
    assert scored("tool_call", json.dumps([ROME, OSLO]), [any_town, OSLO], arguments="subset").value == 1.0
    assert scored("tool_call", json.dumps([ROME, ROME]), [any_town, OSLO], arguments="subset").value == 0.0


def test_true_is_not_one() -> None:
    on, one = ({"name": "lamp", "arguments": {"on": [value]}} for value in (True, 1))
    assert scored("tool_call", json.dumps(on), [one]).value == 0.0
    assert scored("tool_call", json.dumps(on), [on]).value == 1.0


def test_prose_is_an_answer_without_a_call_and_a_broken_call_is_unparsed() -> None:
    assert scored("tool_call", "It will rain.", []).value == 1.0
    assert scored("tool_call", "It will rain.", [OSLO]).value == 0.0
    for broken in (
        '{"name": "weather", "arguments": {',
        '{"name": "weather", "arguments": "Oslo"}',
        '{"name": "w", "arguments": "[1]"}',
    ):
        assert scored("tool_call", broken, [OSLO]).parsed is False, broken


@pytest.mark.parametrize("target", [None, "Oslo", {}, [1], '{"name": "w", "arguments": "x"}'])
def test_a_target_that_is_no_list_of_calls_is_refused(target: object) -> None:
    with pytest.raises(ConfigError, match=r"the target is no list of calls|needs a list of"):
        scored("tool_call", "Hello", target)
