"""Templates and rubrics: read from TOML, with every mistake at its line."""

from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.rubric import find_rubric, shipped_rubrics
from steelyard.weigh.judges.template import read_template, shipped_template
from tests.docs.pages import blocks

PAIRWISE = 'schema = 1\nname = "mine"\nkind = "pairwise"\nprompt = "{question} {answer_a} {answer_b}"\n'
RUBRIC = """\
schema = 1
name = "mine"
title = "Mine"
lowest = 1
highest = 3
[[criteria]]
name = "right"
text = "It is right."
"""


def test_those_that_come_along_are_whole() -> None:
    assert shipped_template("pairwise").kind == "pairwise"
    assert shipped_template("score").asks_for("criteria")
    assert shipped_rubrics() == ("faithful", "helpful")
    assert all(find_rubric(name).name == name for name in shipped_rubrics())


def test_a_template_has_another_digest_when_it_asks_otherwise_and_not_when_it_is_called_otherwise(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PAIRWISE)
    first = read_template(path, "pairwise").sha256
    path.write_text(PAIRWISE.replace('"mine"', '"other"'))
    assert read_template(path, "pairwise").sha256 == first
    path.write_text(PAIRWISE.replace("{question} ", "{question}  "))
    assert read_template(path, "pairwise").sha256 != first


def test_a_text_that_looks_like_a_placeholder_is_not_filled() -> None:
    values = {"question": "What is {answer_a}?", "answer_a": "1", "answer_b": "2", "mark": "00"}
    (_, user) = shipped_template("pairwise").messages(values)
    assert "What is {answer_a}?" in user["content"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAIRWISE.replace("{answer_b}", ""), "mine.toml:4: [prompt]: {answer_b} is missing"),
        (PAIRWISE.replace("{answer_b}", "{answer_b} {answr}"), "mine.toml:4: [prompt]: nothing is put for {answr}"),
        (PAIRWISE.replace('"pairwise"', '"score"'), 'mine.toml:3: [kind]: expected "pairwise"'),
        (PAIRWISE.replace("schema = 1", "schema = 2"), "templates of schema 1"),
        (PAIRWISE + "temperature = 1\n", "[temperature]: unknown key"),
        ("prompt = ", "not TOML"),
    ],
)
def test_a_wrong_template_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_template(path, "pairwise")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RUBRIC.replace("highest = 3", "highest = 1"), "mine.toml:5: [highest]: expected a scale"),
        (RUBRIC.replace("lowest = 1", "lowest = -1"), "expected a scale within 0 to 100"),
        (RUBRIC.split("[[")[0] + "criteria = []\n", "a rubric needs [[criteria]]"),
        (RUBRIC.replace('text = "It is right."', ""), "mine.toml:6: [criteria] [0].text: missing"),
    ],
)
def test_a_wrong_rubric_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        find_rubric(str(path))
    assert said in str(error.value)


def test_the_guides_template_and_rubric_can_be_used(tmp_path: Path) -> None:
    template, rubric = (block.text for block in blocks("toml") if block.page == "docs/guides/judges.md")
    path = tmp_path / "mine.toml"
    path.write_text(template)
    assert read_template(path, "pairwise").name == "brief"
    path.write_text(rubric)
    assert find_rubric(str(path)).highest == 5
