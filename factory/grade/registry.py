"""From the name of a grader to a grader, imported only when it is asked for."""

from __future__ import annotations

import os

from factory.grade.contract import Grader
from schemas.machine import Machine
from schemas.problem import GraderName
from schemas.recipe import Grade


def open_grader(name: GraderName, grade: Grade, machine: Machine) -> Grader:
    """A grader of that name with the recipe's limits and the machine's workers.

    It is a context manager: the code grader starts its containers when it is entered, the
    grader of mathematics its workers at the first pair that needs one.
    """
    match name:
        case GraderName.MATH:
            from factory.grade.math import MathGrader

            return MathGrader(grade.math, machine.workers or os.cpu_count() or 1)
        case GraderName.CODE:
            from factory.grade.code import CodeGrader

            return CodeGrader(grade.code, machine.sandbox)
        case GraderName.CHOICE:
            from factory.grade.choice import ChoiceGrader

            return ChoiceGrader()
        case GraderName.TEXT:
            from factory.grade.text import TextGrader

            return TextGrader()
