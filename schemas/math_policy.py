"""What symbolic grading takes for the same answer where mathematics leaves a choice."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.row import Settings


class MathPolicy(Settings):
    """`[grade.math.policy]`: each choice once. The defaults prefer a false reject to a false
    accept. What no choice covers is decided by value alone; see docs/math_grading.md."""

    decimal_figures: Annotated[int, Field(ge=0)] = 6
    """A decimal with so many significant digits or more equals an exact value that rounds to it or
    is cut to it; 0: never."""
    percent: Literal["either", "value"] = "either"
    """`either`: 50% equals 50 and 0.5; `value`: only 0.5."""
    missing_unit: bool = True
    """A unit, money sign or degree sign that one side has may be missing on the other."""
    convert_units: bool = True
    """Units of one dimension convert (5 cm is 50 mm); false: they conflict."""
    missing_base: bool = True
    """The base of `1202_3` may be missing in the answer: its digits alone are right."""
    ordered_lists: bool = False
    """Whether the order of a list without brackets (`1, 2`) counts."""
    assignments: bool = True
    """`y = …`, `f(x) = …` and lists of assignments equal their right-hand sides."""
    single_brackets: bool = True
    """Brackets around one element drop: `{5}`, `(5)` and `[5]` are 5."""
    ratio_is_fraction: bool = True
    """`1:2` equals one half."""
    empty_set_is_no_solution: bool = True
    """The empty set equals `no solution`, `none`, `does not exist`."""
    infinity_is_endless: bool = True
    """The sign of infinity equals `infinitely many`."""
    letters: Literal["real", "positive"] = "real"
    """Values that letters may have: with `positive`, the root of x squared is x."""
    letters_commute: bool = True
    """Whether letters side by side may change places: `ab` is `ba`."""
    decimal_comma: bool = False
    """Whether `1,5` between digits is a decimal comma; else it separates two numbers."""
