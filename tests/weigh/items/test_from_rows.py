"""Items from files of rows."""

from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.items.chosen import check_columns, sampled
from steelyard.weigh.items.from_rows import Named, items_of_rows


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def mistakes(path: Path, named: Named | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        items_of_rows(path, {}, named)
    return str(caught.value)


def test_a_row_with_a_prompt_is_an_item(tmp_path: Path) -> None:
    path = written(tmp_path, "items.csv", "id,prompt,answer,topic\na,What is 2 + 2?,4,sums\nb,And 3 + 3?,6,sums\n")
    chosen = items_of_rows(path, {"temperature": 0})
    first, second = chosen.items
    assert (first.id, first.target, first.place) == ("a", "4", f"{path}:2")
    assert first.messages == ({"role": "user", "content": "What is 2 + 2?"},)
    assert first.request == {"temperature": 0}
    assert first.row["topic"] == "sums"
    assert second.id == "b"
    assert (chosen.held, chosen.title, chosen.prompt_sha256) == (2, "items.csv", None)


def test_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    path = written(tmp_path, "items.jsonl", '{"prompt": "One?"}\n{"prompt": "Two?"}\n')
    assert [item.id for item in items_of_rows(path, {}).items] == ["1", "2"]


def test_messages_are_taken_as_they_are_from_json_lines_and_from_csv(tmp_path: Path) -> None:
    lines = written(tmp_path, "a.jsonl", '{"id": 7, "messages": [{"role": "system", "content": "Be brief."}]}\n')
    cells = written(tmp_path, "b.csv", 'id,messages\n7,"[{""role"": ""system"", ""content"": ""Be brief.""}]"\n')
    for path in (lines, cells):
        (item,) = items_of_rows(path, {}).items
        assert item.id == "7"
        assert item.messages == ({"role": "system", "content": "Be brief."},)
        assert "messages" not in item.row


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "items.csv", "nr,frage,soll\n1,Was ist 2 + 2?,4\n")
    (item,) = items_of_rows(path, {}, Named(item="nr", prompt="frage", target="soll")).items
    assert (item.id, item.target) == ("1", "4")


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "items.csv", "id,question\n1,What?\n")
    assert 'did you mean "question"?' in mistakes(path, Named(prompt="questions"))
    assert "no column is called prompt or messages" in mistakes(path)
    assert "Columns: id, question" in mistakes(path)


def test_rows_that_ask_nothing_are_told_with_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "items.csv", 'id,prompt\na,What?\nb,\nc,"  "\n,What?\n')
    told = mistakes(path).splitlines()
    assert told == [
        f"{path}:3: prompt: nothing is asked",
        f"{path}:4: prompt: nothing is asked",
        f"{path}:5: id: the item has no name there",
    ]


@pytest.mark.parametrize(
    ("messages", "wrong"),
    [
        ('"Hello"', "no JSON"),
        ("[]", "expected a list of messages"),
        ("{}", "expected a list of messages"),
        ('[{"role": "robot", "content": "x"}]', "message 1 has no role of"),
        ('[{"role": "user", "content": "x"}, "x"]', "message 2 has no role of"),
        ('[{"role": "user"}]', "message 1 has no content"),
        ('[{"role": "user", "content": null}]', "message 1 has no content"),
    ],
)
def test_what_are_no_messages_is_told(tmp_path: Path, messages: str, wrong: str) -> None:
    assert wrong in mistakes(written(tmp_path, "items.jsonl", f'{{"messages": {messages}}}\n'))


def test_two_items_with_one_id_are_told_with_both_places(tmp_path: Path) -> None:
    path = written(tmp_path, "items.csv", "id,prompt\na,One?\nb,Two?\na,Three?\n")
    assert mistakes(path) == f'{path}:4: the item "a" is there already, at {path}:2'


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    assert "holds no rows" in mistakes(written(tmp_path, "items.csv", "id,prompt\n"))


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_order(tmp_path: Path) -> None:
    rows = "".join(f"i{number:02},Number {number}?\n" for number in range(50))
    chosen = items_of_rows(written(tmp_path, "items.csv", f"id,prompt\n{rows}"), {})
    drawn = [item.id for item in sampled(chosen, 10, seed=1).items]
    assert drawn == sorted(drawn)
    assert drawn == [item.id for item in sampled(chosen, 10, seed=1).items]
    assert drawn != [item.id for item in sampled(chosen, 10, seed=2).items]
    assert sampled(chosen, 10, seed=1).held == 50
    assert sampled(chosen, None, seed=1) is chosen
    with pytest.raises(ConfigError, match="holds 50 items"):
        sampled(chosen, 51, seed=1)


def test_slices_that_no_item_has_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    chosen = items_of_rows(written(tmp_path, "items.csv", "id,prompt,topic\na,One?,x\n"), {})
    check_columns(chosen.items, {"--slice": "topic"})
    with pytest.raises(ConfigError, match=r'--slice topics: .* did you mean "topic"'):
        check_columns(chosen.items, {"--slice": "topics"})
