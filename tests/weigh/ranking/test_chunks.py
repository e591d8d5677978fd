"""Columns of a table, chunk by chunk."""

from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.chunks import chunks_of, columns_of, is_table, place_of


def test_columns_are_those_of_the_head_or_of_the_first_row(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("b,a\n1,2\n")
    (tmp_path / "x.jsonl").write_text('\n{"a":1,"b":2}\n')
    assert columns_of(tmp_path / "x.csv") == ("b", "a")
    assert columns_of(tmp_path / "x.jsonl") == ("a", "b")


@pytest.mark.parametrize("text", ["a,b\n1,x\n2,y\n", 'a,b\n1,"x"\n\n2,y\n'], ids=["plain", "quoted"])
def test_columns_come_in_the_order_in_which_they_are_wanted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert [[list(column) for column in chunk] for chunk in chunks_of(path, ("b", "a"))] == [[["x", "y"], ["1", "2"]]]


def test_a_row_is_found_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a\n"one\ntwo"\nthree\n')
    assert [place_of(path, row) for row in (0, 1)] == [f"{path}:3", f"{path}:4"]
    assert place_of(tmp_path / "x.parquet", 1) == f"{tmp_path / 'x.parquet'}, row 2"


def test_a_row_with_another_number_of_cells_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ConfigError, match=r"x\.csv:3: 1 cells, and the head has 2"):
        list(chunks_of(path, ("a",)))


def test_a_table_is_known_by_the_end_of_its_name(tmp_path: Path) -> None:
    assert [is_table(tmp_path / name) for name in ("x.CSV", "x.ndjson", "x.parquet", "x.txt")] == [True] * 3 + [False]
