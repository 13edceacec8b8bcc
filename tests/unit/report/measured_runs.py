"""A whole small run with a student: the data of `run_folders`, a training, and three models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from factory.parts import write_manifest
from factory.run_record import read_run
from schemas.manifest import LedgerEntry, Manifest
from schemas.run import StageRef
from schemas.score import Comparison, Score
from schemas.spent import Spent
from tests.unit.retort.run_folders import write_run

VALUES = {
    ("base", "embedded:base"): 0.25,
    ("student", "unit-student"): 0.5,
    ("control", "unit-control"): 0.375,
}


def measured_run(root: Path, *, suite: str = "sums", **spent: Any) -> Path:
    """The folder of the record."""
    write_run(root)
    folder = root / "runs" / "unit-1"
    stages = [
        _artifact(root, "train", "unit-student", _training()),
        *(
            _artifact(root, "validate", f"{role}:{model}", _suites(suite, role))
            for role, model in VALUES
        ),
    ]
    _log(Path(stages[0].path))
    run = read_run(folder)
    changed = run.model_copy(
        update={
            "target": "DistillAll",
            "stages": [*run.stages, *stages],
            "scores": [_score(*who, name) for name in (suite, "all") for who in VALUES],
            "comparisons": [comparison("all"), comparison(suite)],
            "spent": Spent(candidates=10, tokens=1000, prompt_tokens=50, wall_s=4.0, **spent),
        }
    )
    (folder / "run.json").write_text(changed.model_dump_json(), encoding="utf-8")
    return folder


def comparison(suite: str) -> Comparison:
    """The student beside its base."""
    return Comparison(
        **{"model": "unit-student", "role": "student", "other": "embedded:base"},
        **{"other_role": "base", "suite": suite, "metric": "pass@1"},
        **{"difference": 0.25, "stderr": 0.06, "low": 0.13, "high": 0.37, "p_value": 0.0004},
        **{"better": 9, "worse": 1, "n": 20},
    )


def _score(role: str, model: str, suite: str) -> Score:
    value = VALUES[role, model]
    return Score.model_validate(
        {
            **{"model": model, "role": role, "arch": "qwen2", "suite": suite, "metric": "pass@1"},
            **{"temperature": 0.6, "k": 8, "seed": 1, "value": value, "stderr": 0.05, "n": 20},
            **{"low": value - 0.09, "high": value + 0.1},
        }
    )


def _training() -> dict[str, Any]:
    return {
        **{"parameters": 1_772_480, "documents": 5321, "steps": 4, "tokens": 1_095_033},
        **{"first_loss": 0.2259, "final_loss": 0.1701, "first_eval_loss": 0.1984},
        **{"final_eval_loss": 0.1777, "tokens_per_s": 10_990.0, "memory_bytes": 1_389_211_648},
        **{"usage": {"cpu_s": 3.0, "cores": 2}},
    }


def _suites(suite: str, role: str) -> dict[str, Any]:
    level = {"Level 5": {"problems": 20, "value": 0.5, "stderr": 0.1}}
    figures = {
        **{"problems": 20, "candidates": 160, "failed": 3, "empty_completions": 5},
        **{"statuses": {"correct": 80, "incorrect": 73, "truncated": 7}, "truncated": 7},
        **{"without_think": 11, "unclosed_think": 13, "by_level": level, "by_category": {}},
        **{"tokens": {"mean": 410.4, "p10": 100, "p50": 399, "p90": 801, "max": 1024}},
        **{"tokens_correct": None, "tokens_not_correct": None},
    }
    return {"suites": {suite: figures}} if role == "student" else {}


def _artifact(root: Path, stage: str, of: str, figures: dict[str, Any]) -> StageRef:
    folder = root / "artifacts" / stage / f"unit-{of.replace(':', '-')}"
    key = of.replace(":", "-")
    entry = LedgerEntry(stage=f"{stage}:{of}", rows_in=3, rows_out=3)
    manifest = Manifest(
        **{"stage": stage, "recipe": "unit", "key": key, "code_version": 1, "inputs": {}},
        **{"parts": [], "digest": "d", "ledger": entry, "figures": figures},
        **{"created_unix_s": 0.0, "wall_s": 2.0, "versions": {"polars": "2.1.0"}},
    )
    write_manifest(folder, manifest)
    task = "TrainStudent" if stage == "train" else "ValidateModel"
    return StageRef(task=task, stage=stage, key=key, path=str(folder), wall_s=2.0)


def _log(folder: Path) -> None:
    lines: list[dict[str, float]] = [{"step": 0, "eval_loss": 0.1984}]
    lines += [
        {"step": step, "loss": 0.3 - step / 50, "lr": step / 1000, "grad_norm": 1.0}
        for step in (1, 2, 3, 4)
    ]
    lines.append({"step": 4, "eval_loss": 0.1777})
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
