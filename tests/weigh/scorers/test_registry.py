"""Scorers by name: options, versions, what goes on record; and functions of one's own."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.registry import SCORERS, label_of, options_from, scorer, scorer_class
from steelyard.weigh.scorers.score import score_output
from tests.weigh.scorers.given import scored


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_every_scorer_has_its_name_a_version_and_a_summary(name: str) -> None:
    made = scorer(name, {"function": "json:loads"} if name == "python" else {})
    assert made.name == name
    assert made.version.startswith("1")
    assert made.summary.endswith("." if name != "python" else "function.")
    assert scorer_class(name).__doc__


def test_a_library_that_reads_the_answers_is_part_of_the_version() -> None:
    for name, library in (("latex", "math-verify"), ("overlap", "sacrebleu"), ("instructions", "langdetect")):
        assert f"({library} " in scorer(name).version
    assert "(jsonschema " in scorer("json_schema").version


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("nummeric", {}, 'no scorer is called "nummeric"; did you mean "numeric"?'),
        ("vibes", {}, "there are exact, contains"),
        ("numeric", {"fnd": "last"}, 'scorer numeric: fnd: unknown key; did you mean "find"?'),
        ("numeric", {"find": "lst"}, 'did you mean "last"?'),
        ("numeric", {"boxed": "yes"}, "scorer numeric: boxed: expected true or false, got a string"),
        ("python", {}, "scorer python: function: missing"),
    ],
)
def test_a_wrong_name_or_option_is_told_with_the_nearest(name: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        scorer(name, options)
    assert reason in str(error.value)


def test_the_record_names_the_options_that_are_not_usual() -> None:
    assert label_of(scorer("numeric")) == "numeric"
    assert label_of(scorer("numeric", {"find": "last"})) == "numeric"
    assert label_of(scorer("numeric", {"boxed": False, "find": "json"})) == "numeric(find=json, boxed=False)"
    assert label_of(scorer("python", {"function": "json:loads"})) == "python(function=json:loads)"


def test_options_of_the_command_line_have_the_types_that_are_asked_for() -> None:
    assert options_from("numeric", ["tolerance=0.01", "boxed=false", "find=json", "marker=1"]) == {
        "tolerance": 0.01, "boxed": False, "find": "json", "marker": "1",
    }  # fmt: skip
    assert options_from("regex", ["pattern=a=b"]) == {"pattern": "a=b"}
    assert options_from("json_schema", ['schema={type = "object"}', "file=x.json"]) == {
        "schema": {"type": "object"}, "file": "x.json",
    }  # fmt: skip
    assert options_from("numeric", ["tolerance=much"]) == {"tolerance": "much"}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("boxd=1", 'unknown option; did you mean "boxed"?'),
        ("boxed", "expected key=value"),
        ("zzz=1", "numeric has find"),
    ],
)
def test_an_option_that_is_none_is_refused(setting: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        options_from("numeric", [setting])
    assert reason in str(error.value)


def test_a_missing_output_is_unknown_and_worth_nothing_only_when_asked() -> None:
    exact = scorer("exact")
    missing = score_output(exact, None, "Oslo")
    assert (missing.value, missing.parsed, missing.detail) == (None, False, {"reason": "no output"})
    strictly = score_output(exact, None, "Oslo", strict=True)
    assert (strictly.value, strictly.parsed) == (0.0, False)
    numeric = scorer("numeric")
    assert score_output(numeric, "no idea", 18).value is None
    assert score_output(numeric, "no idea", 18, strict=True).value == 0.0
    assert score_output(numeric, "18", 18, strict=True).value == 1.0


def test_only_the_chosen_scorers_library_is_imported() -> None:
    code = """
        import sys
        from steelyard.weigh.scorers.registry import scorer
        scorer("exact"); scorer("numeric"); scorer("choice"); scorer("refusal")
        heavy = {"sympy", "math_verify", "sacrebleu", "langdetect", "jsonschema", "numpy"} & sys.modules.keys()
        sys.exit(", ".join(heavy) or 0)
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current directory that no other test imports."""
    name = f"my_scorers_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(
        dedent("""
            limit = 80

            def short(output, target, row):
                return len(output) <= (target or limit)

            def share(output, target, row):
                return output.count(row["letter"]) / len(output) if output else None

            def wrong(output, target, row):
                return "good"
        """)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_a_function_of_ones_own_scores(module: str) -> None:
    assert scored("python", "abc", function=f"{module}:short").value == 1.0
    assert scored("python", "abc", 2, function=f"{module}:short").value == 0.0
    assert scored("python", "aab-", None, {"letter": "a"}, function=f"{module}:share").value == 0.5
    assert scored("python", "", None, {"letter": "a"}, function=f"{module}:share").parsed is False
    with pytest.raises(ConfigError, match="returned 'good'; expected a finite number"):
        scored("python", "abc", function=f"{module}:wrong")


def test_a_functions_version_is_that_of_its_source(module: str) -> None:
    made = scorer("python", {"function": f"{module}:short"})
    assert made.version.startswith("1 (sha256 ")
    assert made.version == scorer("python", {"function": f"{module}:share"}).version
    assert made.version != scorer("python", {"function": "json:loads"}).version


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("loads", 'expected "module:function"'),
        ("no_such_module_anywhere:f", "No module named"),
        ("json:no_such_function", "has no attribute"),
        ("json:__doc__", "is no function"),
    ],
)
def test_what_names_no_function_is_refused(function: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        scorer("python", {"function": function})
    assert reason in str(error.value)


GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "scorers.md"


def sections() -> dict[str, str]:
    """Return the guide's sections by their headings."""
    parts = GUIDE.read_text(encoding="utf-8").split("\n### ")[1:]
    return {part.partition("\n")[0]: part.partition("\n## ")[0] for part in parts}


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_the_guide_tells_of_every_scorer_and_every_option(name: str) -> None:
    assert f"| `{name}` |" in GUIDE.read_text(encoding="utf-8")
    words = sections()[name]
    for option in scorer_class(name).__struct_fields__:
        assert f"`{option}`" in words or f"{option}=" in words, option


def test_the_guides_function_scores() -> None:
    names: dict[str, Any] = {}
    exec(sections()["python"].split("```py\n")[1].partition("```")[0], names)
    assert names["short"]("two words", None, {"words": "2"}) is True
    assert names["short"]("three words here", None, {"words": "2"}) is False


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "def f(output, target, row):\n    return 1 / 0\n",
            r"f raised ZeroDivisionError: division by zero \(.*\.py:2\)$",
        ),
        ("def f(output):\n    return 1\n", r"f raised TypeError: f\(\) takes 1 positional argument but 3 were given$"),
    ],
)
def test_a_function_that_raises_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    name = f"raising_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=told):
        scored("python", "abc", function=f"{name}:f")


def test_a_module_that_breaks_and_one_without_source_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text("x = (")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=f"{name}: SyntaxError: '\\(' was never closed"):
        scorer("python", {"function": f"{name}:f"})
    with pytest.raises(ConfigError, match="math:floor has no source in Python"):
        scorer("python", {"function": "math:floor"})
