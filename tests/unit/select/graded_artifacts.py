"""Small finished artifacts of collect, generate and grade, written by hand for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from factory.ledger import entry
from factory.parts import as_table, part_name, parts_digest, write_manifest, write_part
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.candidate import Candidate, FinishReason
from schemas.generate_settings import Generate, Prompt
from schemas.manifest import Manifest, PartFile
from schemas.problem import Domain, GraderName, Problem
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import CandidateVerdict, Status


@dataclass(frozen=True)
class Graded:
    """One candidate and its verdict, as far as a test cares."""

    problem_id: str
    index: int
    text: str
    status: Status = Status.CORRECT
    finish_reason: FinishReason = FinishReason.STOP
    tokens: int | None = 10
    round: int = 1
    rewrites: str | None = None
    verdict: dict[str, Any] = field(default_factory=dict)
    """Fields of the verdict that are not as usual."""

    @property
    def candidate_id(self) -> str:
        return f"{self.problem_id}-{self.index}" + ("-form" if self.rewrites else "")


def asked(prompt: Prompt | None = None, **fields: Any) -> Generate:
    """How the teacher was asked; other fields of `[generate]` by name."""
    teacher = OpenaiTeacher(engine="openai", model="unit-teacher", revision="abc")
    return Generate(teacher=teacher, prompt=prompt or Prompt(), **fields)


def problem(problem_id: str, **fields: Any) -> Problem:
    defaults: dict[str, Any] = {
        "problem_id": problem_id,
        "statement": f"How many is {problem_id}?",
        "gold": "4",
        "grader": GraderName.MATH,
        "domain": Domain.MATH,
        "source": "unit",
        "license": "MIT",
        "category": "",
        "level": "",
        "reasoning": True,
        "solution": "",
    }
    return Problem.model_validate(defaults | fields)


def candidate_row(one: Graded) -> dict[str, Any]:
    return Candidate(
        candidate_id=one.candidate_id,
        problem_id=one.problem_id,
        index=one.index,
        round=one.round,
        teacher="unit-teacher@abc",
        sampling_digest="s",
        prompt_digest="p",
        text=one.text,
        finish_reason=one.finish_reason,
        prompt_tokens=5,
        completion_tokens=one.tokens,
        seed=one.index,
        rewrites=one.rewrites,
        label=None,
        server="unit",
        engine="unit",
        created_unix_s=0.0,
        wall_s=None,
    ).model_dump(mode="json")


def verdict_row(one: Graded) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "candidate_id": one.candidate_id,
        "problem_id": one.problem_id,
        "index": one.index,
        "round": one.round,
        "status": one.status,
        "extracted": "4",
        "method": "string",
        "detail": "",
        "passed": None,
        "total": None,
        "wall_s": 0.0,
    }
    return CandidateVerdict.model_validate(fields | one.verdict).model_dump(mode="json")


def write_artifact(
    folder: Path,
    stage: str,
    kind: str,
    rows: Sequence[dict[str, Any]],
    schema: pa.Schema,
    *,
    rows_per_part: int = 4096,
    rows_in: int | None = None,
    drops: dict[str, int] | None = None,
) -> Path:
    """A finished artifact with one kind of parts."""
    parts: list[PartFile] = []
    for number, start in enumerate(range(0, max(len(rows), 1), rows_per_part)):
        table = as_table(rows[start : start + rows_per_part], schema)
        parts.append(write_part(folder, part_name(kind, number), table, made_from="test"))
    ledger = entry(stage, len(rows) if rows_in is None else rows_in, len(rows), drops or {})
    write_manifest(
        folder,
        Manifest(
            stage=stage,
            recipe="unit",
            key=f"key-{folder.name}",
            code_version=1,
            inputs={},
            parts=parts,
            digest=parts_digest(parts),
            ledger=ledger,
            figures={},
            created_unix_s=0.0,
            wall_s=0.0,
            versions={},
        ),
    )
    return folder


def write_problems(folder: Path, problems: Sequence[Problem]) -> Path:
    rows = [one.model_dump(mode="json") for one in problems]
    return write_artifact(folder, "collect", "problems", rows, PROBLEM)


def write_round(
    root: Path, number: int, graded: Sequence[Graded], *, rows_per_part: int = 4096
) -> tuple[Path, Path]:
    candidates, verdicts = (
        write_artifact(
            root / f"{stage}-{number}", stage, kind, rows, schema, rows_per_part=rows_per_part
        )
        for stage, kind, rows, schema in (
            ("generate", "candidates", [candidate_row(one) for one in graded], CANDIDATE),
            ("grade", "verdicts", [verdict_row(one) for one in graded], VERDICT),
        )
    )
    return candidates, verdicts
