"""`steelyard bench`."""

from pathlib import Path

from tests.cli.program import run_program


def test_words_go_to_the_measurements(tmp_path: Path) -> None:
    done = run_program("bench", "--", "--rows", "nothing-of-the-kind", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing-of-the-kind" in done.stderr
