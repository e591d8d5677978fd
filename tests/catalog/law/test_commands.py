"""`steelyard card compute` and `steelyard card duties`, as they are typed."""

import json
from pathlib import Path

import pytest

from steelyard.catalog.cards import written_card
from tests.catalog.law.models import card
from tests.cli.program import run_loaded
from tests.support.catalogue import keep_catalogue


@pytest.fixture(autouse=True)
def catalogue_kept(tmp_path: Path) -> None:
    """A home that has read the catalogue before: reading it anew takes a second."""
    keep_catalogue(tmp_path / "home" / "catalogue")


def test_compute_prints_the_estimate_its_range_and_the_thresholds(tmp_path: Path) -> None:
    done = run_loaded("card", "compute", "--params", "1.54e9", "--tokens", "18e12", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["flop"] == pytest.approx(1.6632e23)
    assert (told["low"], told["high"]) == (pytest.approx(1.16424e23), pytest.approx(2.16216e23))
    assert told["method"] == "6·P·D"
    assert {name: one["answer"] for name, one in told["thresholds"].items()} == {
        "gpai": "yes",
        "systemic_risk": "no",
        "sb53_frontier": "no",
        "raise_frontier": "no",
    }


def test_compute_works_from_hardware_too(tmp_path: Path) -> None:
    figures = ("--gpu-hours", "370000", "--peak-flops", "989e12", "--utilisation", "0.5")
    done = run_loaded("card", "compute", *figures, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6.6·10^23 FLOP, from 4.6·10^23 to 8.6·10^23" in done.stdout
    assert "no legal advice" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Give --params and --tokens"),
        (("--params", "8e9"), "Give --params and --tokens"),
        (("--params", "8e9", "--tokens", "1e12", "--gpu-hours", "1"), "Give --params and --tokens"),
        (("--params", "-8e9", "--tokens", "1e12"), "params must be a finite number above 0"),
        (("--gpu-hours", "1", "--peak-flops", "1e15", "--utilisation", "50"), "For 50 % give 0.5"),
    ],
)
def test_bad_figures_are_named_and_end_with_2(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run_loaded("card", "compute", *arguments, "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert says in json.loads(done.stdout)["error"]["message"]


def test_duties_of_a_cards_file_are_told_and_exported(tmp_path: Path) -> None:
    told = card(compute_flop=[2e25, 3e25], modalities=["text"], released="2026-01-15", weights_published=False)
    (tmp_path / "m.toml").write_text(written_card(told), encoding="utf-8")
    asked = ("card", "duties", "m.toml", "--as", "provider", "--territory", "EU", "--as-of", "2026-11-22")
    done = run_loaded(*asked, "--export", "duties.md", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["model"], report["role"], report["as_of"]) == ("acme/m", "provider", "2026-11-22")
    assert report["systemic_risk"]["answer"] == "yes"
    assert {one["duty"]: one["applies"] for one in report["duties"]}["cybersecurity"] == "yes"
    assert (tmp_path / "duties.md").read_text(encoding="utf-8").startswith("# Duties by law: acme/m")
    assert run_loaded(*asked, "--export", "duties.json", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "duties.json").read_text(encoding="utf-8")) == report


def test_the_configurations_own_cards_are_known(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "m.toml").write_text(written_card(card(compute_flop=[1e21, 2e21])), encoding="utf-8")
    (tmp_path / "steelyard.toml").write_text('[policy]\ncards = "own"\n', encoding="utf-8")
    done = run_loaded("card", "duties", "acme/m", "--as", "provider", "--territory", "EU", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["gpai"]["answer"] == "no"


def test_a_hugging_face_card_inherits_what_its_base_model_is_bound_by(tmp_path: Path) -> None:
    base = card("acme/base", compute_flop=[2e24, 3e24], modalities=["text"], licence="llama-3.1")
    (tmp_path / "acme__base.toml").write_text(written_card(base), encoding="utf-8")
    front = "license: apache-2.0\nbase_model: acme/base\nbase_model_relation: finetune"
    (tmp_path / "me__tuned.md").write_text(f"---\n{front}\n---\n# Tuned\n", encoding="utf-8")
    asked = ("card", "duties", "me__tuned.md", "--cards", ".", "--as", "provider", "--territory", "EU", "--json")
    done = run_loaded(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["model"] == "me/tuned"
    assert "2·10^24 FLOP or more" in report["gpai"]["because"]
    assert report["open_source_exemption"]["answer"] == "no"
    assert "llama-3.1, 2" in report["open_source_exemption"]["because"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nobody/nothing", "--as", "provider", "--territory", "EU"), 'No card describes "nobody/nothing"'),
        (("m.toml", "--as", "owner", "--territory", "EU"), "owner"),
        (("m.toml", "--as", "provider", "--territory", "UK"), "UK"),
        (("m.toml", "--as", "provider", "--territory", "EU", "--export", "x.pdf"), "neither .md nor .json"),
        (("m.toml", "--as", "provider", "--territory", "US-CA", "--revenue-usd", "-1"), "--revenue-usd must be"),
        (("m.toml", "--as", "provider", "--territory", "EU", "--as-of", "soon"), "soon"),
    ],
)
def test_a_bad_question_is_named_and_ends_with_2(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(written_card(card()), encoding="utf-8")
    done = run_loaded("card", "duties", *arguments, "--json", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in json.loads(done.stdout)["error"]["message"]
