"""What a model's graded candidates come to: answers and metrics per suite and overall."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from factory.parts import iter_columns
from factory.validate.asked import suite_of
from factory.validate.metrics import Answer, Answers, Estimate, metrics
from factory.validate.votes import has_votes, votes_of
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.validate_settings import Suite
from schemas.verdict import Status

OVERALL: Final = "all"
"""The overall row: every problem of every suite counts once, so a large suite weighs more."""

_NO_ANSWER: Final = frozenset({Status.UNPARSABLE, Status.TRUNCATED})
"""Verdicts on a completion that has no answer to vote with. One that was too hard to compare with
the gold in time has an answer."""


class _Given(NamedTuple):
    """One verdict, as far as metrics need it."""

    place: int
    """The candidate's index."""
    correct: bool
    answer: str
    """As it was extracted; empty where there is none, or where answers are not votes."""


def answers_by_problem(
    out_dir: Path, drawn: Mapping[str, int], grade: Grade, machine: Machine
) -> dict[str, Answers]:
    """Asked id -> the answers to it, in the order in which they were asked.

    Args:
        drawn: Suite -> candidates that were asked for per problem.

    Raises:
        GraderError: A worker of symbolic grading cannot be started.
    """
    graders = {
        row["problem_id"]: row["grader"]
        for table in iter_columns(out_dir / "problems", "problems", ["problem_id", "grader"])
        for row in table.to_pylist()
    }
    given = _given(out_dir, graders)
    voting = {
        problem: [one.answer for one in given[problem] if one.answer]
        for problem, grader in graders.items()
        if has_votes(grader)
    }
    votes = votes_of(voting, graders, grade, machine)
    return {
        problem: Answers(
            drawn[suite_of(problem)],
            [
                Answer(one.correct, votes[problem][one.answer] if one.answer else "")
                for one in sorted(given[problem])
            ],
            comparable=has_votes(grader),
        )
        for problem, grader in graders.items()
    }


def _given(out_dir: Path, graders: Mapping[str, str]) -> dict[str, list[_Given]]:
    """Part by part; answers that are no votes, such as programs, are not held."""
    given: dict[str, list[_Given]] = defaultdict(list)
    columns = ["problem_id", "index", "status", "extracted"]
    for table in iter_columns(out_dir / "verdicts", "verdicts", columns):
        for row in table.to_pylist():
            problem, status = row["problem_id"], row["status"]
            votes = has_votes(graders[problem]) and status not in _NO_ANSWER
            answer = row["extracted"] if votes else ""
            given[problem].append(_Given(row["index"], status == Status.CORRECT, answer))
    return given


def by_suite(
    suites: Sequence[tuple[Suite, Path]], answers: Mapping[str, Answers]
) -> dict[str, dict[str, Estimate]]:
    """Metrics per suite and overall."""
    of_suite: dict[str, list[Answers]] = defaultdict(list)
    for problem, one in answers.items():
        of_suite[suite_of(problem)].append(one)
    found = {suite.name: metrics(of_suite[suite.name], suite.metric_k) for suite, _ in suites}
    shared = set.intersection(*(set(suite.metric_k) for suite, _ in suites))
    everything = metrics(list(answers.values()), sorted(shared))
    common = set.intersection(*(set(one) for one in found.values()))
    found[OVERALL] = {metric: one for metric, one in everything.items() if metric in common}
    return found


def in_order(found: dict[str, dict[str, Estimate]]) -> list[tuple[str, str, Estimate]]:
    """By suite, the overall row last; pass@k before maj@k, each by k."""
    return [
        (suite, metric, one)
        for suite in sorted(found, key=lambda suite: (suite == OVERALL, suite))
        for metric, one in found[suite].items()
    ]
