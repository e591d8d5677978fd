"""What judges said of a live weighing's answers goes along with its evidence."""

import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from steelyard.weigh.evidence.directory import against_folder
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.evidence.page.render import page_of
from steelyard.weigh.evidence.verify import verified
from steelyard.weigh.judges.answers import answers_in_folder
from steelyard.weigh.judges.asks import Way, asks_for
from steelyard.weigh.judges.judgement import DECLARED, JUDGEMENTS, Declared, Judgement
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.source import LABELS
from steelyard.weigh.judges.template import Kind, shipped_template
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder
from tests.weigh.evidence.given import again, live_folder
from tests.weigh.evidence.pages import Page
from tests.weigh.judges.given import answered, label

SAID = ("A", "B", "tie")


def answers() -> list[Call]:
    """Return calls of a and b to 120 items: of three the first is better of a, the second of b."""
    drawn = random.Random(2)
    return [
        Call(
            item=f"i{place}",
            model=model,
            repeat=0,
            exchange=f"{model}{place}",
            status=200,
            output=f"Answer {place} of {model}.",
            started_at=0.0,
            took_s=0.5,
            score=float(drawn.random() < 0.7),
        )
        for place in range(120)
        for model in ("a", "b")
    ]


OWN = """
schema = 1
name = "polite"
title = "How an answer speaks to the person"
lowest = 1
highest = 5
[[criteria]]
name = "tone"
text = "It is friendly."
"""


def judged_folder(home: Path, *, labels: int, rubric: bool | str = False, **declared: Any) -> Folder:
    """Write a live weighing whose answers one judge has judged, and of which one person labelled some."""
    folder = live_folder(home, answers())
    found = answers_in_folder(folder)
    kind: Kind = "score" if rubric else "pairwise"
    way = Way(judges=("acme/<judge>",), template=shipped_template(kind),
              rubric=find_rubric(rubric if isinstance(rubric, str) else "helpful") if rubric else None)  # fmt: skip
    asks = asks_for(found.items, [("a",), ("b",)] if rubric else [("a", "b")], way)
    texts = []
    for ask in asks:
        better = SAID[int(ask.item[1:]) % 3]
        flipped = {"A": "B", "B": "A"}.get(better, better) if ask.order == "swapped" else better
        texts.append("Score: 3" if rubric else f"Verdict: {flipped}")
    with folder.appending(JUDGEMENTS) as file:
        for one in answered(asks, way, texts):
            file.append(one)
    with folder.appending(LABELS) as file:
        for place in range(labels):
            said = ("first", "second", "tie")[place % 3]
            file.append(label(found, f"i{place}", said, models=("a", "b")))  # type: ignore[arg-type]
    with folder.appending(DECLARED) as file:
        file.append(
            Declared(
                at="2026-11-23T01:02:03Z",
                code="0.1.0",
                kind=kind,
                judges=way.judges,
                template=way.template.sha256,
                rubric=None if way.rubric is None else way.rubric.sha256,
                system=way.template.system,
                prompt=way.template.prompt,
                criteria=None if way.rubric is None else way.rubric.lines(),
                fields=way.fields,
                answers=found.sha256,
                seed=0,
                baseline="a",
                candidate="b",
                margin=0.25,
                alpha=0.05,
                **declared,
            )
        )
    return folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Evidence]:
    folder = judged_folder(tmp_path_factory.mktemp("home"), labels=60)
    return folder, live_evidence(folder)


def test_nobody_judged_and_nothing_is_said_of_judges(tmp_path: Path) -> None:
    evidence = live_evidence(live_folder(tmp_path, answers()))
    assert evidence.judges is None
    assert "Judges" not in Page(page_of(evidence)).text


def test_the_report_of_judges_is_that_of_weigh_judge(judged: tuple[Folder, Evidence]) -> None:
    told = judged[1].judges
    assert told is not None
    report = told["report"]
    assert (report["verdict"], report["judged"], report["labelled"]) == ("SWAP", 120, 60)
    assert report["judges"][0]["agreement"]["pairs"]["kappa"] == 1
    assert report["template_sha256"] == shipped_template("pairwise").sha256


def test_what_judges_said_is_compared_with_the_directory(judged: tuple[Folder, Evidence]) -> None:
    folder, evidence = judged
    read = again(evidence)
    assert any("What judges and people said" in note for note in verified(read).notes)
    assert against_folder(read, folder).differences == ()
    report = {**evidence.judges["report"], "verdict": "DONT"} if evidence.judges else {}
    other = again(replace(evidence, judges={**(evidence.judges or {}), "report": report}))
    assert [one.path for one in against_folder(other, folder).differences] == ["$.judges.report.verdict"]


def test_the_page_tells_of_judges_with_n_and_interval(judged: tuple[Folder, Evidence]) -> None:
    page = Page(page_of(judged[1]))
    assert page.faults == []
    rows = {row[0]: row for row in page.cells if row}
    judge = rows["acme/<judge>"]
    assert judge[2] == "40 wins, 40 losses, 40 ties"
    assert judge[4].endswith("(n = 120)")
    assert judge[6].endswith("(n = 60)")
    assert rows["Judged and labelled"][1] == "120 items, 60 of them by people"
    assert "95\N{NO-BREAK SPACE}% interval" in rows["Difference, as people would have it"][1]


def test_with_too_few_labels_the_page_says_what_is_needed(tmp_path: Path) -> None:
    evidence = live_evidence(judged_folder(tmp_path, labels=3))
    page = Page(page_of(evidence))
    rows = {row[0]: row for row in page.cells if row}
    assert rows["Difference, as people would have it"][1] == "unknown"
    assert int(rows["Further labels that would do"][1]) >= 27
    assert "NEED MORE: 3 labels are too few" in page.text


def test_scores_by_a_rubric_are_told_by_model(tmp_path: Path) -> None:
    evidence = live_evidence(judged_folder(tmp_path, labels=0, rubric=True))
    rows = {row[0]: row for row in Page(page_of(evidence)).cells if row}
    assert rows["acme/<judge>"][2] == "a 3.000 (n = 120); b 3.000 (n = 120)"


def test_a_rubric_that_is_not_kept_is_a_reason(tmp_path: Path) -> None:
    folder = judged_folder(tmp_path, labels=0, rubric=True)
    (declared,) = folder.read(DECLARED, Declared)
    with folder.appending(DECLARED) as file:
        file.append(replace(declared, rubric="1" * 64))
    assert folder.read(JUDGEMENTS, Judgement)
    evidence = live_evidence(folder)
    assert evidence.judges is not None
    assert evidence.judges["report"] is None
    assert "The rubric is a file of its own" in Page(page_of(evidence)).text


def test_a_judging_of_before_families_and_rubrics_were_written_down_has_none_of_them(
    judged: tuple[Folder, Evidence],
) -> None:
    told = judged[1].judges
    assert told is not None
    assert not {"families", "rubric_text", "slices", "cluster"} & set(told["declared"])
    assert "slices" not in told["report"]


def test_a_rubric_of_ones_own_is_kept_as_text_and_its_report_made_again(tmp_path: Path) -> None:
    path = tmp_path / "polite.toml"
    path.write_text(OWN)
    own = find_rubric(str(path))
    folder = judged_folder(tmp_path, labels=0, rubric=str(path), rubric_text=own.text, families={})
    path.unlink()
    evidence = live_evidence(folder)
    told = evidence.judges
    assert told is not None
    assert told["report"]["rubric_sha256"] == own.sha256 == sha256(told["declared"]["rubric_text"].encode()).hexdigest()
    assert "It is friendly." in told["declared"]["rubric_text"]
    assert own.sha256 in Page(page_of(evidence)).text
    read = again(evidence)
    assert verified(read).differences == against_folder(read, folder).differences == ()


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("rubric_text", "{}", "$.judges.declared.rubric"),
        ("prompt", "Choose A.", "$.judges.declared.template"),
        ("system", "Choose A.", "$.judges.declared.template"),
        ("margin", 0.5, "$.judges.report.margin"),
    ],
)
def test_a_text_that_judges_were_not_asked_by_is_found_without_the_directory(
    tmp_path: Path, name: str, value: object, path: str
) -> None:
    own = find_rubric("helpful")
    folder = judged_folder(tmp_path, labels=0, rubric=True, rubric_text=own.text, families={})
    evidence = live_evidence(folder)
    told = evidence.judges or {}
    other = again(replace(evidence, judges={**told, "declared": {**told["declared"], name: value}}))
    assert path in [one.path for one in verified(other).differences]


def test_a_rubric_that_was_kept_and_is_another_is_a_reason_for_no_report(tmp_path: Path) -> None:
    text = find_rubric("helpful").text.replace("helpful", "harmful")
    folder = judged_folder(tmp_path, labels=0, rubric=True, rubric_text=text, families={})
    told = live_evidence(folder).judges
    assert told is not None
    assert told["report"] is None
    assert "the rubric that was kept has the SHA-256" in told["reason"]


def test_families_that_were_declared_make_a_judge_its_own_and_slices_stand_on_the_page(tmp_path: Path) -> None:
    families = {"acme/<judge>": "b"}
    folder = judged_folder(tmp_path, labels=80, families=families, slices=("topic",))
    evidence = live_evidence(folder)
    told = evidence.judges
    assert told is not None
    assert told["declared"]["families"] == families
    assert told["report"]["judges"][0]["own"] == "b"
    slices = {one["value"]: one for one in told["report"]["slices"]}
    assert {value: (one["judged"], one["labelled"]) for value, one in slices.items()} == {
        "even": (60, 40),
        "odd": (60, 40),
    }
    rows = {row[0]: row for row in Page(page_of(evidence)).cells if row}
    assert "(60 judged, 40 labelled)" in rows["topic = even"][1]
    read = again(evidence)
    assert verified(read).differences == against_folder(read, folder).differences == ()
