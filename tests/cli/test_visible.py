"""What callers and providers have sent is shown, and does nothing."""

import unicodedata

from steelyard.cli.visible import visible


def test_no_control_character_reaches_a_terminal() -> None:
    assert visible("a\x1b[31m\nb\x9b\tc\x7f") == "a\\x1b[31m\\x0ab\\x9b\\x09c\\x7f"
    assert visible("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"


def test_nothing_turns_the_direction_of_a_line() -> None:
    turning = [
        chr(code)
        for code in range(0x11_0000)
        if unicodedata.bidirectional(chr(code)) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    ]
    assert [visible(one) for one in turning] == [f"\\u{ord(one):04x}" for one in turning]
    assert visible("\u202eabc", lines=True) == "\u202eabc"


def test_words_of_any_script_stay_as_they_are() -> None:
    assert visible("größe 天秤 ميزان 😀") == "größe 天秤 ميزان 😀"
