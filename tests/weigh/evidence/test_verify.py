"""Evidence computed again: equal where nothing was changed, and by path where something was."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.canonical import Sealed, decoded, sealed
from steelyard.weigh.evidence.directory import against_folder
from steelyard.weigh.evidence.document import Row
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.inputs import against_files
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.evidence.verify import Checked, compared, verified
from tests.weigh.evidence.given import again, gains, live_folder, recorded, table, tampered
from tests.weigh.evidence.test_live import right_and_wrong

SLICED: dict[str, Any] = {"topic": ("x", "y", "", "unknown"), "words": tuple(range(40))}


def paths(checked: Checked) -> list[str]:
    return [one.path for one in checked.differences]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sealed]:
    home = tmp_path_factory.mktemp("home")
    file = table(home / "w.csv", gains(200, **SLICED))
    return file, recorded(home, [str(file)], slices=("topic", "words"))[1]


def test_what_nobody_changed_is_equal(kept: tuple[Path, Sealed]) -> None:
    file, read = kept
    assert paths(verified(read)) == []
    checked = against_files(read, [file])
    assert paths(checked) == []
    assert "the rows with the inputs" in checked.compared


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, object]], dict[str, Any]]:
    """Draw a table of two models, and what is asked of it."""
    n = draw(st.integers(1, 90))
    drawn = random.Random(draw(st.integers(0, 10**6)))
    scores: list[object] = draw(st.sampled_from([[0, 1], [0, 0.25, 0.5, 1], [-3, 12.5, 4]]))
    scores = [*scores, ""] if draw(st.booleans()) else scores
    values = draw(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")), min_size=1, max_size=5))
    rows: list[dict[str, object]] = []
    for place in range(n):
        row: dict[str, object] = {"item": f"i{place}", "group": drawn.randrange(20), "kind": drawn.choice(values)}
        rows.append({**row, "a": drawn.choice(scores), "b": drawn.choice(scores)})
    asked: dict[str, Any] = {"slices": draw(st.sampled_from([(), ("kind",), ("kind", "group")]))}
    asked["cluster"] = draw(st.sampled_from([None, "group", "none"]))
    return rows, asked


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=tables(), hide=st.booleans())
def test_whatever_was_weighed_comes_out_again(
    found: tuple[list[dict[str, object]], dict[str, Any]], hide: bool, tmp_path: Path
) -> None:
    rows, asked = found
    file = table(tmp_path / "w.csv", rows)
    try:
        _, read = recorded(tmp_path, [str(file)], hash_items=hide, **asked)
    except ConfigError as error:
        event(f"refused: {str(error)[:60]}")
        return
    event(read.evidence.verdict.method.partition(":")[0][:20])
    assert paths(verified(read)) == []
    assert paths(against_files(read, [file])) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict", "verdict"), "SWAP"),
        (("verdict", "difference"), 0.5),
        (("verdict", "ci"), [-0.01, 0.2]),
        (("verdict", "ci"), None),
        (("verdict", "n"), 201),
        (("verdict", "margin"), 0.2),
        (("verdict", "n_needed"), 7),
        (("verdict", "method"), "by eye"),
        (("verdict", "inputs_sha256"), "0" * 64),
        (("verdict", "slices", 2, "n"), 60),
        (("verdict", "slices", 0, "verdict"), "SWAP"),
        (("outcomes", "kinds", 1, "count"), 3),
        (("models", "candidate", "mean", "value"), 0.9),
    ],
)
def test_a_number_that_was_changed_is_named(kept: tuple[Path, Sealed], path: tuple[Any, ...], value: Any) -> None:
    changed = tampered(kept[1], path, value)
    found = paths(verified(changed))
    assert found[0] == "$.sha256"
    named = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    assert any(one.startswith(named) for one in found)


def test_a_row_that_was_changed_shows_in_what_follows_and_against_the_file(kept: tuple[Path, Sealed]) -> None:
    file, read = kept
    row = read.evidence.rows[3]
    changed = again(replace(read.evidence, rows=(*read.evidence.rows[:3], _other(row), *read.evidence.rows[4:])))
    assert "$.sha256" not in paths(verified(changed))
    assert "$.verdict.candidate_mean" in paths(verified(changed))
    assert paths(against_files(changed, [file])) == ["$.rows[3].candidate"]


def test_a_file_of_another_size_is_found(kept: tuple[Path, Sealed]) -> None:
    file, read = kept
    changed = again(replace(read.evidence, inputs=(replace(read.evidence.inputs[0], bytes=9),)))
    assert paths(verified(changed)) == []
    assert paths(against_files(changed, [file])) == ["$.inputs[0].bytes"]


def test_a_digit_that_was_changed_anywhere_is_found_or_the_file_refused(kept: tuple[Path, Sealed]) -> None:
    content = sealed(kept[1].evidence)
    digits = [place for place, letter in enumerate(content) if chr(letter).isdigit()]
    drawn = random.Random(7)
    for place in drawn.sample(digits, 30):
        other = drawn.choice([one for one in b"0123456789" if one != content[place]])
        try:
            changed = decoded(content[:place] + bytes([other]) + content[place + 1 :])
        except ConfigError:
            continue
        assert "$.sha256" in paths(verified(changed))


def _other(row: Row) -> Row:
    return replace(row, candidate=1 - row.candidate)


def test_a_row_that_was_taken_out_or_repeated_is_found(kept: tuple[Path, Sealed]) -> None:
    file, read = kept
    fewer = again(replace(read.evidence, rows=read.evidence.rows[1:]))
    assert "$.verdict.n" in paths(verified(fewer))
    assert "$.rows.length" in paths(against_files(fewer, [file]))
    twice = again(replace(read.evidence, rows=(*read.evidence.rows[:-1], read.evidence.rows[0])))
    assert "$.rows[199].item" in paths(verified(twice))


def test_a_flag_that_was_taken_out_or_made_up_is_found(tmp_path: Path) -> None:
    rows = [{**row, "b": 0} for row in gains(60)]
    _, read = recorded(tmp_path, [str(table(tmp_path / "w.csv", rows))])
    assert [flag.kind for flag in read.evidence.verdict.flags] == ["constant"]
    silent = tampered(read, ("verdict", "flags"), [])
    assert verified(silent).differences[-1].computed["kind"] == "constant"
    made_up = tampered(read, ("verdict", "flags", 0, "text"), "All is well.")
    assert "$.verdict.flags[0]" in paths(verified(made_up))


def test_flags_that_only_the_inputs_show_are_said_not_to_be_checked(tmp_path: Path) -> None:
    rows = [{**row, "b": "" if place < 3 else row["b"]} for place, row in enumerate(gains(60))]
    file = table(tmp_path / "w.csv", rows)
    _, read = recorded(tmp_path, [str(file)])
    assert [one.why for one in read.evidence.left_out] == ["missing"] * 3
    assert "Flags that only the inputs can show: missing" in verified(read).notes[0]
    flags = [{"kind": "missing", "text": "Nothing is missing."}]
    assert paths(verified(tampered(read, ("verdict", "flags"), flags))) == ["$.sha256"]
    assert "$.verdict.flags[0].text" in paths(against_files(tampered(read, ("verdict", "flags"), flags), [file]))


def test_other_files_are_told_from_the_ones_that_were_weighed(kept: tuple[Path, Sealed], tmp_path: Path) -> None:
    other = table(tmp_path / "w.csv", gains(200, seed=8, **SLICED))
    checked = against_files(kept[1], [other])
    (found,) = checked.differences
    assert found.path == "$.inputs: w.csv"
    assert found.stated == kept[1].evidence.inputs[0].sha256
    assert checked.compared == ()
    assert "The rows were not compared with the files." in checked.notes


def test_files_are_known_by_content_whatever_they_are_called(kept: tuple[Path, Sealed], tmp_path: Path) -> None:
    moved = tmp_path / "renamed.csv"
    moved.write_bytes(kept[0].read_bytes())
    assert paths(against_files(kept[1], [moved])) == []


def test_a_list_of_contaminated_items_is_an_input_too(tmp_path: Path) -> None:
    file = table(tmp_path / "w.csv", gains(60))
    listed = tmp_path / "seen.txt"
    listed.write_text("i1\ni2\n", encoding="utf-8")
    _, read = recorded(tmp_path, [str(file)], contaminated=listed)
    assert [one.item for one in read.evidence.left_out if one.why == "contaminated"] == ["i1", "i2"]
    assert paths(verified(read)) == []
    assert paths(against_files(read, [listed, file])) == []
    assert paths(against_files(read, [file])) == ["$.inputs: seen.txt"]


def test_hashed_items_are_compared_with_the_files_all_the_same(tmp_path: Path) -> None:
    file = table(tmp_path / "w.csv", gains(100, source=tuple(f"s{number}" for number in range(20))))
    _, read = recorded(tmp_path, [str(file)])
    hidden = again(hashed(read.evidence))
    assert not any(row.item.startswith("i") or (row.cluster or "").startswith("s") for row in hidden.evidence.rows)
    assert {len(row.item) for row in hidden.evidence.rows} == {64}
    assert paths(verified(hidden)) == []
    assert paths(against_files(hidden, [file])) == []


def test_a_directory_is_no_input_of_recorded_results(tmp_path: Path) -> None:
    folder, read = recorded(tmp_path, [str(table(tmp_path / "w.csv", gains(60)))])
    with pytest.raises(ConfigError, match="give the files"):
        against_folder(read, folder)


@pytest.mark.parametrize("scores", [(1e308, -1e308), (1e-320, 0.0), (1e200, 1.0)])
def test_scores_at_the_ends_of_numbers_end_in_a_statement(
    kept: tuple[Path, Sealed], scores: tuple[float, float]
) -> None:
    rows = tuple(replace(row, baseline=scores[place % 2]) for place, row in enumerate(kept[1].evidence.rows))
    checked = verified(again(replace(kept[1].evidence, rows=rows)))
    assert any(path.startswith("$.verdict") for path in paths(checked))


def test_rows_that_cannot_be_weighed_are_a_difference(kept: tuple[Path, Sealed]) -> None:
    evidence = kept[1].evidence
    same = replace(evidence.models["candidate"], name="a")
    checked = verified(again(replace(evidence, models={**evidence.models, "candidate": same})))
    (found,) = [one for one in checked.differences if one.path == "$.verdict"]
    assert "cannot be weighed" in found.computed


def test_no_rows_at_all_are_weighed_to_nothing(kept: tuple[Path, Sealed]) -> None:
    checked = verified(again(replace(kept[1].evidence, rows=())))
    assert "$.verdict.n" in paths(checked)


@pytest.mark.parametrize(
    ("stated", "computed", "same"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (0.3000001, 0.3, False),
        (1, True, False),
        (None, 0, False),
        ("1", 1, False),
        ([1, 2], [1, 2, 3], False),
        ({"a": 1}, {"a": 1, "b": None}, False),
    ],
)
def test_only_numbers_that_are_not_whole_have_a_tolerance(stated: Any, computed: Any, same: bool) -> None:
    assert (list(compared("$", stated, computed)) == []) is same
    assert (list(compared("$", computed, stated)) == []) is same


def test_scorers_and_counts_are_compared_with_the_files(tmp_path: Path) -> None:
    rows = [
        {"item": row["item"], "model": model, "score": row[model], "scorer": "exact", "version": "2",
         "parsed": "false" if place == 4 else "true"}
        for place, row in enumerate(gains(60))
        for model in ("a", "b")
    ]  # fmt: skip
    file = table(tmp_path / "long.csv", rows)
    _, read = recorded(tmp_path, [str(file)])
    one = read.evidence.models["baseline"]
    assert [(by.label, by.version) for by in one.scorers] == [("exact", "2")]
    assert (one.unparsed, one.missing) == (1, 0)
    assert paths(against_files(read, [file])) == []
    other = replace(one, unparsed=0, scorers=(replace(one.scorers[0], version="3"),))
    changed = again(replace(read.evidence, models={**read.evidence.models, "baseline": other}))
    assert paths(verified(changed)) == []
    found = ["$.models.baseline.scorers[0].version", "$.models.baseline.unparsed"]
    assert sorted(paths(against_files(changed, [file]))) == found


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 3.5, 1e308, -1e308, 5e-324, 1e-300, 2**53 - 1, "", "x", "none", "topic", "source", "a", "b"),
    *("\0", "1e999", "NaN", "0" * 64, [], {}, [1], ["x"], {"a": 1}, "SWAP"),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something stands in a document, of lists only the first few."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:5]) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


@pytest.mark.parametrize("live", [False, True], ids=["recorded", "live"])
def test_whatever_stands_in_a_document_ends_in_a_statement(live: bool, tmp_path: Path) -> None:
    if live:
        read = again(live_evidence(live_folder(tmp_path, right_and_wrong(15))))
    else:
        rows = gains(30, topic=("x", "y"), source=tuple(range(13)))
        _, read = recorded(tmp_path, [str(table(tmp_path / "w.csv", rows))], slices=("topic",))
    drawn = random.Random(20261123)
    everywhere = list(places(read.document))
    refused = differing = 0
    for _ in range(200):
        path, value = drawn.choice(everywhere), drawn.choice(ODD)
        try:
            changed = tampered(read, path, value)
        except ConfigError:
            refused += 1
            continue
        differing += bool(verified(changed).differences)
    assert refused > 100
    assert differing > 8
