"""Conversations that exist already: the answer that came with a problem is its one candidate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from factory.digest import candidate_id, digest
from factory.generate.plan import iter_problems
from schemas.candidate import GIVEN, FinishReason
from schemas.problem import Problem

_INDEX: Final = 0


def given_candidates(problems_dir: Path) -> Iterator[dict[str, Any]]:
    """Rows of `CANDIDATE` but for `round`, in the order of the problems; nothing is asked."""
    for problem in iter_problems(problems_dir):
        if problem.author:
            yield _row(problem)


def _row(problem: Problem) -> dict[str, Any]:
    sampling = digest({"given": problem.solution})
    prompt = digest({"history": problem.history, "statement": problem.statement})
    return {
        "candidate_id": candidate_id(problem.problem_id, _INDEX, problem.author, sampling, prompt),
        "problem_id": problem.problem_id,
        "index": _INDEX,
        "teacher": problem.author,
        "sampling_digest": sampling,
        "prompt_digest": prompt,
        "text": problem.solution,
        "finish_reason": FinishReason.UNKNOWN.value,
        "prompt_tokens": None,
        "completion_tokens": None,
        "seed": None,
        "rewrites": None,
        "label": None,
        "server": problem.source,
        "engine": GIVEN,
        "created_unix_s": 0.0,
        "wall_s": None,
    }
