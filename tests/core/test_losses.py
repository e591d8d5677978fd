"""Each loss is told once, in the order in which it was found, and a header can hold them all, or says how many more."""

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.losses import Loss, Losses, compact


def test_losses_are_told_once_in_their_order() -> None:
    losses = Losses()
    losses.dropped("seed", "no such field")
    losses.approximated("thinking", "a word for a number")
    losses.dropped("seed", "said again")
    losses.added("max_tokens", "it must be given")
    losses.approximated("seed", "another manner")
    assert losses.all() == (
        Loss("seed", "dropped", "no such field"),
        Loss("thinking", "approximated", "a word for a number"),
        Loss("max_tokens", "added", "it must be given"),
        Loss("seed", "approximated", "another manner"),
    )


def test_none_are_an_empty_value() -> None:
    assert compact(()) == ""


def test_the_compact_form_names_path_and_manner() -> None:
    losses = (Loss("seed", "dropped", "r"), Loss("messages[1].name", "dropped", "r"))
    assert compact(losses) == "seed dropped; messages[1].name dropped"


def test_characters_that_a_header_cannot_hold_are_escaped() -> None:
    assert compact((Loss("tools[0].größe\r\nx: y", "dropped", "r"),)) == (
        "tools[0].gr\\u00f6\\u00dfe\\u000d\\u000ax: y dropped"
    )


def test_characters_beyond_the_first_plane_are_escaped_as_in_json() -> None:
    assert compact((Loss("\U0001f600", "dropped", "r"),)) == "\\ud83d\\ude00 dropped"


def test_a_long_report_says_how_many_more_there_are() -> None:
    losses = tuple(Loss(f"messages[{i}].content[0].cache_control", "dropped", "r") for i in range(100))
    told = compact(losses)
    shown = told.split("; ")
    assert len(told) <= 1000 + len("; and 100 more")
    assert shown[-1] == f"and {100 - (len(shown) - 1)} more"
    assert shown[0] == "messages[0].content[0].cache_control dropped"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=8))
def test_any_report_is_a_header_value(paths: list[str]) -> None:
    told = compact(tuple(Loss(path, "dropped", "r") for path in paths))
    assert len(told) <= 1000 + len("; and 8 more")
    assert all(" " <= char <= "~" for char in told)
