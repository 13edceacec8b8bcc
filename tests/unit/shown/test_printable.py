"""What a model writes cannot steer the terminal that shows it."""

from __future__ import annotations

import pytest

from factory.shown.printable import printable, printable_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "⟨U+001B⟩[2J⟨U+001B⟩]0;title⟨U+0007⟩"),
        ("\x9b31mred", "⟨U+009B⟩31mred"),
        ("all is well\rall is lost", "all is well⟨U+000D⟩all is lost"),
        ("abc\u202edef", "abc⟨U+202E⟩def"),
        ("no\u200bthing", "no⟨U+200B⟩thing"),
        ("half \ud800", "half ⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_a_character_that_steers_turns_or_hides_stands_there_by_its_number(
    text: str, shown: str
) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["", "one\n\ttwo", "사과 세 개", "क्‍ष", "∑ x² ≤ 5 \u00a0€", "👩‍👧"])
def test_newlines_tabs_and_every_alphabet_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_no_control_character_is_left_but_the_newline_and_the_tab() -> None:
    left = printable("".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])))
    assert {one for one in left if not one.isprintable()} == {"\n", "\t"}


def test_a_line_cannot_be_made_to_look_like_two() -> None:
    assert printable_line("  wrong\n\x1b[1mcame 5\u2028went 4\t0 ") == (
        "wrong ⟨U+001B⟩[1mcame 5 went 4 0"
    )
