"""The stage `grade` with several workers: mathematics in processes, programs in containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.grade import stage, verdict_parts
from factory.grade.stage import grade_candidates
from factory.ledger import entry
from factory.parts import read_part
from sandboxes import SandboxPool
from schemas.arrow import VERDICT
from schemas.grade_settings import Grade, GradeCode
from schemas.machine import Machine, Sandbox
from tests.sandbox.test_grader import ANSWERS, GOLD
from tests.unit.grade.test_grade_stage import candidate, candidates, collected, problem


def test_workers_grade_as_one_does(
    pool: SandboxPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_ROWS_PER_WORKER", 1)
    monkeypatch.setattr(verdict_parts, "_ROWS", 5)
    monkeypatch.setattr(verdict_parts, "_ROWS_IN_SANDBOX", 4)
    problems = collected(
        tmp_path / "collect",
        [problem("code/0", GOLD, "code"), problem("s/0", r"\sqrt{12}"), problem("s/1", "(x+1)^2")],
    )
    rows: list[dict[str, Any]] = []
    for index, program in enumerate(ANSWERS):
        rows += [
            candidate("code/0", index, program),
            candidate("s/0", index, rf"\boxed{{2\sqrt{{{index}}}}}"),
            candidate("s/1", index, rf"\boxed{{x^2+2x+{index}}}"),
        ]
    drawn = candidates(tmp_path / "generate", [rows[:13], rows[13:14], rows[14:]])
    found: list[list[dict[str, Any]]] = []
    for workers in (1, 2):
        out = tmp_path / f"grade-{workers}"
        result = grade_candidates(
            problems,
            drawn,
            Grade(code=GradeCode(wall_s=3, cpu_s=1)),
            machine=Machine(workers=workers, sandbox=Sandbox(slots=2)),
            out_dir=out,
            key="k",
        )
        assert result.ledger == entry("grade", len(rows), len(rows), {})
        assert not (out / ".scratch").exists()
        found.append(
            [row for part in result.parts for row in read_part(out, part, VERDICT).to_pylist()]
        )
    for row in (*found[0], *found[1]):
        del row["wall_s"]
    assert found[0] == found[1]
    assert [row["candidate_id"] for row in found[0]] == [row["candidate_id"] for row in rows]
    programs = [row["status"] for row in found[0] if row["problem_id"] == "code/0"]
    assert programs == list(ANSWERS.values())
    correct = {row["candidate_id"] for row in found[0] if row["status"] == "correct"}
    assert {"s/0-3", "s/1-1"} <= correct
