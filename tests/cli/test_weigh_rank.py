"""`steelyard weigh rank` as a program: what it prints, and how it refuses."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from steelyard.cli.root import root
from tests.cli.program import run_program


def rank(folder: Path, *arguments: str) -> Result:
    """Run the command in this process: starting one takes longer than ranking."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(root, ["weigh", "rank", *arguments])
    finally:
        os.chdir(before)


def ranking(folder: Path, *arguments: str) -> dict[str, Any]:
    done = rank(folder, *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with votes.csv (four models, the first far ahead, the last far behind) and scores.csv (three models)."""
    place = tmp_path_factory.mktemp("rank")
    rng = random.Random(1)
    rates = {"alpha": 0.9, "beta": 0.55, "gamma": 0.5, "delta": 0.1}
    with (place / "votes.csv").open("w") as file:
        file.write("model_a,model_b,winner,prompt,rater,length_a,length_b\n")
        for number in range(900):
            one, other = rng.sample(list(rates), 2)
            odds = rates[one] / (1 - rates[one]) * (1 - rates[other]) / rates[other]
            won = "tie" if rng.random() < 0.1 else "a" if rng.random() < odds / (1 + odds) else "b"
            lengths = f"{rng.randint(20, 400)},{rng.randint(20, 400)}"
            file.write(f"{one},{other},{won},p{number % 120},r{rng.randrange(40)},{lengths}\n")
    with (place / "scores.csv").open("w") as file:
        file.write("item,source,small,large,large-again\n")
        for number in range(240):
            large = int(rng.random() < 0.85)
            file.write(f"{number},s{number % 40},{int(rng.random() < 0.5)},{large},{large if number else ''}\n")
    return place


def test_votes_are_ranked_by_strength_with_ranges_of_ranks(folder: Path) -> None:
    found = ranking(folder, "votes.csv")
    assert (found["kind"], found["n"], found["alpha"], found["seed"], found["draws"]) == ("votes", 900, 0.05, 0, 10_000)
    assert found["clusters"] == [{"column": "prompt", "count": 120}, {"column": "rater", "count": 40}]
    ranks = {row["model"]: tuple(row["rank"]) for row in found["models"]}
    assert ranks == {"alpha": (1, 1), "beta": (2, 3), "gamma": (2, 3), "delta": (4, 4)}
    assert found["first"] == ["alpha"]
    assert all(row["ci"][0] < row["strength"] < row["ci"][1] for row in found["models"])
    assert "two-way" in found["method"]
    assert found["ties"] == "a tie is half a win for each"
    assert len(found["inputs_sha256"]) == 64
    assert not {"pairs", "influences", "log_nu"} & set(found)
    assert [flag["kind"] for flag in found["flags"] if flag["kind"] != "repeated"] == ["few_clusters"]


def test_the_same_votes_give_the_same_output_to_the_byte(folder: Path) -> None:
    here = rank(folder, "votes.csv", "--json", "--seed", "5").stdout
    assert here == rank(folder, "votes.csv", "--json", "--seed", "5").stdout
    other = run_program("weigh", "rank", "votes.csv", "--json", "--seed", "5", cwd=folder)
    assert (other.returncode, other.stdout) == (0, here)


def test_pairs_controls_and_davidsons_ties_come_when_asked_for(folder: Path) -> None:
    found = ranking(
        folder,
        "votes.csv",
        "--pairs",
        "--control",
        "length",
        "--control",
        "position",
        "--ties",
        "davidson",
        "--cluster",
        "prompt",
    )
    assert [one["control"] for one in found["influences"]] == ["length", "position"]
    assert all(one["ci"][0] < 0 < one["ci"][1] for one in found["influences"])
    assert found["ties"] == "Davidson's model of ties"
    assert isinstance(found["log_nu"], float)
    assert found["clusters"] == [{"column": "prompt", "count": 120}]
    assert len(found["pairs"]) == 6
    apart = {(one["first"], one["second"]): one["apart"] for one in found["pairs"]}
    assert apart["alpha", "delta"]
    assert not apart["beta", "gamma"]


def test_scores_are_ranked_by_means(folder: Path) -> None:
    found = ranking(folder, "scores.csv", "--cluster", "source")
    assert (found["kind"], found["n"], found["clusters"]) == ("scores", 239, [{"column": "source", "count": 40}])
    rows = {row["model"]: row for row in found["models"]}
    assert rows["small"]["rank"] == [3, 3]
    assert rows["large"]["rank"] == rows["large-again"]["rank"] == [1, 2]
    assert rows["large-again"]["missing"] == 1
    kinds = {flag["kind"]: flag["text"] for flag in found["flags"]}
    assert '1 items lack a score of some model, and do not count: "large-again" 1' in kinds["items_left_out"]
    assert '"source"' in kinds["columns_skipped"]


def test_a_missing_score_counts_as_nothing_when_asked(folder: Path) -> None:
    found = ranking(folder, "scores.csv", "--missing", "fail")
    assert found["n"] == 240
    assert "missing_failed" in [flag["kind"] for flag in found["flags"]]


def test_for_people_there_is_a_table_and_notes_beside_it(folder: Path) -> None:
    done = rank(folder, "votes.csv", "--control", "length")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["rank", "model", "strength", "interval", "won", "lost", "tied"]
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["1", "alpha"],
        ["2–3", "beta"],
        ["2–3", "gamma"],
        ["4", "delta"],
    ]
    assert lines[6].startswith("length: ")
    assert "All intervals hold at once with confidence 0.95, and so do all ranks. Seed 0" in done.stderr


def test_a_model_that_always_wins_is_above_all_and_has_no_number(folder: Path) -> None:
    extra = "".join(f"omega,{('alpha', 'beta')[n % 2]},a,q{n},r{n % 30}\n" for n in range(60))
    (folder / "more.csv").write_text("model_a,model_b,winner,prompt,rater\n" + extra)
    found = ranking(folder, "votes.csv", "more.csv")
    best = found["models"][0]
    assert (best["model"], best["side"], best["strength"], best["ci"]) == ("omega", "above", None, None)
    assert '"omega" never lost to the others' in next(f["text"] for f in found["flags"] if f["kind"] == "unbounded")
    shown = rank(folder, "votes.csv", "more.csv").stdout
    assert "above all" in shown.splitlines()[2]


def refusal(folder: Path, *arguments: str) -> str:
    done = rank(folder, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


def test_what_cannot_be_ranked_is_refused_with_a_reason(folder: Path) -> None:
    (folder / "apart.csv").write_text("model_a,model_b,winner\n" + "A,B,a\nB,A,a\n" * 10 + "C,D,a\nD,C,a\n" * 10)
    assert "2 groups that no vote connects" in refusal(folder, "apart.csv")
    assert "{A, B}; {C, D}" in refusal(folder, "apart.csv")
    (folder / "wrong.csv").write_text("model_a,model_b,winner\nA,B,a\nA,B,perhaps\n")
    assert 'wrong.csv:3: winner is "perhaps"' in refusal(folder, "wrong.csv")
    (folder / "few.csv").write_text("model_a,model_b,winner\n" + "A,B,a\nB,A,a\n" * 2)
    assert "There are 4 observations, and an interval needs at least 10" in refusal(folder, "few.csv")
    assert "votes.csv holds votes and scores.csv does not" in refusal(folder, "votes.csv", "scores.csv")


def test_options_of_the_other_kind_are_refused(folder: Path) -> None:
    assert "--missing is about scores, and votes.csv holds votes" in refusal(folder, "votes.csv", "--missing", "fail")
    assert "--control is about votes, and scores.csv holds none" in refusal(folder, "scores.csv", "--control", "length")
    assert "Scores are clustered by one column" in refusal(
        folder, "scores.csv", "--cluster", "source", "--cluster", "x"
    )


def test_an_error_is_json_too(folder: Path) -> None:
    done = rank(folder, "absent.csv", "--json")
    assert done.exit_code == 2
    assert "absent.csv" in json.loads(done.stdout)["error"]["message"]


def test_more_models_than_can_be_compared_are_refused(folder: Path) -> None:
    names = [f"m{number}" for number in range(201)]
    rows = [",".join(["item", *names]), *(",".join([str(item), *["1"] * 201]) for item in range(12))]
    (folder / "many.csv").write_text("\n".join(rows) + "\n")
    done = rank(folder, "many.csv")
    assert done.exit_code == 2
    assert "201 models, and 200 are the most" in done.stderr
    assert "--model NAME" in done.stderr
    few = rank(folder, "many.csv", "--model", "m3", "--model", "m4")
    assert few.exit_code == 0


def test_the_guide_shows_what_is_printed() -> None:
    repository = Path(__file__).parents[2]
    guide = (repository / "docs" / "guides" / "ranking.md").read_text(encoding="utf-8")
    command = "steelyard weigh rank src/steelyard/weigh/demo/gsm8k.csv\n```\n\n```text\n"
    shown = guide.partition(command)[2].partition("```")[0]
    assert shown == rank(repository, "src/steelyard/weigh/demo/gsm8k.csv").stdout
