"""The judge: a model that grades answers which rules cannot, with the gold answer shown.

It sees the problem, with the turns before it, the gold as a reference (`reference-1`) or none
(`quality-1`, and every problem without a gold), and what follows the reasoning of a completion, up
to 32,000 characters of it. Its verdict is `correct` or `incorrect`. A completion that was cut, or
whose thinking never closed, is `truncated` without asking; one without an answer, and one on which
the judge gives no reply in form, is `unparsable`.

Covered: the answer cannot end its block or be read as the judge's reply (`judge_prompts`); equal
questions are asked once and their judgements are kept (`judge_store`); a judge that fails is an
error and no verdict. Not covered: whether the judge is right. Its agreement with labels says how
often it is (`judge_agreement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory.errors import GraderError
from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.judge_asking import Judge
from factory.grade.judge_prompts import Question, question_of
from factory.grade.judge_reading import Answer, Unanswered
from factory.grade.judge_store import Finding, Judgement
from factory.spent import endpoint_rates, spend
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeJudge
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.spent import Spent
from schemas.verdict import Status

METHOD: Final = "judge"
_KEPT_CHARS: Final = 2000
_STATUS: Final = {
    Finding.CORRECT: Status.CORRECT,
    Finding.INCORRECT: Status.INCORRECT,
    Finding.UNREADABLE: Status.UNPARSABLE,
}


class JudgeGrader:
    """Verdicts of a model behind OpenAI-compatible endpoints."""

    def __init__(self, settings: GradeJudge, machine: Machine) -> None:
        """Nothing is opened or asked before there is something to grade."""
        self._settings = settings
        self._judge = Judge(settings, machine)
        self._rates = endpoint_rates(machine.judge)

    def __enter__(self) -> JudgeGrader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._judge.close()

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item, in the order of the items; the endpoints are asked side by side.

        Raises:
            RecipeError: No model is named.
            TeacherError: The endpoints refuse us, are gone for long, or only fail.
            GraderError: They fail on a question after all retries, the replies are out of form
                too often, or judgements cannot be kept.
        """
        asked = [self._ask(item) for item in items]
        answers = iter(self._judge.judge_many([one for one in asked if isinstance(one, Question)]))
        return [
            one if isinstance(one, Verdict) else self._verdict(item, one, next(answers))
            for item, one in zip(items, asked, strict=True)
        ]

    @property
    def spent(self) -> Spent:
        """What its questions took; kept judgements take nothing, and time is that of the stage."""
        return spend(
            self._rates,
            candidates=0,
            tokens=self._judge.completion_tokens,
            prompt_tokens=self._judge.prompt_tokens,
            wall_s=0.0,
        )

    def gold_answer(self, problem: Problem) -> str | None:
        """None: a gold is checked by no question, since it would be compared with itself."""
        return None

    def _ask(self, item: Item) -> Question | Verdict:
        answer = answer_of(item.text, item.finish_reason)
        if isinstance(answer, Verdict):
            return answer
        problem = item.problem
        return question_of(
            self._settings.prompt, problem.statement, problem.history, problem.gold, answer
        )

    def _verdict(self, item: Item, question: Question, answer: Answer) -> Verdict:
        if isinstance(answer, Unanswered):
            raise GraderError(
                f"judge {self._judge.name}: expected a reply on a completion of problem "
                f"{item.problem.problem_id!r}, found none after all retries ({answer.detail}); "
                f"mend the server and run again, judgements that were made are kept"
            )
        return judged(question, answer)


def answer_of(text: str, finish_reason: FinishReason) -> str | Verdict:
    """What follows the reasoning of a completion, or the verdict where there is nothing to ask."""
    answer = answer_part(text, finish_reason)
    if answer is None:
        return Verdict(Status.TRUNCATED, "", "extraction", "the thinking never closed", 0.0)
    if finish_reason is FinishReason.LENGTH:
        return Verdict(Status.TRUNCATED, "", "extraction", "cut before the answer ended", 0.0)
    return answer.strip() or no_answer()


def no_answer() -> Verdict:
    """The verdict on nothing."""
    return Verdict(Status.UNPARSABLE, "", "extraction", "no answer", 0.0)


def judged(question: Question, judgement: Judgement) -> Verdict:
    """A judgement as a verdict."""
    return Verdict(
        status=_STATUS[judgement.finding],
        extracted=question.answer[:_KEPT_CHARS].encode("utf-8", "replace").decode(),
        method=METHOD,
        detail=f"{judgement.prompt} {judgement.judge}: {judgement.reason}",
        wall_s=judgement.wall_s,
    )
