"""`retort grade math`: golds and responses, or answers, of a file, compared symbolically."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from factory.errors import GraderError, RecipeError
from factory.grade.contract import Verdict
from factory.grade.grade_lines import Report, grade_lines
from factory.grade.line_file import Values
from factory.grade.line_grader import MachineFault, Result
from factory.grade.math import VERSION, MathGrader
from factory.grade.refused_fields import explained
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.math_line import MathLine, MathResult
from schemas.math_policy import MathPolicy
from schemas.verdict import Status

MOST_LINES: Final = 256
"""Most lines are settled in some 20 microseconds; handing over costs more than that."""


class MathLineGrader:
    """One `MathGrader` for all lines."""

    made_by = "retort grade math"
    most_lines = MOST_LINES

    def __init__(self, limits: GradeMath, workers: int) -> None:
        """Nothing is started yet.

        Args:
            limits: Of one hard comparison, with the policy of all.
            workers: Hard comparisons at the same time, each in a process of its own.
        """
        choices = limits.policy.model_dump(mode="json")
        own = limits.model_dump(mode="json", exclude={"policy"})
        self.settings: Mapping[str, Any] = own | choices | {"grader_version": VERSION}
        self._grader = MathGrader(limits, workers)
        self._trials = itertools.count()

    def read(self, values: Values) -> MathLine:
        """The line. Raises `ValueError` where it is no `MathLine`."""
        return MathLine.model_validate(values)

    def __enter__(self) -> MathLineGrader:
        """Start a worker.

        Raises:
            GraderError: It cannot be started.
        """
        try:
            self.check()
        except GraderError:
            self._grader.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._grader.close()

    def grade(self, lines: Sequence[MathLine]) -> list[Result]:
        """The fields of a `MathResult` for each.

        Raises:
            MachineFault: Workers died under one of them, not by their own limits.
            GraderError: Workers cannot be started any more.
        """
        texts = [
            (line.gold, line.response, line.finish_reason or FinishReason.STOP)
            for line in lines
            if line.response is not None
        ]
        answers = [(line.gold, line.answer) for line in lines if line.answer is not None]
        try:
            of_texts = iter(self._grader.grade_texts(texts) if texts else [])
            of_answers = iter(self._grader.grade_answers(answers) if answers else [])
        except GraderError as error:
            self.check()
            raise MachineFault(f"{error}") from error
        return [_result(next(of_texts if line.answer is None else of_answers)) for line in lines]

    def no_verdict(self, detail: str) -> Result:
        """The fields of an `infra` line."""
        return MathResult(verdict=Status.INFRA, extracted="", method="", wall_s=0.0).model_dump()

    def check(self) -> None:
        """Have a worker decide a pair that only a worker can.

        Raises:
            GraderError: None can be started, or it has no room for this.
        """
        number = next(self._trials)  # each pair is new: the grader remembers findings
        pair = hard_pair(number)
        (verdict,) = self._grader.grade_answers([pair])
        if verdict.status not in (Status.CORRECT, Status.TIMEOUT):
            raise GraderError(
                f"workers of symbolic grading: expected one to show that {pair} are equal, found "
                f"{verdict.status} ({verdict.detail}); give them more memory than "
                f"{self.settings['memory_bytes']} bytes (--memory-bytes)"
            )


def hard_pair(number: int) -> tuple[str, str]:
    """A pair that only a worker can decide, which it does in some hundredths of a second."""
    return rf"\sqrt{{2}}+\sqrt{{3}}+{number}", rf"\sqrt{{5+2\sqrt{{6}}}}+{number}"


def _result(verdict: Verdict) -> Result:
    return {
        "verdict": verdict.status.value,
        "extracted": verdict.extracted,
        "method": verdict.method,
        "wall_s": round(verdict.wall_s, 6),
    }


def load_policy(path: Path) -> MathPolicy:
    """The policy in a TOML file that has the names of `MathPolicy` at its top.

    Raises:
        RecipeError: Not there, not TOML, or no policy; every wrong key is named.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(
            f"policy {path}: expected a file that can be read, found: {error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"policy {path}: expected TOML, found: {error}") from error
    try:
        return MathPolicy.model_validate(content, strict=True)
    except ValidationError as error:
        raise RecipeError(
            f"policy {path}: {explained(error)}; known keys: {', '.join(MathPolicy.model_fields)}"
        ) from error


def grade_math_lines(source: Path, out: Path, limits: GradeMath, *, workers: int) -> Report:
    """Grade the responses and answers of a file: see `grade_lines` for what is raised and kept.

    Args:
        source: `MathLine`s.
        out: `MathResult`s, each with the id of its line.
        limits: Of one hard comparison, with the policy of all; OUT holds results of one such.
        workers: Hard comparisons at the same time.
    """
    return grade_lines(source, out, MathLineGrader(limits, workers), workers=workers)
