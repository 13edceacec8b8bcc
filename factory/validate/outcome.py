"""What a model's graded candidates come to: answers and metrics per suite and overall."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.grade.math.compare import spelling
from factory.grade.number_text import number_spelling
from factory.grade.text import normalise_text
from factory.parts import read_parts
from factory.validate.asked import suite_of
from factory.validate.metrics import Answer, Answers, Estimate, metrics
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.problem import GraderName
from schemas.recipe import Suite
from schemas.verdict import Status

OVERALL: Final = "all"
"""The overall row: every problem of every suite counts once, so a large suite weighs more."""

_VOTES: Final[dict[str, Callable[[str], str]]] = {
    GraderName.MATH: spelling,
    GraderName.CHOICE: str.strip,
    GraderName.TEXT: normalise_text,
    GraderName.EXACT: str.strip,
    GraderName.NUMBER: number_spelling,
}
"""How an answer is spelled as a vote; answers to other graders are not votes: programs, formats,
languages, puzzles with many solutions, and what graders of other packages read. Equal answers in
other spellings than these rules know are other votes."""

_ANSWERED: Final = frozenset({Status.CORRECT, Status.INCORRECT})
"""Verdicts on an answer; a cut or unreadable completion has no vote."""


def answers_by_suite(out_dir: Path, drawn: Mapping[str, int]) -> dict[str, list[Answers]]:
    """Per suite the answers to its problems, in the order in which they were asked.

    Args:
        drawn: Suite -> candidates that were asked for per problem.
    """
    given: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(out_dir, "verdicts", VERDICT, ["problem_id", "index", "status", "extracted"]):
        given[row["problem_id"]].append(row)
    found: dict[str, list[Answers]] = defaultdict(list)
    for problem in _rows(out_dir, "problems", PROBLEM, ["problem_id", "grader"]):
        spell = _VOTES.get(problem["grader"])
        rows = sorted(given[problem["problem_id"]], key=lambda row: row["index"])
        answers = [
            Answer(
                correct=row["status"] == Status.CORRECT,
                vote=spell(row["extracted"]) if spell and row["status"] in _ANSWERED else "",
            )
            for row in rows
        ]
        suite = suite_of(problem["problem_id"])
        found[suite].append(Answers(drawn[suite], answers, spell is not None))
    return found


def _rows(out_dir: Path, kind: str, schema: pa.Schema, columns: list[str]) -> list[dict[str, Any]]:
    return read_parts(out_dir / kind, kind, schema).select(columns).to_pylist()


def by_suite(
    suites: Sequence[tuple[Suite, Path]], answers: dict[str, list[Answers]]
) -> dict[str, dict[str, Estimate]]:
    """Metrics per suite and overall."""
    found = {suite.name: metrics(answers[suite.name], suite.metric_k) for suite, _ in suites}
    shared = set.intersection(*(set(suite.metric_k) for suite, _ in suites))
    everything = metrics([one for each in answers.values() for one in each], sorted(shared))
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


def suite_figures(out_dir: Path) -> dict[str, Any]:
    """Per suite: verdicts by status, empty completions, completion tokens."""
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _rows(out_dir, "verdicts", VERDICT, ["problem_id", "status"]):
        statuses[suite_of(row["problem_id"])][row["status"]] += 1
    empty: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for row in _rows(out_dir, "candidates", CANDIDATE, ["problem_id", "text", "completion_tokens"]):
        suite = suite_of(row["problem_id"])
        empty[suite] += not row["text"].strip()
        tokens[suite] += row["completion_tokens"] or 0
    return {
        "suites": {
            suite: {
                "statuses": dict(sorted(counts.items())),
                "empty_completions": empty[suite],
                "completion_tokens": tokens[suite],
            }
            for suite, counts in sorted(statuses.items())
        }
    }
