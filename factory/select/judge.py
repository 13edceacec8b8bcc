"""One part of candidates with its verdicts -> one small row per candidate, without texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from factory.errors import ManifestMismatch
from factory.problems import read_problems
from factory.select.rows import EVIDENCE, read_pair
from factory.select.rules import Case, first_drop
from schemas.candidate import FinishReason
from schemas.manifest import PartFile
from schemas.problem import GraderName, Problem
from schemas.recipe import Select
from schemas.sample import Drop
from schemas.verdict import Status

JUDGED: Final = pl.Schema(
    {
        "candidate_id": pl.String(),
        "problem_id": pl.String(),
        "source": pl.String(),
        "domain": pl.String(),
        "category": pl.String(),
        "author": pl.String(),
        "rewrites": pl.String(),
        "tokens": pl.Int64(),
        "status": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "chars": pl.Int64(),
        **EVIDENCE,
    }
)
"""`reason` is null where every rule keeps the candidate."""

_DETAIL_CHARS: Final = 300


@dataclass(frozen=True)
class Pair:
    """A part of candidates and the part of their verdicts: same rows, same order."""

    problems_dir: Path
    candidates_dir: Path
    candidates: PartFile
    verdicts_dir: Path
    verdicts: PartFile
    select: Select


@lru_cache(maxsize=2)
def problems_of(problems_dir: Path, digest: str) -> dict[str, Problem]:
    """The admitted problems by id; `digest` is that of the manifest, so that nothing goes stale."""
    return read_problems(problems_dir)


def judge(pair: Pair, problems: dict[str, Problem]) -> pl.DataFrame:
    """One row of `JUDGED` per candidate, in the order of the part.

    Raises:
        ManifestMismatch: The two parts do not hold the same candidates, a problem is unknown, or a
            verdict is `infra`, which no finished artifact holds.
    """
    candidates, verdicts = read_pair(
        pair.candidates_dir, pair.candidates, pair.verdicts_dir, pair.verdicts
    )
    where = f"{pair.verdicts_dir / pair.verdicts.path}"
    rows: list[dict[str, Any]] = []
    for candidate, verdict in zip(candidates.to_pylist(), verdicts.to_pylist(), strict=True):
        problem = problems.get(candidate["problem_id"])
        if problem is None:
            raise ManifestMismatch(
                f"{where}: problem {candidate['problem_id']} of candidate "
                f"{candidate['candidate_id']} is not among the admitted problems; delete the "
                f"folders of generate and grade and run again"
            )
        rows.append(_row(candidate, verdict, problem, pair.select, where))
    return pl.DataFrame(rows, schema=JUDGED)


def _row(
    candidate: dict[str, Any],
    verdict: dict[str, Any],
    problem: Problem,
    select: Select,
    where: str,
) -> dict[str, Any]:
    status = Status(verdict["status"])
    by_judge = problem.grader is GraderName.JUDGE
    by_vote = problem.grader is GraderName.MAJORITY
    dropped: tuple[Drop, str] | None
    if status is Status.CORRECT:
        case = Case(
            statement=problem.statement,
            gold=verdict["extracted"] if by_vote else problem.gold,
            domain=problem.domain,
            reasoning=problem.reasoning,
            text=candidate["text"],
            finish_reason=FinishReason(candidate["finish_reason"]),
            tokens=candidate["completion_tokens"],
        )
        dropped = first_drop(case, select)
    elif status is Status.INFRA:
        raise ManifestMismatch(
            f"{where}: candidate {candidate['candidate_id']} has the verdict `infra`, expected a "
            f"graded one; delete the folder of the verdicts and run again"
        )
    else:
        dropped = Drop(status.value), f"{verdict['method']}: {verdict['detail']}"
    return {
        "candidate_id": candidate["candidate_id"],
        "problem_id": problem.problem_id,
        "source": problem.source,
        "domain": problem.domain.value,
        "category": problem.category,
        "author": problem.author,
        "rewrites": candidate["rewrites"],
        "tokens": candidate["completion_tokens"],
        "status": status.value,
        "reason": dropped[0].value if dropped else None,
        "detail": dropped[1][:_DETAIL_CHARS] if dropped else "",
        "chars": len(candidate["text"]),
        "grader": str(problem.grader),
        "method": verdict["method"],
        "extracted": verdict["extracted"] if dropped is None else "",
        "passed": verdict["passed"],
        "total": verdict["total"],
        "evidence": verdict["detail"][:_DETAIL_CHARS] if by_judge and dropped is None else "",
    }
