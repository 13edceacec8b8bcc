"""Text of an answer -> tree, by recursive descent over characters, in bounded time and depth.

Reads LaTeX (after `normalise`), plain text (`3/4`, `x^2`, `sqrt(2)`, `pi`) and what Unicode became
there. Limits: `MAX_CHARS` of `normalise`, `MAX_DEPTH` nested groups, `MAX_NODES` nodes; past them
and for what is not covered it raises `Unreadable`, and nothing else.

Conventions: `2\\frac{1}{2}` and `2 1/2` are mixed numbers; `x^10` is x to the tenth; `1/2x` is
read from left to right; `[a, b)` is a group whose meaning its brackets hold; `\\log` has base 10,
`\\ln` base e; `f(…)`, `g(…)`, `h(…)` are functions, another letter before a bracket multiplies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from factory.grade.math.grammar import Parser
from factory.grade.math.normalise import MAX_CHARS, normalise
from factory.grade.math.quantities import THOUSANDS
from factory.grade.math.scan import Unreadable
from factory.grade.math.tree import Node, Word

__all__ = ["Unreadable", "as_word", "parse"]

_TIME: Final = re.compile(r"(\d{1,2}):(\d\d) ?(?:\\text ?\{)? ?([AaPp])\.? ?[Mm]\.? ?\}?")
_PROSE: Final = re.compile(r"[A-Za-z][A-Za-z .'-]*")
_AND: Final = re.compile(r"\b(?:and|or)\b")
_NAMED: Final = frozenset({"infinity", "inf"})


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Node, ...]:
    """The readings of an answer, most likely first; a bare `1,234` has two.

    Raises:
        Unreadable: See above; the message names the place.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    normalised = normalise(text)
    if not normalised:
        raise Unreadable("empty")
    if time := _TIME.fullmatch(normalised):
        return (Word(f"{int(time[1])}:{time[2]} {time[3].lower()}m"),)
    if _is_prose(normalised):
        return (Word(" ".join(normalised.replace(".", " ").casefold().split())),)
    try:
        first = Parser(normalised, thousands=True).whole()
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        word = as_word(normalised)
        if word is None:
            raise
        return (Word(word),)
    if THOUSANDS.search(normalised) and not re.search(r",0", normalised):
        try:
            second = Parser(normalised, thousands=False).whole()
        except (Unreadable, RecursionError):
            return (first,)
        if second != first:
            return (first, second)
    return (first,)


def as_word(normalised: str) -> str | None:
    """The text in lower case without wrappers where it holds words and no other mathematics."""
    flat = re.sub(r"\\text ?\{([^{}]*)\}", r"\1", normalised).replace(r"\degree", "")
    if "\\" in flat or not re.search(r"[A-Za-z]{2,}", flat):
        return None
    return " ".join(re.sub(r"[.,;:!?\"'()]", " ", flat).casefold().split())


def _is_prose(normalised: str) -> bool:
    """Whether there are only letters, and so many in a row that they are no product of letters."""
    return (
        _PROSE.fullmatch(normalised) is not None
        and re.search("[A-Za-z]{3}", _AND.sub(",", normalised)) is not None
        and normalised.lower() not in _NAMED
    )
