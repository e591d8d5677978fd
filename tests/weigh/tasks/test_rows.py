"""Rows from CSV and JSON Lines."""

import gzip
import lzma
from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.tasks.rows import read_rows

CSV = 'id,output\na,"one\ntwo"\n\nb,\n'
LINES = '{"id": "a", "output": "x\u2028y"}\n\n{"id": "b", "output": null, "n": [1]}\n'
_WHOLE = gzip.compress(CSV.encode() * 9, mtime=0)
DAMAGED = _WHOLE[:20] + b"\xff" * 9 + _WHOLE[29:]


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_keeps_lines_inside_cells_and_an_empty_cell_is_unknown(tmp_path: Path) -> None:
    first, second = read_rows(written(tmp_path, "a.csv", CSV))
    assert (first.values, first.place) == ({"id": "a", "output": "one\ntwo"}, f"{tmp_path}/a.csv:2")
    assert (second.values, second.place) == ({"id": "b", "output": None}, f"{tmp_path}/a.csv:5")


def test_lines_of_json_keep_their_values(tmp_path: Path) -> None:
    first, second = read_rows(written(tmp_path, "a.jsonl", LINES))
    assert first["output"] == "x\u2028y"
    assert (second["n"], second["output"], second.place) == ([1], None, f"{tmp_path}/a.jsonl:3")


def test_tabs_packed_files_and_byte_order_marks_are_read(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, "a.tsv", "id\toutput\na\tb, c\n"))[0].values == {"id": "a", "output": "b, c"}
    assert len(read_rows(written(tmp_path, "a.jsonl.xz", lzma.compress(LINES.encode())))) == 2
    assert len(read_rows(written(tmp_path, "a.csv.gz", gzip.compress(CSV.encode())))) == 2
    assert read_rows(written(tmp_path, "b.csv", "\ufeffid\na\n"))[0].values == {"id": "a"}


def test_an_output_may_be_longer_than_a_cell_usually_is(tmp_path: Path) -> None:
    (row,) = read_rows(written(tmp_path, "a.csv", f"id,output\na,{'x' * 200_000}\n"))
    assert len(row["output"]) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "id,output\na\n", "a.csv:2: 1 cells for 2 columns"),
        ("a.csv", 'id,output\na,"b\n', "a.csv:2: not CSV"),
        ("a.csv", "id,id\na,b\n", 'a.csv:1: two columns are called "id"'),
        ("a.csv", "id,output\n", "a.csv: holds no rows"),
        ("a.csv", "", "a.csv: holds no rows"),
        ("a.csv", b"id\na\n\xff\n", "a.csv:3: not UTF-8"),
        ("a.jsonl", '{"id": 1}\n[1]\n', "a.jsonl:2: expected an object of JSON"),
        ("a.jsonl", '{"id": 1}\n{"id"\n', "a.jsonl:2: expected an object of JSON"),
        ("a.jsonl.xz", "no xz", "a.jsonl.xz: it cannot be unpacked"),
        ("a.csv.gz", "no gz", "a.csv.gz: it cannot be unpacked"),
        ("a.csv.gz", DAMAGED, "a.csv.gz: it cannot be unpacked"),
        ("a.txt", "a", "a.txt: rows are read from .csv, .tsv or .jsonl"),
        ("a", "a", "a: rows are read from .csv, .tsv or .jsonl"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, name: str, content: str | bytes, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_rows(written(tmp_path, name, content))
    assert reason in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: cannot be read: No such file"):
        read_rows(tmp_path / "none.csv")


def test_a_file_of_another_kind_is_told_so_whatever_bytes_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    path.write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(ConfigError, match=r"items\.parquet: rows are read from \.csv, \.tsv or \.jsonl"):
        read_rows(path)
