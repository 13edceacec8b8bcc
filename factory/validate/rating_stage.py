"""candidates -> ratings: another model says how good each answer is, part by part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.digest import digest
from factory.grade.contract import answer_part
from factory.ledger import entry
from factory.parts import as_table, kept_part, parts_of, read_part, write_part
from factory.problems import read_problems
from factory.shown.progress import progress
from factory.spent import endpoint_rates, spend
from factory.validate.rating import FILE_NAME, RATING, Answered, Rating, RatingStore
from factory.validate.rating_asking import Rater
from factory.validate.rating_endpoints import endpoints_of
from factory.validate.rating_prompts import VERSION
from schemas.arrow import CANDIDATE
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.problem import Problem
from schemas.validate_settings import BestOf

_BATCH: Final = 256
"""Answers that are asked for at once: progress moves."""


def rate_candidates(
    problems_dir: Path,
    candidates_dir: Path,
    best_of: BestOf,
    *,
    machine: Machine,
    store: Path,
    out_dir: Path,
    key: str,
) -> StageResult:
    """One `ratings-NNNNN` per `candidates-NNNNN`: a row per candidate that has an answer.

    Parts that are there already and valid are kept. Ratings are kept in `ratings.sqlite` beside
    the candidate store, so that a killed stage asks only for what is missing. A candidate without
    an answer (empty, or cut inside its thinking) is not rated, and is a drop `no_answer` of the
    ledger.

    Raises:
        TeacherError, GraderError: As `Rater.rate_many`.
    """
    begun = time.monotonic()
    problems = read_problems(problems_dir)
    candidates = parts_of(candidates_dir, "candidates")
    rows_in = sum(part.rows for part in candidates)
    kept_in = RatingStore(store.with_name(FILE_NAME))
    parts: list[PartFile] = []
    unreadable = 0
    try:
        rater = Rater(best_of, machine, kept_in)
        with progress("ratings", rows_in, "candidates") as bar:
            for part in candidates:
                name = part.path.replace("candidates-", "ratings-", 1)
                made_from = digest([key, part.sha256, best_of, VERSION])
                made = kept_part(out_dir, name, made_from=made_from)
                if made is None:
                    rows: list[dict[str, Any]] = []
                    for batch in read_part(candidates_dir, part, CANDIDATE).to_batches(_BATCH):
                        rows += _rated(batch, problems, rater, best_of)
                        bar.update(batch.num_rows)
                    table = as_table(rows, RATING)
                    made = write_part(out_dir, name, table, made_from=made_from)
                else:
                    bar.update(part.rows)
                unreadable += read_part(out_dir, made, RATING)["mark"].null_count
                parts.append(made)
    finally:
        kept_in.close()
    rows_out = sum(part.rows for part in parts)
    spent = spend(
        endpoint_rates(endpoints_of(best_of, machine)),
        candidates=0,
        tokens=rater.completion_tokens,
        prompt_tokens=rater.prompt_tokens,
        wall_s=time.monotonic() - begun,
    )
    return StageResult(
        parts=parts,
        ledger=entry(
            "validate:ratings",
            rows_in,
            rows_out,
            {"no_answer": rows_in - rows_out} if rows_out < rows_in else {},
        ),
        figures={
            "by": best_of.by,
            "rater": rater.name,
            "rated": rows_out,
            "no_answer": rows_in - rows_out,
            "unreadable": unreadable,
            "asked": rater.asked,
            "spent": spent.model_dump(mode="json"),
        },
    )


def _rated(
    batch: pa.RecordBatch, problems: dict[str, Problem], rater: Rater, best_of: BestOf
) -> Iterator[dict[str, Any]]:
    asked: list[tuple[dict[str, Any], Answered]] = []
    for row in batch.to_pylist():
        answer = answer_part(row["text"], FinishReason(row["finish_reason"]))
        if answer is not None and (answer := answer.strip()):
            problem = problems[row["problem_id"]]
            asked.append((row, Answered(tuple(problem.history), problem.statement, answer)))
    ratings = rater.rate_many([one for _, one in asked])
    for (row, _), rating in zip(asked, ratings, strict=True):
        yield {
            "candidate_id": row["candidate_id"],
            "problem_id": row["problem_id"],
            "index": row["index"],
            "mark": rating.mark,
            "method": best_of.by,
            "detail": _detail(rating, best_of),
            "wall_s": rating.wall_s,
        }


def _detail(rating: Rating, best_of: BestOf) -> str:
    how = f"{VERSION} {rating.rater}" if best_of.by == "judge" else rating.rater
    return f"{how}: {rating.reason}" if rating.reason else how
