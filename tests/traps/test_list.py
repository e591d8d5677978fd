"""The list of traps and the tests belong together."""

import re
from pathlib import Path

from tests.docs.pages import read


def test_every_trap_of_the_list_has_a_test_and_every_test_a_trap() -> None:
    listed = re.findall(r"^(\d+)\. \*\*", read("docs/design/translation-traps.md"), re.MULTILINE)
    assert listed == [str(number) for number in range(1, 21)]
    source = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert {int(number) for number in re.findall(r"^def test_trap_(\d\d)_", source, re.MULTILINE)} == set(range(1, 21))
