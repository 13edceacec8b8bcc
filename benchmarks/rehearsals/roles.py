"""What each candidate of a problem is, and what becomes of problems as a whole.

A problem has `CANDIDATES` candidates. Their seeds follow one another, so the remainder of the seed
says which of `ROLES` an answer plays, whatever the order of requests and however often the teacher
is started again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

CANDIDATES: Final = 24
"""Per problem, all in one request."""
PUBLISHED: Final = 8


class Role(StrEnum):
    """What one candidate is."""

    RIGHT = "right"
    EXACT = "exact duplicate"
    """Of the first right one, in other white space."""
    NEAR = "near duplicate"
    """Of the first right one, of a right one of another problem, or with a benchmark's item."""
    SURPLUS = "surplus"
    """Right, and longer than those that are wanted."""
    WRONG = "wrong"
    UNPARSABLE = "unparsable"
    CUT = "cut"
    """In its thinking, at the token limit."""
    LOOP = "loop"
    FOREIGN = "foreign letters"
    BARE = "bare"
    """Right, without the marks of thinking."""
    SAID = "said"
    """The right answer without a step that leads to it."""


ROLES: Final = (
    *[Role.RIGHT] * PUBLISHED,
    Role.EXACT,
    Role.NEAR,
    *[Role.SURPLUS] * 3,
    *[Role.WRONG] * 5,
    Role.UNPARSABLE,
    Role.CUT,
    Role.LOOP,
    Role.FOREIGN,
    Role.BARE,
    Role.SAID,
)
"""By the remainder of the seed."""
FIRST_WRONG: Final = ROLES.index(Role.WRONG)


class Fate(StrEnum):
    """What becomes of all candidates of a problem."""

    ORDINARY = "ordinary"
    TWIN = "twin"
    """As ordinary, but its near duplicate is one of the problem before it."""
    TOLD = "told"
    """As ordinary, but its near duplicate is a text with an item of a benchmark in its place."""
    DECLINED = "declined"
    """The teacher will not answer."""
    OVERLONG = "overlong"
    """The teacher says that the prompt does not fit."""
    EASY = "easy"
    """All right: beyond the pass rate that is wanted."""
    HOPELESS = "hopeless"
    """All wrong."""


class Fault(StrEnum):
    """How a program is wrong; the value is its verdict."""

    VALUE = "incorrect"
    RAISES = "error"
    SYNTAX = "syntax"
    HANGS = "timeout"
    GREEDY = "memory"
    LOUD = "output_limit"


_RARE: Final = {0: Fault.HANGS, 10: Fault.GREEDY, 20: Fault.LOUD}
_RARE_EVERY: Final = 40
"""Of so many programming problems one has each of these."""


def fault_of(number: int, turn: int) -> Fault:
    """How the wrong program is wrong that is the `turn`-th of a programming problem, from 0."""
    usual = (Fault.VALUE, Fault.VALUE, Fault.RAISES, Fault.SYNTAX)
    return usual[turn] if turn < len(usual) else _RARE.get(number % _RARE_EVERY, Fault.VALUE)


def fate_of_sum(number: int) -> Fate:
    """Of the sum with this number, of those that are published."""
    if number % 25 == 1:
        return Fate.TWIN
    return Fate.TOLD if number % 50 == 10 else Fate.ORDINARY
