"""The votes of a round: its candidates read once before they are graded, answers kept, not texts.

The votes are a part of their own beside the verdicts (`votes-00000`), so that a stage that is
killed and started again goes by the same ones, and a later round or a rewriting finds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from factory.digest import digest
from factory.errors import ManifestMismatch
from factory.grade.contract import Item
from factory.grade.majority import MajorityGrader
from factory.grade.vote import Vote
from factory.parts import (
    as_table,
    iter_columns,
    iter_parts,
    kept_part,
    part_name,
    read_manifest,
    read_part,
    write_part,
)
from factory.shown.progress import progress
from schemas.candidate import FinishReason
from schemas.manifest import PartFile
from schemas.problem import GraderName, Problem

VOTES: Final = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("answer", pa.large_string(), nullable=False),
        pa.field(
            "members",
            pa.list_(pa.field("element", pa.large_string(), nullable=False)),
            nullable=False,
        ),
        pa.field("votes", pa.int32(), nullable=False),
        pa.field("total", pa.int32(), nullable=False),
    ]
)
_READ: Final = ["candidate_id", "problem_id", "text", "finish_reason", "rewrites"]


def votes_before(folders: Sequence[Path]) -> dict[str, Vote]:
    """The votes of finished artifacts of `grade`, by problem."""
    return {
        row["problem_id"]: _vote(row)
        for folder in folders
        for table in iter_parts(folder, "votes", VOTES)
        for row in table.to_pylist()
    }


def count_votes(
    candidates_dir: Path,
    problems: Mapping[str, Problem],
    grader: MajorityGrader,
    *,
    before: Mapping[str, Vote],
    out_dir: Path,
    made_from: str,
) -> tuple[PartFile, dict[str, Vote]]:
    """The part with the votes on the round's problems without gold, and the votes by problem.

    A part that is there already and valid is kept.

    Raises:
        ManifestMismatch: A rewritten candidate answers a problem that nobody voted on before.
    """
    name = part_name("votes", 0)
    kept = kept_part(out_dir, name, made_from=digest(["votes", made_from]))
    if kept is None:
        votes = grader.count(_voters(candidates_dir, problems, before), before)
        rows = as_table((_row(problem, vote) for problem, vote in votes.items()), VOTES)
        kept = write_part(out_dir, name, rows, made_from=digest(["votes", made_from]))
    table = read_part(out_dir, kept, VOTES)
    return kept, {row["problem_id"]: _vote(row) for row in table.to_pylist()}


def _voters(
    candidates_dir: Path, problems: Mapping[str, Problem], before: Mapping[str, Vote]
) -> Iterator[Item]:
    """The candidates of problems without gold, part by part."""
    rows_in_all = read_manifest(candidates_dir).ledger.rows_out
    with progress("vote", rows_in_all, "candidates") as bar:
        for table in iter_columns(candidates_dir, "candidates", _READ):
            for row in table.to_pylist():
                problem = problems.get(row["problem_id"])
                if problem is None or problem.grader is not GraderName.MAJORITY:
                    continue
                if row["rewrites"] is not None and problem.problem_id not in before:
                    raise ManifestMismatch(
                        f"{candidates_dir}: candidate {row['candidate_id']} is a rewritten form, "
                        f"expected a vote on problem {problem.problem_id} in the round that it "
                        f"was drawn in, found none; delete the folders of grade and run again"
                    )
                yield Item(problem, row["text"], FinishReason(row["finish_reason"]))
            bar.update(table.num_rows)


def _row(problem_id: str, vote: Vote) -> dict[str, Any]:
    return {
        "problem_id": problem_id,
        "answer": vote.answer,
        "members": sorted(vote.members),
        "votes": vote.votes,
        "total": vote.total,
    }


def _vote(row: Mapping[str, Any]) -> Vote:
    return Vote(row["answer"], frozenset(row["members"]), row["votes"], row["total"])
