"""A finished artifact of `collect`, as the generation stage reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.parts import as_table, write_manifest, write_part
from schemas.arrow import CANDIDATE, PROBLEM, VERDICT
from schemas.manifest import LedgerEntry, Manifest, PartFile
from schemas.problem import Domain, GraderName, Problem
from schemas.verdict import Status


def problem(number: int, *, reasoning: bool = True) -> Problem:
    return Problem(
        problem_id=f"sums/{number}",
        statement=f"What is {number} + {number}?",
        gold=str(2 * number),
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source="sums",
        license="MIT",
        category="",
        level="",
        reasoning=reasoning,
        solution="",
    )


def problems_folder(folder: Path, problems: Sequence[Problem]) -> Path:
    table = as_table([one.model_dump(mode="json") for one in problems], PROBLEM)
    part = write_part(folder, "problems-00000.parquet", table, made_from="test")
    return _finish(folder, "collect", [part])


def earlier_round(
    folder: Path,
    statuses: Sequence[tuple[str, Status]],
    tokens: int | None = 10,
    engine: str = "test",
) -> tuple[Path, Path]:
    """The finished artifacts of a round: each problem's candidates in the order given."""
    count: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for number, (problem_id, _) in enumerate(statuses):
        rows.append(
            {
                "candidate_id": f"{number:032x}",
                "problem_id": problem_id,
                "index": count[problem_id],
                "round": 1,
                "teacher": "tiny@1",
                "sampling_digest": "s",
                "prompt_digest": "p",
                "text": "x" * 40,
                "finish_reason": "stop",
                "completion_tokens": tokens,
                "server": "",
                "engine": engine,
                "created_unix_s": 0.0,
            }
        )
        count[problem_id] += 1
    generated = folder / "generate"
    name = "candidates-00000.parquet"
    part = write_part(generated, name, as_table(rows, CANDIDATE), made_from="test")
    return _finish(generated, "generate", [part]), verdicts_folder(folder / "grade", statuses)


def verdicts_folder(folder: Path, statuses: Sequence[tuple[str, Status]]) -> Path:
    rows = [
        {
            "candidate_id": f"{number:032x}",
            "problem_id": problem_id,
            "index": number,
            "round": 1,
            "status": status.value,
            "extracted": "",
            "method": "string",
            "detail": "",
            "passed": None,
            "total": None,
            "wall_s": 0.0,
        }
        for number, (problem_id, status) in enumerate(statuses)
    ]
    part = write_part(folder, "verdicts-00000.parquet", as_table(rows, VERDICT), made_from="test")
    return _finish(folder, "grade", [part])


def _finish(folder: Path, stage: str, parts: list[PartFile]) -> Path:
    rows = sum(part.rows for part in parts)
    manifest = Manifest(
        stage=stage,
        recipe="test",
        key="0" * 12,
        code_version=1,
        inputs={},
        parts=parts,
        digest="",
        ledger=LedgerEntry(stage=stage, rows_in=rows, rows_out=rows),
        figures={},
        created_unix_s=0.0,
        wall_s=0.0,
        versions={},
    )
    write_manifest(folder, manifest)
    return folder
