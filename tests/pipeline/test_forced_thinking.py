"""Forced thinking on a real vLLM server with the embedded teacher, and the same drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.generate.stage import generate_candidates
from factory.generate.vllm_server import VllmServers
from factory.models import resolve_model
from factory.parts import read_part
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Machine
from schemas.teacher_settings import VllmTeacher
from schemas.validate_settings import BudgetForcing
from tests.unit.generate.problems_artifact import problem, problems_folder

TEACHER = VllmTeacher(engine="vllm", model="embedded:teacher", max_model_len=512, dtype="float32")
GENERATE = Generate(teacher=TEACHER, candidates=4, sampling=Sampling(max_tokens=400))
CAP = BudgetForcing(max_thinking_tokens=12)
WAITS = BudgetForcing(max_thinking_tokens=300, waits=2, wait=" [again] ")


@pytest.mark.soak
def test_a_real_model_is_cut_short_and_made_to_go_on(tmp_path: Path) -> None:
    machine = Machine()
    problems = problems_folder(tmp_path / "problems", [problem(n) for n in range(20, 32)])
    servers = VllmServers(
        TEACHER, machine.vllm, resolve_model("embedded:teacher"), tmp_path / "logs"
    )

    def drawn(
        name: str, budget: BudgetForcing | None, store: str = "store"
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        out = tmp_path / name
        result = generate_candidates(
            problems,
            [],
            GENERATE,
            round=1,
            seed=3,
            machine=machine,
            store=tmp_path / f"{store}.sqlite",
            out_dir=out,
            key="k",
            servers=running,
            budget=budget,
        )
        assert result.ledger.drops == {}
        rows = [row for part in result.parts for row in read_part(out, part, CANDIDATE).to_pylist()]
        assert len(rows) == 48
        return rows, result.figures

    with servers as running:
        free, _ = drawn("free", None)
        short, figures = drawn("short", CAP)
        long, _ = drawn("long", WAITS)
        again, _ = drawn("again", CAP, "another")

    assert figures["completion_tokens"] == sum(row["completion_tokens"] for row in short)
    forced = [row for row in short if "\n</think>\n\n" in row["text"]]
    assert len(forced) > 24, "most thoughts were longer than the cap"
    assert all(row["text"].count("</think>") == 1 for row in short)
    assert any("\\boxed" in row["text"].partition("</think>")[2] for row in short), "it answers"
    waited = [row for row in long if row["text"].partition("</think>")[0].count("[again]") == 2]
    assert len(waited) > 40, "few reach the cap or end inside their thinking"
    assert all(row["completion_tokens"] <= 400 for row in long)
    assert mean(short) < mean(free) < mean(long)
    assert [row["text"] for row in again] == [row["text"] for row in short]
    assert not {row["candidate_id"] for row in free} & {row["candidate_id"] for row in short}


def mean(rows: list[dict[str, Any]]) -> float:
    return sum(row["completion_tokens"] for row in rows) / len(rows)
