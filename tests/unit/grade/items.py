"""Things to grade, for the tests of the graders."""

from __future__ import annotations

from factory.grade.contract import AnswersGold, Grader, Item, Verdict
from schemas.candidate import FinishReason
from schemas.problem import AnyGrader, Domain, GraderName, Problem


def problem(gold: str, grader: AnyGrader = GraderName.TEXT, solution: str = "") -> Problem:
    """A problem with that gold."""
    return Problem(
        problem_id="s/0",
        statement="?",
        gold=gold,
        grader=grader,
        domain=Domain.GENERAL,
        source="s",
        license="MIT",
        category="",
        level="",
        reasoning=False,
        solution=solution,
    )


def verdict(
    grader: Grader, gold: str, text: str, reason: FinishReason = FinishReason.STOP
) -> Verdict:
    """What the grader finds in one completion."""
    with grader as entered:
        return entered.grade_many([Item(problem(gold), text, reason)])[0]


def gold_verdict(grader: Grader, gold: str) -> Verdict:
    """What the grader finds in what stands for the gold."""
    assert isinstance(grader, AnswersGold)
    text = grader.gold_answer(problem(gold))
    assert text is not None
    return verdict(grader, gold, text)
