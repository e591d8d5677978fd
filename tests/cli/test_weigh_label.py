"""`steelyard weigh label`, as a process: keys on lines, and keys on a real terminal."""

import csv
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.cli.program import clean_environment

Label = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    path = tmp_path / "outputs.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "model", "prompt", "output"])
        for place in range(6):
            rows.writerow([f"i{place}", "secret-large", f"Question {place}?", f"Long answer {place}."])
            rows.writerow([f"i{place}", "secret-small", f"Question {place}?", f"Short {place}.\x1b[2J"])
    return path


@pytest.fixture
def label(outputs: Path) -> Label:
    def run(keys: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "steelyard", "weigh", "label", outputs.name, "--rater", "ann", *arguments]
        home = outputs.parent
        return subprocess.run(
            command, cwd=home, env=clean_environment(home), input=keys, capture_output=True, text=True, timeout=60
        )

    return run


def lines(outputs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (outputs.parent / "outputs.labels.jsonl").read_text().splitlines()]


def test_keys_on_lines_label_blind_and_the_next_run_goes_on(label: Label, outputs: Path) -> None:
    first = label("a\nx\nb\nu\nt\nq\n")
    assert first.returncode == 0, first.stderr
    assert "secret" not in first.stdout
    assert "\x1b" not in first.stdout
    assert "\\x1b[2J" in first.stdout
    assert '"x" means nothing here.' in first.stdout
    assert first.stderr.startswith("2 of 6 labelled by ann")
    assert [line["said"] for line in lines(outputs)] == ["first", "second", "undone", "tie"]
    second = label("a\na\na\na\n", "--json")
    told = json.loads(second.stdout)
    assert (told["now"], told["done"], told["of"]) == (4, 6, 6)
    assert "── 3 of 6 " in second.stderr
    assert len({line["item"] for line in lines(outputs)}) == 6


def test_what_is_skipped_is_told(label: Label) -> None:
    done = label("a\ns\ns\nu\nq\n")
    assert done.stderr.startswith("2 of 6 labelled by ann, 1 of them skipped, in ")
    again = json.loads(label("s\nq\n", "--json").stdout)
    assert (again["done"], again["skipped"]) == (3, 2)


def test_an_input_that_ends_ends_labelling_with_what_there_is(label: Label, outputs: Path) -> None:
    assert label("a\n", "--n", "3").returncode == 0
    assert [line["said"] for line in lines(outputs)] == ["first"]


def test_a_line_that_a_kill_left_torn_is_no_label(label: Label, outputs: Path) -> None:
    label("a\nq\n")
    path = outputs.parent / "outputs.labels.jsonl"
    with path.open("ab") as file:
        file.write(b'{"rater":"ann","at"')
    told = json.loads(label("b\nq\n", "--json").stdout)
    assert told["done"] == 2
    assert [line["said"] for line in lines(outputs)] == ["first", "second"]


def test_a_rubrics_scores_are_asked_one_answer_at_a_time(label: Label, outputs: Path) -> None:
    done = label("4\n9\n2\nq\n", "--rubric", "helpful", "--n", "2")
    assert "How well an answer serves the person who asked" in done.stdout
    assert "1 to 5: the score" in done.stdout
    assert '"9" means nothing here.' in done.stdout
    assert [(line["said"], line["score"], len(line["models"])) for line in lines(outputs)] == [
        ("score", 4, 1),
        ("score", 2, 1),
    ]


def test_labels_are_exported_as_votes(label: Label, call: Call, outputs: Path) -> None:
    label("a\nt\ns\nq\n")
    exported = call("weigh", "label", "outputs.csv", "--export")
    assert exported.exit_code == 0
    rows = list(csv.DictReader(StringIO(exported.stdout)))
    assert [row["winner"] for row in rows] == ["a", "tie"]
    assert {row["rater"] for row in rows} == {"ann"}
    assert {rows[0]["model_a"], rows[0]["model_b"]} == {"secret-large", "secret-small"}


def test_an_export_of_no_labels_says_so_and_prints_no_table(call: Call, outputs: Path) -> None:
    exported = call("weigh", "label", "outputs.csv", "--export")
    assert (exported.exit_code, exported.stdout) == (0, "")
    assert "There are no labels in outputs.labels.jsonl yet." in exported.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.csv",), "nothing.csv: no such file of outputs"),
        (("outputs.csv", "--baseline", "secret-large"), "Give both --baseline and --candidate"),
        (("outputs.csv", "--baseline", "a", "--candidate", "b"), 'no model is called "a"'),
        (("outputs.csv", "--rubric", "nice"), 'no rubric is called "nice"'),
    ],
)
@pytest.mark.usefixtures("outputs")
def test_bad_input_is_said(call: Call, arguments: tuple[str, ...], said: str) -> None:
    result = call("weigh", "label", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


class Terminal:
    """The program on a terminal of its own, 60 columns by 12 lines."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        # xdist says how wide the terminal of the tests is.
        env = {name: value for name, value in clean_environment(home).items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "steelyard", "weigh", "label", *arguments],
            cwd=home, env={**env, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, *texts: str, timeout_s: float = 20.0) -> None:
        """Read until one of these texts has been seen since the last key."""
        end = time.monotonic() + timeout_s
        while not any(text in self.seen for text in texts):
            assert time.monotonic() < end, f"{texts} were not seen in {self.seen!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")

    def press(self, key: str) -> None:
        """Press a key; what was seen before is forgotten."""
        self.seen = ""
        os.write(self._ours, key.encode())

    def close(self) -> None:
        """Make an end of both."""
        self.process.kill()
        self.process.wait(10)
        os.close(self._ours)


@pytest.fixture
def terminal(outputs: Path) -> Iterator[Terminal]:
    rows = list(csv.reader(outputs.read_text().splitlines()))
    for row in rows[1:]:
        if row[1] == "secret-large":
            row[3] = "\n".join(f"line {number}" for number in range(30)) + "\nthe end"
    with outputs.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    opened = Terminal(outputs.parent, outputs.name, "--rater", "ann", "--n", "2")
    try:
        yield opened
    finally:
        opened.close()


def test_on_a_terminal_one_key_labels_and_long_answers_are_paged(terminal: Terminal, outputs: Path) -> None:
    terminal.until("-- more: space --")
    while "q: quit" not in terminal.seen:
        terminal.press(" ")
        terminal.until("-- more: space --", "q: quit")
    assert "s: skip   u: undo\r\nq: quit" in terminal.seen, "the legend breaks between keys"
    terminal.press("\x1b[A")  # an arrow ends with a letter, and is none
    terminal.press("b")
    terminal.until("── 2 of 2")
    terminal.press("u")
    terminal.until("── 1 of 2")
    terminal.press("a")
    terminal.until("── 2 of 2")
    terminal.press("q")
    assert terminal.process.wait(20) == 0
    assert [line["said"] for line in lines(outputs)] == ["second", "undone", "first"]
