"""One problem followed through every stage of a run: what was asked, and what became of it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts, artifacts_of, frames
from factory.audit.counts import DROPPED_FILES
from factory.audit.dataset_problem import (
    Rows,
    clusters_of,
    dataset_rows,
    numbered_rows,
    problem_rows,
    published_rows,
)
from factory.errors import InputFileError
from factory.parts import parts_of
from schemas.ledger import CandidatePath, Fate, ProblemPath
from schemas.run import Run
from schemas.sample import Drop

_NEAR: Final = 5
_LOOKED_AT: Final = 200
_GRAM: Final = 3


def problem_path(run: Run, problem_id: str) -> ProblemPath:
    """Every trace that a problem left in the artifacts of a run; texts are whole.

    Raises:
        InputFileError: The run has no problem of that id; near ones are named.
        ManifestMismatch: An artifact is missing or not whole.
    """
    found = artifacts_of(run)
    problems = _of_problem(found.collect, "problems", problem_id)
    rejected = _of_problem(found.collect, "rejected", problem_id)
    if not problems and not rejected:
        raise _unknown(found, run, problem_id)
    candidates = _candidates(found, problem_id)
    samples = _of_problem(found.select, "samples", problem_id)
    rates = _of_problem(found.select, "pass_rates", problem_id)
    fates = _fates(found, problem_id, samples)
    return ProblemPath(
        run=run.run,
        problem_id=problem_id,
        problem=problems[0] if problems else None,
        rejected=rejected,
        pass_rate=rates[0] if rates else None,
        candidates=[_with_fate(one, fates) for one in candidates],
        rows=published_rows(found.dataset, problem_id),
    )


def _of_problem(folder: Path, kind: str, problem_id: str) -> Rows:
    """The whole rows of a problem: only parts that have any are read beyond their ids."""
    rows: Rows = []
    for part in parts_of(folder, kind):
        rows += problem_rows(folder / part.path, problem_id)
    return rows


def _unknown(found: RunArtifacts, run: Run, problem_id: str) -> InputFileError:
    known = pl.concat(
        [
            *frames(found.collect, "problems", ["problem_id"]),
            *frames(found.collect, "rejected", ["problem_id"]),
        ]
    )["problem_id"].unique()
    near = near_ids(problem_id, known)
    hint = f"near ones: {', '.join(near)}" if near else f"the first one: {known.min()}"
    return InputFileError(
        f"problem {problem_id!r}: expected one of the {known.len():,} problems that run {run.run} "
        f"read, found none of that id; {hint}"
    )


def near_ids(wanted: str, known: pl.Series) -> list[str]:
    """The ids that resemble one most, best first.

    Args:
        known: Strings, each once.
    """
    grams = {wanted[start : start + _GRAM] for start in range(max(1, len(wanted) - _GRAM + 1))}
    score = sum(
        (known.str.contains(gram, literal=True).cast(pl.Int32) for gram in sorted(grams)),
        start=pl.zeros(known.len(), dtype=pl.Int32, eager=True),
    )
    frame = pl.DataFrame({"id": known, "score": score}).filter(pl.col("score") > 0)
    likely = frame.sort("score", "id", descending=[True, False])["id"].head(_LOOKED_AT).to_list()
    return get_close_matches(wanted, likely, n=_NEAR, cutoff=0.3) or likely[:_NEAR]


# -------------------------------------------------------------------------------------- candidates


def _candidates(found: RunArtifacts, problem_id: str) -> list[CandidatePath]:
    paths: list[CandidatePath] = []
    for number, (drawn, graded) in enumerate(found.rounds, start=1):
        verdicts = {row["candidate_id"]: row for row in _of_problem(graded, "verdicts", problem_id)}
        for row in _of_problem(drawn, "candidates", problem_id):
            verdict = verdicts.get(row["candidate_id"], {})
            paths.append(
                CandidatePath(
                    candidate_id=row["candidate_id"],
                    round=row["round"],
                    index=row["index"],
                    teacher=row["teacher"],
                    completion_tokens=row["completion_tokens"],
                    finish_reason=row["finish_reason"],
                    rewrites=row["rewrites"],
                    text=row["text"],
                    verdict=verdict.get("status", ""),
                    method=verdict.get("method", ""),
                    extracted=verdict.get("extracted", ""),
                    detail=verdict.get("detail", ""),
                    fates=[],
                )
            )
        for row in _of_problem(drawn, "failures", problem_id):
            fate = Fate(stage="generate", what=row["reason"], detail=row["detail"])
            paths.append(
                CandidatePath(
                    candidate_id=row["candidate_id"],
                    round=number,
                    index=row["index"],
                    fates=[fate],
                )
            )
    return sorted(paths, key=lambda one: (one.round, one.index, one.candidate_id))


def _with_fate(one: CandidatePath, fates: dict[str, list[Fate]]) -> CandidatePath:
    return one.model_copy(update={"fates": [*one.fates, *fates.get(one.candidate_id, [])]})


def _fates(found: RunArtifacts, problem_id: str, samples: Rows) -> dict[str, list[Fate]]:
    """What became of each candidate of a problem, in the order of the path."""
    fates: dict[str, list[Fate]] = {}

    def add(candidate: str, fate: Fate) -> None:
        fates.setdefault(candidate, []).append(fate)

    for row in _of_problem(found.select, "dropped", problem_id):
        fate = Fate(stage="select", what=row["reason"], detail=row["detail"])
        add(row["candidate_id"], fate)
    ends: dict[str, str] = {}
    for row in samples:
        ends[row["uuid"]] = row["made_of"][-1]
        if len(row["made_of"]) > 1:
            other = ", ".join(row["made_of"][:-1])
            what = f"ends journey {row['uuid']}, which begins with {other}"
            add(row["made_of"][-1], Fate(stage="select", what="journey", detail=what))
        else:
            add(row["made_of"][-1], Fate(stage="select", what="sample", detail=""))
    clusters = clusters_of(found.dataset, problem_id)
    for row in dataset_rows(found.dataset, DROPPED_FILES, problem_id):
        if row["stage"] == "shard":
            uuid: str = row["candidate_id"]
            near = clusters.get(uuid) if row["reason"] in _DUPLICATES else None
            fate = Fate(stage="shard", what=row["reason"], detail=near or row["detail"])
            add(ends.get(uuid, uuid), fate)
    columns = ["uuid", "made_of", "dedup_cluster_id", "contamination"]
    for number, row in numbered_rows(found.dataset, problem_id, columns):
        told = [f"row {number:,} as {row['uuid']}", clusters.get(row["uuid"])]
        if row["contamination"]:
            told.append(f"marked: {row['contamination']}")
        fate = Fate(stage="shard", what="published", detail="; ".join(filter(None, told)))
        add(row["made_of"][-1], fate)
    return fates


_DUPLICATES: Final = (Drop.EXACT_DUPLICATE.value, Drop.NEAR_DUPLICATE.value)
