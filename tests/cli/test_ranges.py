"""Numbers that Click's own ranges let through are refused wherever a weighing takes a number."""

import pytest

from tests.cli.conftest import Call

RECORDED = ("recorded", "none.csv", "--baseline", "a", "--candidate", "b")
RUN = ("run", "--items", "none.csv", "--models", "a,b")
JUDGE = ("judge", "none.csv", "--judge", "c")


@pytest.mark.parametrize(
    "arguments",
    [
        (*RECORDED, "--margin", "nan"),
        (*RECORDED, "--margin", "0.1", "--alpha", "nan"),
        (*RUN, "--margin", "NaN"),
        (*RUN, "--alpha", "nan"),
        (*JUDGE, "--margin", "nan"),
        (*JUDGE, "--alpha", "nan"),
        ("rank", "none.csv", "--alpha", "nan"),
        ("import", "inspect", "--run", "none.py", "--timeout", "nan"),
    ],
)
def test_what_is_no_number_is_no_margin_no_level_and_no_time(call: Call, arguments: tuple[str, ...]) -> None:
    result = call("weigh", *arguments)
    assert result.exit_code == 2
    assert "is not a number" in result.stderr


@pytest.mark.parametrize("command", [(*RECORDED, "--margin", "0.1"), RUN, JUDGE, ("rank", "none.csv"), ("label", "x")])
def test_a_seed_that_evidence_could_not_hold_is_refused_before_anything_is_asked(
    call: Call, command: tuple[str, ...]
) -> None:
    result = call("weigh", *command, "--seed", str(2**53))
    assert result.exit_code == 2
    assert "Give a smaller seed" in result.stderr
    fits = call("weigh", *command, "--seed", str(2**53 - 1))
    assert "smaller seed" not in fits.stderr
