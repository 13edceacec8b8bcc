"""From the name of a grader to a grader, imported only when it is asked for.

One table: our own graders, and those that installed packages name in the entry points of the
group `retort.graders` (docs/graders.md). A package cannot take a name that is taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final

from factory.errors import GraderError
from factory.grade.contract import Grader
from factory.grade.installed import InstalledGrader, installed
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName

_Factory = Callable[[Grade, Machine], Grader]


def open_grader(name: str, grade: Grade, machine: Machine) -> Grader:
    """A grader of that name with the recipe's settings and the machine's workers.

    It is a context manager, and nothing is started before it is entered: those that run code
    start their containers then, the grader of mathematics its workers at the first pair that
    needs one.

    Raises:
        GraderError: There is no grader of that name, or its package cannot be loaded.
    """
    check_names([(name, "a problem")])
    own = _OWN.get(name)
    if own is not None:
        return own(grade, machine)
    return InstalledGrader(installed(_OWN)[name], grade.extra.get(name, {}), machine)


def runs_anywhere(name: str) -> bool:
    """Whether a grader may be opened in several processes, each grading some of the candidates.

    Not so: a judge, whose answers have one store; a vote, which belongs to all candidates of a
    problem; and graders of other packages, of which there is one, in the process of the stage.
    """
    return name in _OWN and name not in (GraderName.JUDGE, GraderName.MAJORITY)


def check_names(asked: Iterable[tuple[str, str]]) -> None:
    """Raise for a grader that is not there, or whose package cannot be loaded.

    Args:
        asked: Names, each with who asks: `source gsm8k`.

    Raises:
        GraderError: Of the first such name, or of a package that takes a name that is taken.
    """
    others = installed(_OWN)
    for name, who in asked:
        if name in _OWN:
            continue
        if name not in others:
            raise GraderError(
                f"{who}: expected a grader of {', '.join(sorted([*_OWN, *others]))}; found "
                f"{name!r}; correct the name, or install the package that registers it "
                f"(docs/graders.md)"
            )
        others[name].factory()


def package_of(name: str) -> str:
    """`package==version` of a grader that is not our own, for keys; empty for our own.

    Raises:
        GraderError: There is no grader of that name.
    """
    check_names([(name, "a source")])
    return "" if name in _OWN else installed(_OWN)[name].package


# ---------------------------------------------------------------------------------- our own graders


def _math(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.math import MathGrader

    return MathGrader(grade.math, machine.workers or os.cpu_count() or 1)


def _code(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.code import CodeGrader

    return CodeGrader(grade.code, machine.sandbox)


def _choice(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.choice import ChoiceGrader

    return ChoiceGrader()


def _text(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.text import TextGrader

    return TextGrader()


def _exact(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.text import ExactGrader

    return ExactGrader()


def _number(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.number import NumberGrader

    return NumberGrader(grade.number)


def _format(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.format import FormatGrader

    return FormatGrader(grade.format)


def _language(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.language import LanguageGrader

    return LanguageGrader(grade.language)


def _procedural(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.procedural import ProceduralGrader

    return ProceduralGrader(grade.procedural, machine.sandbox)


def _majority(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.majority import majority_grader

    return majority_grader(grade, machine)


def _given(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.given import GivenGrader

    return GivenGrader()


def _judge(grade: Grade, machine: Machine) -> Grader:
    from factory.grade.judge import JudgeGrader

    return JudgeGrader(grade.judge, machine)


IN_SANDBOX: Final = frozenset({GraderName.CODE, GraderName.PROCEDURAL})
"""Graders that run programs in containers."""

_OWN: Final[dict[str, _Factory]] = {
    GraderName.MATH: _math,
    GraderName.CODE: _code,
    GraderName.CHOICE: _choice,
    GraderName.TEXT: _text,
    GraderName.EXACT: _exact,
    GraderName.NUMBER: _number,
    GraderName.FORMAT: _format,
    GraderName.LANGUAGE: _language,
    GraderName.PROCEDURAL: _procedural,
    GraderName.JUDGE: _judge,
    GraderName.GIVEN: _given,
    GraderName.MAJORITY: _majority,
}
