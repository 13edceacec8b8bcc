"""Text of models and files, safe to show: what steers a terminal, turns or hides text stands there
by its number.

Covered are the control characters of ASCII and of Latin-1 (escape sequences begin with one), the
marks that turn the direction of text, spaces and joiners without width, separators that begin a
line, tags, and halves of surrogate pairs, which cannot be written at all. Not covered are letters
that look like others, and marks that are piled up on one letter.
"""

from __future__ import annotations

import re
from typing import Final

_STEERS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """The text with `⟨U+001B⟩` for each character that steers, turns or hides; newlines and tabs
    stay."""
    return _STEERS.sub(lambda one: f"\u27e8U+{ord(one[0]):04X}\u27e9", text)


def printable_line(text: str) -> str:
    """The same in one line: white space of any kind is a space, none at the ends."""
    return printable(" ".join(text.split()))
