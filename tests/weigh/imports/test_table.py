"""Logs become one long table, which is weighed as the logs themselves are."""

import csv
from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.imports.table import found_logs, long_rows, sums
from steelyard.weigh.imports.tools import TOOLS
from steelyard.weigh.results.pairs import Asked, paired
from steelyard.weigh.results.read import read_results
from steelyard.weigh.results.sheet import Results
from tests.weigh.results.given import RECORDED, jsonl, scores

CAPITALS = [str(RECORDED / f"capitals-{name}.eval") for name in ("assistant", "small")]
MOCKS = [str(RECORDED / f"inspect-{name}.eval") for name in ("alpha", "beta")]


def written(path: Path, results: Results) -> str:
    rows = long_rows(results)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.mark.parametrize(("logs", "score", "column"), [(CAPITALS, None, "continent"), (MOCKS, "match", "language")])
def test_the_table_is_weighed_as_the_logs_are(tmp_path: Path, logs: list[str], score: str | None, column: str) -> None:
    direct = read_results(logs, None, score)
    again = read_results([written(tmp_path / "scores.csv", direct)])
    assert again.models == direct.models
    asked = Asked(direct.models[0], direct.models[1], slices=(column,))
    one, other = paired(direct, asked), paired(again, asked)
    assert scores(one) == scores(other)
    assert [(part.value, part.rows.tolist()) for part in one.slices] == [
        (part.value, part.rows.tolist()) for part in other.slices
    ]
    assert [side.repeats for side in one.sides] == [side.repeats for side in other.sides]


def test_a_row_has_what_the_log_tells() -> None:
    row = long_rows(read_results(CAPITALS))[0]
    assert row == {
        "item": "capitals:de", "model": "assistant", "score": 1.0, "epoch": 1, "task": "capitals",
        "continent": "Europe", "output": "The capital of Germany is Berlin.", "input": "Germany",
        "scorer": "includes, inspect_ai 0.3.285",
    }  # fmt: skip


def test_what_a_log_calls_like_the_tables_own_columns_is_told_apart(tmp_path: Path) -> None:
    doc = {"doc_id": 1, "doc": {"model": "T", "score": 3, "epoch": 2, "output": "gold"}, "resps": [["said"]]}
    file = jsonl(tmp_path / "samples.jsonl", [{**doc, "filter": "none", "metrics": ["acc"], "acc": 1.0}])
    (row,) = long_rows(read_results([f"a={file}"]))
    assert row == {
        "item": "1", "model": "a", "score": 1.0, "task": None, "log.model": "T", "log.score": 3, "log.epoch": 2,
        "doc.output": "gold", "output": "said", "scorer": None,
    }  # fmt: skip


def test_what_models_come_to_is_what_the_tool_reports() -> None:
    found = sums(read_results(CAPITALS))
    assert [(one.model, one.items, one.scored, one.mean) for one in found] == [
        ("assistant", 12, 12, pytest.approx(10 / 12)),
        ("small", 12, 12, 0.0),
    ]


def test_a_directory_stands_for_the_logs_below_it(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.eval", "deep/a.eval", "deep/er/notes.txt"):
        (tmp_path / name).write_bytes(b"")
    tool = TOOLS["inspect"]
    assert found_logs(tool, [str(tmp_path)]) == [str(tmp_path / "b.eval"), str(tmp_path / "deep/a.eval")]
    assert found_logs(tool, [f"mine={tmp_path / 'deep'}"]) == [f"mine={tmp_path / 'deep/a.eval'}"]
    with pytest.raises(ConfigError, match="no log of inspect lies there"):
        found_logs(tool, [str(tmp_path / "deep" / "er")])


def test_cells_that_are_no_scores_are_told_with_their_lines(tmp_path: Path) -> None:
    rows = [{"doc_id": n, "resps": [["x"]], "filter": "none", "metrics": ["m"], "m": "so-so"} for n in range(2)]
    file = jsonl(tmp_path / "samples.jsonl", rows)
    with pytest.raises(ConfigError) as error:
        long_rows(read_results([f"a={file}"]))
    assert error.value.findings == (f'{file}:1: m: "so-so" is no score', f'{file}:2: m: "so-so" is no score')
