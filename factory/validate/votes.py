"""Answers to one problem -> votes: names that equal answers share.

Answers in mathematics are equal where its grader calls them so, by the rules of
`factory.grade.vote` and under the recipe's policy, in worker processes with deadlines; the gold has
no part in it. Answers of other graders are equal where they are spelled alike after the grader's
own normalisation. What is not shown to be equal is another vote.

Not votes: programs, formats, languages, puzzles with many solutions, and what graders of other
packages read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from factory.grade.math import MathGrader
from factory.grade.number_text import number_spelling
from factory.grade.text import normalise_text
from factory.grade.vote import groups_of_equals
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import GraderName

_SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    GraderName.CHOICE: str.strip,
    GraderName.TEXT: normalise_text,
    GraderName.EXACT: str.strip,
    GraderName.NUMBER: number_spelling,
}
_AT_ONCE: Final = 256
"""Problems whose hard pairs go to the workers together."""

Names = Mapping[str, str]
"""Answer as it was extracted -> its vote."""


def has_votes(grader: str) -> bool:
    """Whether answers to a grader's problems can be compared with each other."""
    return grader == GraderName.MATH or grader in _SPELLINGS


def votes_of(
    answers: Mapping[str, Sequence[str]],
    graders: Mapping[str, str],
    grade: Grade,
    machine: Machine,
) -> dict[str, Names]:
    """The vote of each answer, by problem.

    Args:
        answers: Problem -> the answers of its candidates, equal ones as often as they were given.
        graders: Problem -> its grader, one that has votes.

    Raises:
        GraderError: A worker of symbolic grading cannot be started.
    """
    found: dict[str, Names] = {
        problem: {one: _SPELLINGS[graders[problem]](one) for one in set(given)}
        for problem, given in answers.items()
        if graders[problem] != GraderName.MATH
    }
    symbolic = [problem for problem in answers if graders[problem] == GraderName.MATH]
    with MathGrader(grade.math, machine.workers or os.cpu_count() or 1) as math:
        for first in range(0, len(symbolic), _AT_ONCE):
            some = symbolic[first : first + _AT_ONCE]
            groups = groups_of_equals([Counter(answers[one]) for one in some], math)
            found.update(zip(some, map(_named, groups), strict=True))
    return found


def _named(groups: Sequence[frozenset[str]]) -> Names:
    return {
        answer: name for group in groups for name in [min(group, key=_shortest)] for answer in group
    }


def _shortest(answer: str) -> tuple[int, str]:
    return len(answer), answer
