"""Scores of many models from files, long and wide."""

from pathlib import Path

import numpy as np
import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.scores_file import ScoresRead, ScoresWanted, read_scores

LONG = "item,model,score,source\n1,A,1,x\n1,B,0,x\n2,A,0,x\n2,B,,x\n3,A,true,y\n3,B,0.5,y\n"
WIDE = "id,topic,A,B\n1,x,1,0\n2,x,0,\n3,y,1,0.5\n"


def read(folder: Path, text: str, wanted: ScoresWanted | None = None) -> ScoresRead:
    path = folder / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return read_scores([str(path)], wanted or ScoresWanted(cluster="none"))


def test_long_and_wide_tables_hold_the_same_scores(tmp_path: Path) -> None:
    long, wide = read(tmp_path, LONG), read(tmp_path, WIDE)
    assert long.scores.models == wide.scores.models == ("A", "B")
    assert np.array_equal(long.scores.values, np.array([[1, 0], [0, np.nan], [1, 0.5]]), equal_nan=True)
    assert np.array_equal(long.scores.values, wide.scores.values, equal_nan=True)
    assert long.missing == wide.missing == 1
    assert wide.skipped == ("topic",)
    assert len(long.sha256) == 64


def test_items_are_clustered_by_a_column(tmp_path: Path) -> None:
    for text, column in ((LONG, "source"), (WIDE, "topic")):
        clusters = read(tmp_path, text, ScoresWanted(cluster=column)).scores.clusters
        assert clusters is not None
        assert (clusters.name, clusters.codes.tolist(), clusters.count) == (column, [0, 0, 1], 2)


def test_a_column_source_is_clustered_by_without_being_asked(tmp_path: Path) -> None:
    shared = "item,A,B,source\n" + "".join(f"{n},{n % 2},{n % 3 % 2},{n % 12}\n" for n in range(36))
    found = read(tmp_path, shared, ScoresWanted())
    assert found.scores.clusters is not None
    assert (found.scores.models, found.sourced) == (("A", "B"), True)
    assert (found.scores.clusters.name, found.scores.clusters.count) == ("source", 12)
    asked = read(tmp_path, shared, ScoresWanted(cluster="source"))
    assert (asked.scores.clusters is not None, asked.sourced) == (True, False)
    alone = read(tmp_path, shared.replace("source", "cluster"), ScoresWanted(cluster="none"))
    assert (alone.scores.models, alone.scores.clusters, alone.sourced) == (("A", "B"), None, False)
    # Each item its own source: nothing is shared.
    own = "item,model,score,source\n" + "".join(f"{n},{m},1,s{n}\n" for n in range(12) for m in "AB")
    assert read(tmp_path, own, ScoresWanted()).scores.clusters is None
    few = "item,A,B,source\n" + "".join(f"{n},1,0,{n % 3}\n" for n in range(36))
    with pytest.raises(ConfigError, match=r'36 items share 3 values of "source".*--cluster none'):
        read(tmp_path, few, ScoresWanted())


def test_a_numeric_cluster_column_is_no_model(tmp_path: Path) -> None:
    found = read(tmp_path, "id,book,A,B\n1,7,1,0\n2,8,0,1\n", ScoresWanted(cluster="book"))
    assert found.scores.models == ("A", "B")
    assert found.skipped == ("book",)


def test_models_can_be_chosen_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    assert read(tmp_path, WIDE, ScoresWanted(models=("B", "A"))).scores.models == ("B", "A")
    with pytest.raises(ConfigError, match='No model is called "Z"; there are topic, A, B'):
        read(tmp_path, WIDE, ScoresWanted(models=("A", "Z")))


def test_a_missing_score_counts_as_nothing_only_when_asked(tmp_path: Path) -> None:
    found = read(tmp_path, WIDE, ScoresWanted(failing=True))
    assert found.scores.values.tolist() == [[1, 0], [0, 0], [1, 0.5]]
    assert found.missing == 1


def test_the_mean_of_several_runs_counts(tmp_path: Path) -> None:
    text = "item,model,epoch,score\n1,A,1,1\n1,A,2,0\n1,B,1,1\n2,A,1,1\n2,B,1,\n"
    found = read(tmp_path, text)
    assert np.array_equal(found.scores.values, np.array([[0.5, 1], [1, np.nan]]), equal_nan=True)
    assert found.repeated == 1


def test_what_cannot_be_a_score_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'scores.csv:3: "good" is no score of "B"'):
        read(tmp_path, "item,model,score\n1,A,1\n1,B,good\n")
    with pytest.raises(ConfigError, match=r'scores.csv:4: item "1" of "A" has another score above'):
        read(tmp_path, "item,model,score\n1,A,1\n1,B,1\n1,A,0\n")


def test_rows_that_say_the_same_again_count_once(tmp_path: Path) -> None:
    found = read(tmp_path, LONG + "1,A,1,x\n2,B,,x\n3,A,yes,y\n")
    assert np.array_equal(found.scores.values, read(tmp_path, LONG).scores.values, equal_nan=True)
    assert (found.duplicates, read(tmp_path, LONG).duplicates) == (3, 0)


def test_one_column_of_numbers_beside_words_is_told_with_its_way_out(tmp_path: Path) -> None:
    text = "id,A,B\n1,TRUE,Yes\n2,FALSE,No\n"
    with pytest.raises(ConfigError, match=r'Only "A" holds numbers.*are clustered by: B\. Name the models by --model'):
        read(tmp_path, text)
    assert read(tmp_path, text, ScoresWanted(models=("A", "B"))).scores.values.tolist() == [[1, 1], [0, 0]]


def test_an_item_with_two_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'scores.csv:3: item "1" has the source "y", and elsewhere "x"'):
        read(tmp_path, "item,model,score,source\n1,A,1,x\n1,B,1,y\n", ScoresWanted(cluster="source"))
    with pytest.raises(ConfigError, match='no column "team" to cluster by'):
        read(tmp_path, LONG, ScoresWanted(cluster="team"))


def test_texts_only_are_no_scores(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No column holds scores: A, B are texts"):
        read(tmp_path, "id,A,B\n1,yes,no\n2,no,yes\n")


def test_what_is_missing_or_right_is_so_in_the_words_that_weigh_recorded_reads(tmp_path: Path) -> None:
    long = "item,model,score\n1,A,yes\n1,B,NaN\n2,A,incorrect\n2,B,n/a\n3,A,pass\n3,B,1\n"
    found = read(tmp_path, long)
    assert np.array_equal(found.scores.values, np.array([[1, np.nan], [0, np.nan], [1, 1]]), equal_nan=True)
    wide = read(tmp_path, "id,A,B,C\n1,1,NA,\n2,0,1,true\n3,1,0,false\n")
    assert wide.scores.models == ("A", "B", "C")
    assert wide.missing == 2


def test_a_text_among_the_numbers_of_a_wide_table_is_a_mistake_and_hides_no_model(tmp_path: Path) -> None:
    text = "id,hard,A,B\n1,yes,1,0\n2,no,0,good\n3,no,1,1\n"
    with pytest.raises(ConfigError, match=r'scores\.csv:3: "good" is no score, and "B" holds numbers elsewhere'):
        read(tmp_path, text)
    assert read(tmp_path, text.replace("good", "1")).skipped == ("hard",)


def test_scores_whose_squares_nobody_can_add_up_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'scores\.csv:2: "1e308" is no score of "A"'):
        read(tmp_path, "item,model,score\n1,A,1e308\n1,B,0\n")
