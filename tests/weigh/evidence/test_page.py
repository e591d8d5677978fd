"""The page of evidence: well-formed, complete, escaped, and in need of nothing else."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from steelyard.weigh.evidence.canonical import digest, plain
from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.page.forest import NARROW, WIDE, fitted, plots_of, shortened
from steelyard.weigh.evidence.page.render import page_of
from steelyard.weigh.evidence.words import signed, spanned
from tests.weigh.evidence.given import gains, recorded, table
from tests.weigh.evidence.pages import HOSTILE, Page, hostile, plain_evidence


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return plain_evidence(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return hostile(tmp_path_factory.mktemp("home"))


def test_every_tag_is_closed_and_every_id_is_of_one_element(evidence: Evidence, odd: Evidence) -> None:
    for one in (evidence, odd):
        page = Page(page_of(one))
        assert page.faults == []
        assert len(page.ids) == len(set(page.ids))
        labels = [told[key] for _, told in page.tags for key in ("aria-labelledby",) if key in told]
        assert {name for label in labels for name in str(label).split()} <= set(page.ids)


def test_the_verdict_stands_on_top_in_plain_words(evidence: Evidence) -> None:
    text = Page(page_of(evidence)).text
    assert evidence.verdict.verdict == "NEED_MORE"
    assert text.index("NEED MORE") < text.index("more items") < text.index("By slice")
    assert f"{evidence.verdict.n_needed:,} in all, would decide between b and a at 0.1" in text


def test_every_slice_stands_in_the_table_with_all_its_numbers(evidence: Evidence) -> None:
    rows = {row[0]: row for row in Page(page_of(evidence)).cells if row}
    for one in evidence.verdict.slices:
        row = rows[f"{one.name} = {one.value}"]
        assert row[1:5] == [str(one.n), f"{one.baseline_mean:.4f}", f"{one.candidate_mean:.4f}", signed(one.difference)]
        assert row[5] == spanned(one.ci)
    whole = rows["all items"]
    assert whole[1:6] == ["300", *(f"{mean:.4f}" for mean in _means(evidence)), signed(evidence.verdict.difference),
                          spanned(evidence.verdict.ci)]  # fmt: skip


def _means(evidence: Evidence) -> tuple[float, float]:
    one, other = evidence.verdict.baseline_mean, evidence.verdict.candidate_mean
    assert one is not None
    assert other is not None
    return one, other


def test_outcomes_stand_there_with_share_and_interval(evidence: Evidence) -> None:
    rows = {row[0]: row for row in Page(page_of(evidence)).cells if row}
    (first, *_) = evidence.outcomes.kinds
    assert first.kind == "both_right"
    assert rows["Both right"] == ["Both right", str(first.count), f"{first.share.value:.4f}",
                                  spanned(first.share.ci, plus=False)]  # fmt: skip
    assert {"Only the baseline right", "Only the candidate right", "Both wrong"} <= set(rows)


def test_graded_scores_are_better_equal_or_worse(tmp_path: Path) -> None:
    rows = [{**row, "b": 0.5} for row in gains(80)]
    text = Page(page_of(recorded(tmp_path, [str(table(tmp_path / "w.csv", rows))])[1].evidence)).text
    assert "Candidate better" in text
    assert "Both right" not in text


def test_a_slice_that_fails_is_named_under_the_verdict(odd: Evidence) -> None:
    page = Page(page_of(odd))
    assert [one.value for one in odd.verdict.slices if one.verdict == "DONT"] == ["<b>bold</b>"]
    assert page.text.index("DON'T for language = <b>bold</b>: worse by") < page.text.index("By slice")


def test_nothing_from_elsewhere_becomes_markup(odd: Evidence) -> None:
    html = page_of(odd)
    page = Page(html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "b-", "i", "img", "iframe", "object", "form"}
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in html
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert "\\u202eevil" in page.text
    assert not any(name.startswith("on") or name == "style" for _, told in page.tags for name in told)


def test_the_page_asks_for_nothing(odd: Evidence) -> None:
    html = page_of(odd)
    page = Page(html)
    addresses = [str(told[key]) for _, told in page.tags for key in ("src", "href", "action", "data") if key in told]
    assert addresses == ["data:,"]
    assert "url(" not in html
    assert "@import" not in html


def test_only_its_own_style_is_allowed(evidence: Evidence) -> None:
    html = page_of(evidence)
    (policy,) = [
        str(told["content"]) for _, told in Page(html).tags if told.get("http-equiv") == "Content-Security-Policy"
    ]
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)[0]
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{hashed}'" in policy


def test_what_is_unknown_is_said_to_be_so(evidence: Evidence) -> None:
    page = Page(page_of(evidence))
    rows = {row[0]: row for row in page.cells if row}
    assert rows["Cost per 1,000 items"] == ["Cost per 1,000 items", "unknown", "unknown"]
    assert "Licence, openness, residency" not in page.text


def test_cost_latency_licence_and_residency_stand_beside_each_other(odd: Evidence) -> None:
    rows = {row[0]: row for row in Page(page_of(odd)).cells if row}
    assert rows["Cost per 1,000 items"][1:] == ["$2.300", "unknown"]
    assert rows["Cost in all"][2] == "unknown (known of 0 of 200 calls)"
    assert "(n = 200)" in rows["Latency, median"][1]
    assert rows["Answers"][1] == "200 of 200; 4 of them could not be read"
    assert rows["Licence or termsdiffers"][1:] == ["acme-terms", "apache-2.0"]
    assert rows["Where it runsdiffers"][1:] == ["eu-west-1", "own machines"]
    assert rows["What is sent is kept fordiffers"][1:] == ["30 days", "not at all"]
    assert rows["Developer"][1:] == ["Acme & Sons", "Acme & Sons"]


def test_hashes_versions_and_the_commands_that_check_them_are_there(evidence: Evidence, odd: Evidence) -> None:
    text = Page(page_of(evidence)).text
    assert digest(plain(evidence)) in text
    assert evidence.inputs[0].sha256 in text
    assert f"NumPy {evidence.code.numpy}" in text
    assert "steelyard weigh verify evidence.json --inputs results.csv" in text
    assert "--inputs 'w-نتائج '\\''.csv'" in Page(page_of(odd)).text


def test_plots_have_title_and_description_with_every_number(evidence: Evidence) -> None:
    page = page_of(evidence)
    described = re.findall(r"<desc[^>]*>(.*?)</desc>", page, re.DOTALL)
    assert len(described) == 3
    for one in evidence.verdict.slices:
        assert f"topic = {one.value}: {signed(one.difference)}, {spanned(one.ci)}" in described[0]


@pytest.mark.parametrize("shape", [WIDE, NARROW])
def test_marks_lie_within_the_scale_in_the_order_of_their_numbers(odd: Evidence, shape: object) -> None:
    plots = plots_of(odd.verdict, WIDE if shape is WIDE else NARROW)
    assert [len(plot.marks) for plot in plots] == [26, 26, 9]
    for plot in plots:
        assert plot.margin < plot.zero
        assert all(plot.shape.left <= tick.x <= plot.shape.right for tick in plot.ticks)
        assert 3 <= len(plot.ticks) <= 7
        for mark in plot.marks:
            assert mark.low is not None
            assert mark.high is not None
            assert mark.x is not None
            assert plot.shape.left <= mark.low <= mark.x <= mark.high <= plot.shape.right
            assert plot.top < mark.y < plot.bottom


def test_a_weighing_without_an_interval_has_a_page_too(tmp_path: Path) -> None:
    evidence = recorded(tmp_path, [str(table(tmp_path / "w.csv", gains(4)))])[1].evidence
    assert evidence.verdict.ci is None
    text = Page(page_of(evidence)).text
    assert "There is no interval: only 4 items" in text
    assert "Nothing is decided between b and a" in text


def test_a_margin_of_nothing_can_be_drawn(evidence: Evidence) -> None:
    nothing = replace(evidence.verdict, margin=0.0, ci=(0.0, 0.0), difference=0.0, slices=())
    (plot,) = plots_of(nothing, WIDE)
    assert plot.margin == plot.zero


@pytest.mark.parametrize(
    ("text", "shown"), [("short", "short"), ("x" * 300, "x" * 26 + "…"), ("深" * 40, "深" * 13 + "…")]
)
def test_labels_are_shortened_to_their_room(text: str, shown: str) -> None:
    assert fitted(text, 196) == shown


def test_labels_that_only_their_ends_tell_apart_are_shortened_where_they_are_the_same() -> None:
    alike = [f"lang = a-language-with-a-long-name-{number}" for number in range(3)]
    labels = ["all items", *alike, "lang = x" + "y" * 90]
    shown = shortened(labels, 150)
    assert [shown[label] for label in labels[:4]] == ["all items", *(f"lang = …me-{number}" for number in range(3))]
    assert shown[labels[4]] == fitted(labels[4], 150)


def test_long_names_are_short_in_the_verdict_and_whole_below(odd: Evidence) -> None:
    text = Page(page_of(odd)).text
    sentence = text[text.index("DON'T", text.index("evidence of a weighing")) : text.index("DON'T for language")]
    assert len(sentence) < 400
    assert HOSTILE[1].replace("\x1b", "\\x1b") in text


@pytest.mark.parametrize(
    ("value", "told"), [(0.0, "0.0000"), (-0.00001, "0.0000"), (-0.04, "−0.0400"), (0.04, "+0.0400"), (None, "unknown")]
)
def test_differences_have_a_sign_but_nought(value: float | None, told: str) -> None:
    assert signed(value) == told
