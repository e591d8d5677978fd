"""`python -m tests.rooms`: fail for a module over 800 lines; name those over 400, which are too much for one room."""

import sys
from pathlib import Path

MOST_LINES = 800
SMELL_LINES = 400


def main(root: Path) -> int:
    """Look at every module of the repository `root`; return the exit code."""
    sizes = {
        path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines())
        for room in ("src", "tests", "bench")
        for path in sorted((root / room).rglob("*.py"))
    }
    for path, lines in sizes.items():
        if lines > MOST_LINES:
            print(f"{path}: {lines} lines, and {MOST_LINES} are the most. Split it: a module is one room.")
        elif lines > SMELL_LINES:
            print(f"note: {path}: {lines} lines; over {SMELL_LINES} it is worth splitting.")
    return 1 if any(lines > MOST_LINES for lines in sizes.values()) else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1]))
