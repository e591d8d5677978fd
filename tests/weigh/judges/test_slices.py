"""Judged verdicts by slice, held against the same figures worked out by hand, and Holm's by statsmodels."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import answers_in_file
from steelyard.weigh.judges.slices import JudgedSlice, Material, check_columns, judged_slices, slice_flags
from steelyard.weigh.judges.verdict import Question, outcome, p_values
from steelyard.weigh.judging.prediction_powered import Corrected, Labelled, corrected_mean
from tests.weigh.judges.given import PAIR, answers_of

MARGIN = 0.2
QUESTION = Question(margin=MARGIN, alpha=0.05)
KINDS = ("code", "prose", "sums")
SHIFT = {"code": 0.0, "prose": 0.25, "sums": -0.7}


def material(n: int = 600, every: int = 2, clusters: int | None = None) -> Material:
    """Return items of three kinds; people like the candidate's prose better, and its sums less; of every second item
    there is a label, and judges are right nine times of ten."""
    random = np.random.default_rng(11)
    rows = [{"kind": KINDS[place % 3], "length": place % 100} for place in range(n)]
    shares = [SHIFT[str(row["kind"])] for row in rows]
    truth = np.asarray([random.choice([-1.0, 0.0, 1.0], p=[0.4 - at / 2, 0.2, 0.4 + at / 2]) for at in shares])
    lean = np.where(random.random(n) < 0.9, truth, random.choice([-1.0, 0.0, 1.0], n))
    return Material(
        *(answers_of(*[(1, 2)] * n, rows=rows).items, PAIR, np.arange(n), lean),
        people={place: float(truth[place]) for place in range(0, n, every)},
        codes=None if clusters is None else random.integers(0, clusters, n),
    )


def by_hand(given: Material, kind: str, alpha: float) -> Corrected:
    rows: NDArray[np.int64] = np.asarray([at for at, item in enumerate(given.items) if item.row["kind"] == kind])
    own = np.asarray([at for at in rows if int(at) in given.people])
    rest = np.asarray([at for at in rows if int(at) not in given.people])
    human = np.asarray([given.people[int(at)] for at in own])
    found = corrected_mean(Labelled(human, given.lean[own], given.lean[rest], difference=True), alpha)
    assert isinstance(found, Corrected)
    return found


def sliced(given: Material, *names: str, question: Question = QUESTION) -> dict[str, JudgedSlice]:
    return {one.value: one for one in judged_slices(given, names, question)}


def test_each_slice_has_the_figures_of_its_own_items() -> None:
    given = material()
    found = sliced(given, "kind")
    assert list(found) == list(KINDS)
    for kind, one in found.items():
        hand = by_hand(given, kind, 0.05)
        assert (one.name, one.judged, one.labelled) == ("kind", 200, 100)
        assert (one.difference, one.se) == (hand.estimate, hand.se)
    assert {kind: one.verdict for kind, one in found.items()} == {
        "code": "NEED_MORE" if found["code"].p_noninferior > 0.025 else "SWAP",  # type: ignore[operator]
        "prose": "SWAP",
        "sums": "DONT",
    }


def test_slices_are_corrected_by_holm_as_statsmodels_does_it() -> None:
    given = material()
    found = sliced(given, "kind")
    one_sided = [p_values(*_parts(given, kind), QUESTION) for kind in KINDS]
    both = [2 * min(p) for p in one_sided if p is not None]
    rejected, adjusted, *_ = multipletests(both, 0.05, "holm")
    told = [found[kind].p_noninferior for kind in KINDS]
    assert [min(p, 1 - p) * 2 for p in told if p is not None] == pytest.approx(adjusted)
    for kind, gone in zip(KINDS, rejected, strict=True):
        assert (found[kind].verdict != "NEED_MORE") == gone
        ci = found[kind].ci
        assert ci is not None
        assert (ci[0] > -MARGIN or ci[1] < -MARGIN) == gone
    first = min(range(3), key=both.__getitem__)
    assert found[KINDS[first]].ci == by_hand(given, KINDS[first], 0.05 / 3).ci


def _parts(given: Material, kind: str) -> tuple[NDArray[np.float64], dict[int, float], None]:
    rows = [at for at, item in enumerate(given.items) if item.row["kind"] == kind]
    return given.lean[rows], {at: given.people[row] for at, row in enumerate(rows) if row in given.people}, None


def test_a_slice_that_is_dont_is_flagged_with_what_the_whole_would_be() -> None:
    given = material()
    slices = tuple(sliced(given, "kind").values())
    whole = outcome(given.lean, given.people, None, QUESTION)
    (flag,) = slice_flags(slices, whole, QUESTION)
    assert flag.kind == "slice"
    assert flag.text.startswith("DON'T for kind = sums: worse by 0.")
    assert "(corrected interval, 200 judged, 100 labelled), and the margin is 0.2." in flag.text


def test_a_slice_with_too_few_labels_says_so_and_is_left_out_of_the_family() -> None:
    given = material(every=8)  # 25 labels of each kind
    found = sliced(given, "kind")
    assert {one.verdict for one in found.values()} == {"NEED_MORE"}
    assert {one.p_noninferior for one in found.values()} == {None}
    (flag,) = slice_flags(tuple(found.values()), outcome(given.lean, given.people, None, QUESTION), QUESTION)
    assert flag.kind == "slice_unknown"
    assert "kind = code (200 judged): 25 labels are too few" in flag.text


def test_where_everything_is_labelled_people_alone_decide_a_slice() -> None:
    found = sliced(material(every=1), "kind")
    assert all(one.method.startswith("people's labels alone: Tango") for one in found.values())
    assert found["sums"].verdict == "DONT"


def test_clusters_and_quarters_of_numbers_go_into_slices() -> None:
    found = sliced(material(clusters=60), "length")
    assert list(found) == ["0–24", "25–49", "50–74", "75–99"]
    assert all(one.clusters is not None and one.clusters > 40 for one in found.values())


def test_without_a_margin_slices_have_intervals_and_no_verdict() -> None:
    found = sliced(material(), "kind", question=Question(margin=None, alpha=0.05))
    assert {(one.verdict, one.p_noninferior, one.ci is not None) for one in found.values()} == {(None, None, True)}


def test_a_column_that_differs_between_the_rows_of_an_item_is_no_slice(tmp_path: Path) -> None:
    path = tmp_path / "outputs.csv"
    path.write_text("item,model,prompt,output,kind,took\n1,a,Q,x,code,5\n1,b,Q,y,,7\n")
    answers = answers_in_file(path, {})
    check_columns(answers, ["kind"])
    with pytest.raises(ConfigError, match=r'outputs\.csv:3: "took" is another than in an earlier row'):
        check_columns(answers, ["took"])
    with pytest.raises(ConfigError, match='No column is called "kin"; did you mean "kind"'):
        check_columns(answers, ["kin"])


def test_a_margin_of_exactly_the_difference_without_any_spread_divides_nothing() -> None:
    lean = np.asarray([2.0] * 100)
    people = dict.fromkeys(range(40), 3.0)
    found = p_values(lean, people, None, Question(margin=1.0, alpha=0.05, scale=4.0))
    assert found == (0.0, 1.0)
