"""What is compiled where a wheel is built with STEELYARD_MYPYC=1."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
C_WORDS = frozenset(
    ("signed", "const", "inline", "volatile", "asm", "typeof", "attribute", "restrict", "alignof", "thread")
)


def listed() -> list[str]:
    """Return the modules that the build hook names."""
    for node in ast.parse((ROOT / "hatch_build.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_COMPILED":
            names: list[str] = ast.literal_eval(node.value)
            return list(names)
    raise AssertionError("hatch_build.py lists no modules")


def source(name: str) -> str:
    return (ROOT / "src" / "steelyard" / f"{name}.py").read_text(encoding="utf-8")


@cache
def protocols() -> frozenset[str]:
    """Return the names of all protocols in the source."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    return frozenset(re.findall(r"^class (\w+)\(Protocol\)", text, re.MULTILINE))


def test_the_list_is_in_order_and_names_each_module_once() -> None:
    assert listed() == sorted(set(listed()))
    assert "gateway/call" in listed(), "by this one bench knows the compiled build"


@pytest.mark.parametrize("name", listed())
def test_a_compiled_module_exists_and_defines_no_struct(name: str) -> None:
    bases = [
        ast.unparse(base)
        for node in ast.walk(ast.parse(source(name)))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]
    assert "Struct" not in bases, "mypyc knows nothing of msgspec's Structs: keep them in a module of their own"


@pytest.mark.parametrize("name", listed())
def test_an_attribute_of_a_compiled_class_makes_no_word_of_c(name: str) -> None:
    # mypyc puts "_" before an attribute's name: `_signed` is `__signed` in C, which is gcc's word for a type.
    attributes = set(re.findall(r"self\._([a-z]+) *[:=]", source(name)))
    assert not attributes & C_WORDS


@pytest.mark.parametrize("name", listed())
def test_a_compiled_class_deletes_no_attribute(name: str) -> None:
    gone = [node for node in ast.walk(ast.parse(source(name))) if isinstance(node, ast.Delete)]
    assert not [one for node in gone for one in node.targets if isinstance(one, ast.Attribute)]


@pytest.mark.parametrize("name", listed())
def test_what_is_a_protocol_or_none_is_set_by_init(name: str) -> None:
    # mypyc leaves such a class-level default out, and the attribute is missing (found in mypy 2.4).
    for made in ast.walk(ast.parse(source(name))):
        if isinstance(made, ast.ClassDef):
            for line in made.body:
                if isinstance(line, ast.AnnAssign) and line.value is not None:
                    named = {one.id for one in ast.walk(line.annotation) if isinstance(one, ast.Name)}
                    assert not named & protocols(), ast.unparse(line)


def test_no_class_in_python_inherits_from_a_compiled_one() -> None:
    compiled = {name for one in listed() for name in re.findall(r"^class (\w+)", source(one), re.MULTILINE)}
    for path in sorted((ROOT / "src" / "steelyard").rglob("*.py")):
        if path.relative_to(ROOT / "src" / "steelyard").with_suffix("").as_posix() not in listed():
            text = path.read_text(encoding="utf-8")
            own = set(re.findall(r"^class (\w+)", text, re.MULTILINE))
            bases = set(re.findall(r"^class \w+\((\w+)\)", text, re.MULTILINE))
            assert not (bases - own) & compiled, f"{path}: mypyc's classes have no children in Python"
