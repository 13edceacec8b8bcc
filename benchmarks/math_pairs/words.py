"""Words, letters of choices and what little is left, rewritten and changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .pair import Change

_WORD: Final = re.compile(r"\\(?:text|mbox)\{([A-Za-z]{2,})\}")
_CHOICE: Final = re.compile(r"(?:\(?\\text\{)?\(?([A-HMP])\)?\}?\)?")
_CHOICES: Final = re.compile(r"(?:\\text\{)?([A-H](?:, ?[A-H])+)\}?")
_POWER: Final = re.compile(r"(\d+)\^\{(\d+)\}")
_ANGLE: Final = re.compile(r"\\(sin|cos) ?(\d+)\^(?:\\circ|\{\\circ\})")
_ALIKE: Final = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("even", "odd", "neither"),
    ("ellipse", "circle", "parabola", "hyperbola", "line", "point"),
    ("east", "west", "north", "south", "seat"),
    ("Evelyn", "Briana", "Dana", "Devon", "Navin", "Angela"),
)


def word_changes(gold: str) -> tuple[str, list[Change]] | None:
    """The kind and rewritings of a word, a choice, a power or a cosine of degrees."""
    for kind, pattern, changes in (
        ("word", _WORD, _words),
        ("choice", _CHOICE, _choices),
        ("choice", _CHOICES, _several),
        ("power", _POWER, _powers),
        ("trigonometry", _ANGLE, _angles),
    ):
        found = pattern.fullmatch(gold)
        if found:
            return kind, list(changes(found))
    return None


def _words(found: re.Match[str]) -> Iterator[Change]:
    word = found[1]
    for shape in ("{}", "\\mathrm{{{}}}", "\\textbf{{{}}}", "\\text{{ {} }}", "\\text{{{}}}."):
        yield Change(shape.format(word), True)
    if not word.isupper():
        yield Change(f"\\text{{{word.capitalize()}}}", True)
    alike = next((words for words in _ALIKE if word in words), ("none", word + "s", word[:-1]))
    for other in alike:
        if other != word:
            yield Change(f"\\text{{{other}}}", False)
            yield Change(other, False)
    yield Change("0", False)


def _choices(found: re.Match[str]) -> Iterator[Change]:
    letter = found[1]
    for shape in (
        "{}",
        "({})",
        "\\text{{{}}}",
        "\\text{{({})}}",
        "\\textbf{{({})}}",
        "\\mathrm{{{}}}",
    ):
        yield Change(shape.format(letter), True)
    for other in "ABCDE":
        if other != letter:
            yield Change(f"\\text{{({other})}}", False)
            yield Change(other, False)
    yield Change(f"{letter}, {'A' if letter != 'A' else 'B'}", False)


def _several(found: re.Match[str]) -> Iterator[Change]:
    letters = re.findall("[A-H]", found[1])
    for order in (letters, letters[::-1]):
        for shape, comma in (("{}", ", "), ("\\text{{{}}}", ", "), ("\\text{{{}}}", ",")):
            yield Change(shape.format(comma.join(order)), True)
    for other in (letters[:-1], letters[1:], [*letters, "Z"], [*letters[:-1], "Y"]):
        yield Change(", ".join(other), False)
        yield Change(f"\\text{{{', '.join(other)}}}", False)


def _powers(found: re.Match[str]) -> Iterator[Change]:
    base, power = int(found[1]), int(found[2])
    yield Change(f"{base} \\cdot {base}^{{{power - 1}}}", True)
    yield Change(str(base**power), True)
    yield Change(f"\\frac{{{base}^{{{power + 1}}}}}{{{base}}}", True)
    yield Change(f"{base}^{{{power + 1}}}", False)
    yield Change(f"{base + 1}^{{{power}}}", False)
    yield Change(f"{base}^{{{power}}} - 1", False)
    yield Change(str(base**power + 1), False)
    yield Change(f"{base} \\cdot {power}", False)


def _angles(found: re.Match[str]) -> Iterator[Change]:
    name, angle = found[1], int(found[2])
    other = "sin" if name == "cos" else "cos"
    turn = -1 if name == "cos" else 1
    yield Change(f"\\{other} {90 - angle}^\\circ", True)
    yield Change(f"\\{name} \\frac{{{angle} \\pi}}{{180}}", True)
    yield Change(f"{'-' if turn == 1 else ''}\\{name} (-{angle}^\\circ)", True)
    yield Change(f"\\{name} {angle + 1}^\\circ", False)
    yield Change(f"\\{other} {angle}^\\circ", angle == 45)
    yield Change(f"-\\{name} {angle}^\\circ", False)
    yield Change(f"\\{name} {angle}", False)
