"""`retort grade judge`: answers of a file before a model, and its agreement with their labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory.grade.contract import Verdict
from factory.grade.grade_lines import Report, grade_lines
from factory.grade.judge import answer_of, judged, no_answer
from factory.grade.judge_agreement import Agreement
from factory.grade.judge_asking import Judge
from factory.grade.judge_endpoints import check_judge
from factory.grade.judge_prompts import PromptName, Question, question_of
from factory.grade.judge_reading import Unanswered
from factory.grade.line_file import Values
from factory.grade.line_grader import MachineFault, Result
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade, GradeJudge
from schemas.judge_line import JudgeLine, JudgeResult
from schemas.machine import Machine
from schemas.verdict import Status

_HARMLESS: Final = question_of("reference-1", "What is 2 + 2?", (), "4", "4")


class JudgeLineGrader:
    """One judge for all lines."""

    made_by = "retort grade judge"
    most_lines = 1

    def __init__(self, settings: GradeJudge, machine: Machine) -> None:
        """Nothing is asked yet."""
        self.settings: Mapping[str, Any] = settings.model_dump(mode="json", exclude={"labels"})
        self._grade = Grade(judge=settings)
        self._machine = machine
        self._judge = Judge(settings, machine)

    def read(self, values: Values) -> JudgeLine:
        """The line. Raises `ValueError` where it is no `JudgeLine`."""
        return JudgeLine.model_validate(values)

    def __enter__(self) -> JudgeLineGrader:
        """See that the judge can be asked.

        Raises:
            TeacherError: It cannot be reached, refuses the key, or serves other models.
        """
        check_judge(self._grade, self._machine)
        return self

    def __exit__(self, *_: object) -> None:
        self._judge.close()

    def grade(self, lines: Sequence[JudgeLine]) -> list[Result]:
        """The fields of a `JudgeResult` for each.

        Raises:
            MachineFault: The endpoints failed on one of them after all retries.
            TeacherError: They refuse us, are gone for long, or only fail.
            GraderError: Replies are out of form too often, or judgements cannot be kept.
        """
        results: list[Result] = []
        verdicts = line_verdicts(lines, self._judge, self._grade.judge.prompt)
        for line, verdict in zip(lines, verdicts, strict=True):
            if isinstance(verdict, Unanswered):
                raise MachineFault(verdict.detail)
            result = JudgeResult(
                verdict=verdict.status,
                method=verdict.method,
                detail=verdict.detail,
                label=line.label,
                wall_s=round(verdict.wall_s, 6),
            )
            results.append(result.model_dump(mode="json"))
        return results

    def no_verdict(self, detail: str) -> Result:
        """The fields of an `infra` line."""
        return JudgeResult(
            verdict=Status.INFRA, method="", detail=detail, label=None, wall_s=0.0
        ).model_dump(mode="json")

    def check(self) -> None:
        """Ask what two and two are, whatever comes of it.

        Raises:
            MachineFault: There is no reply.
            TeacherError: There will be none.
        """
        answer = self._judge.try_out(_HARMLESS)
        if isinstance(answer, Unanswered):
            raise MachineFault(answer.detail)


def line_verdicts(
    lines: Sequence[JudgeLine], judge: Judge, prompt: PromptName
) -> list[Verdict | Unanswered]:
    """A verdict on each line, in their order. Raises as `Judge.judge_many`."""
    asked = [_question(line, prompt) for line in lines]
    answers = iter(judge.judge_many([one for one in asked if isinstance(one, Question)]))
    verdicts: list[Verdict | Unanswered] = []
    for one in asked:
        if isinstance(one, Verdict):
            verdicts.append(one)
            continue
        answer = next(answers)
        verdicts.append(answer if isinstance(answer, Unanswered) else judged(one, answer))
    return verdicts


def _question(line: JudgeLine, prompt: PromptName) -> Question | Verdict:
    """The question on a line, or the verdict where there is nothing to ask."""
    if line.answer is not None:
        answer = line.answer.strip() or no_answer()
    else:
        answer = answer_of(line.response or "", line.finish_reason or FinishReason.STOP)
    if isinstance(answer, Verdict):
        return answer
    return question_of(prompt, line.problem, (), line.gold or "", answer)


def grade_judge_lines(source: Path, out: Path, settings: GradeJudge, machine: Machine) -> Report:
    """Judge the answers of a file: see `grade_lines` for what is raised and kept.

    Args:
        source: `JudgeLine`s.
        out: `JudgeResult`s, each with the id of its line.
        settings: Of the judge; OUT holds results of one such.
        machine: Its endpoints, and where judgements are kept.
    """
    workers = machine.judge.in_flight * max(1, len(machine.judge.base_urls))
    return grade_lines(source, out, JudgeLineGrader(settings, machine), workers=workers)


def agreement_of(out: Path) -> Agreement:
    """The agreement of the finished results in OUT that have labels."""
    agreement = Agreement()
    with open(out, encoding="utf-8") as file:
        for line in file:
            result = json.loads(line)
            if result["label"] is not None and result["verdict"] != Status.INFRA:
                agreement.add(result["label"], Status(result["verdict"]), result["method"])
    return agreement
