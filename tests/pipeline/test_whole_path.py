"""`DistillAll` on recipes/tiny.toml, with real parts: vLLM, Docker, sympy, DeepSpeed.

The tests share one place and stand in the order of the path: the run is killed with SIGKILL in
every stage but validation, which `test_killed_validation.py` kills, is started again each time, and
must end as if nothing had happened.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import Place

TINY = "recipes/tiny.toml"


def stored(place: Place) -> dict[bytes, float]:
    """Ids of the candidates in the store, and when each was written."""
    file = place.folder / "artifacts" / "candidates.sqlite"
    if not file.exists():
        return {}
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
            return dict(store.execute("SELECT id, created_unix_s FROM candidates"))
    except sqlite3.OperationalError:
        return {}


def checkpointed(place: Place) -> bool:
    return any(list(one.rglob("*.pt")) for one in place.artifacts("train"))


MOMENTS: dict[str, Callable[[Place, int], bool]] = {
    "collect": lambda place, _: place.unfinished("collect"),
    "generate, some candidates stored": lambda place, before: len(stored(place)) > before,
    "grade": lambda place, _: place.unfinished("grade"),
    "select": lambda place, _: bool(place.artifacts("select")),
    "shard": lambda place, _: bool(place.artifacts("shard")),
    "train, at a checkpoint": lambda place, _: checkpointed(place),
}
"""When to kill, from the place and the number of candidates stored before."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_with_sigkill_it_leaves_nothing_running_and_loses_no_candidate(
    shared_place: Place, moment: str
) -> None:
    before = stored(shared_place)
    shared_place.kill_when("DistillAll", TINY, lambda: MOMENTS[moment](shared_place, len(before)))
    after = stored(shared_place)
    assert before.items() <= after.items(), "a stored candidate was lost or drawn again"


def test_it_runs_to_its_end_and_the_ledger_adds_up(shared_place: Place) -> None:
    before = stored(shared_place)
    output = shared_place.finish("DistillAll", TINY)
    assert before.items() <= stored(shared_place).items()
    summary = shared_place.summary()
    ledger = {one["stage"]: one for one in summary["ledger"]}
    for one in ledger.values():
        assert one["rows_in"] == one["rows_out"] + sum(one["drops"].values())
    assert ledger["generate"]["rows_out"] == ledger["grade"]["rows_in"]
    assert ledger["grade"]["rows_in"] == ledger["grade"]["rows_out"] == ledger["select"]["rows_in"]
    assert ledger["select"]["rows_out"] == ledger["shard"]["rows_in"]
    assert ledger["shard"]["rows_out"] == summary["dataset"]["rows"] > 0
    assert ledger["train:tiny-qwen2"]["rows_in"] == summary["dataset"]["rows"]
    assert ledger["train:tiny-qwen2"]["rows_out"] > ledger["train:tiny-qwen2"]["drops"]["held_out"]
    assert ledger["control"]["rows_in"] == ledger["grade"]["rows_out"]
    assert ledger["control"]["rows_out"] == ledger["train:tiny-control"]["rows_in"]
    assert ledger["control"]["rows_out"] == summary["dataset"]["rows"]
    assert len(summary["students"]) == 2, "the control is no student"
    assert ledger["select"]["drops"].get("incorrect", 0) > 0, "the teacher is never wrong?"
    assert "retort summary" in output


def test_every_model_has_its_scores(shared_place: Place) -> None:
    scores = shared_place.summary()["scores"]
    overall = {
        (s["model"], s["role"]): s for s in scores if (s["suite"], s["metric"]) == ("all", "pass@1")
    }
    assert {role for _, role in overall} == {"base", "teacher", "student", "control"}
    assert len(overall) == 6
    assert {s["arch"] for s in scores} == {"qwen2", "llama"}
    assert all(0.0 <= s["value"] <= 1.0 for s in scores)
    assert all(s["n"] == 10 for s in overall.values())


def test_every_student_is_compared_with_its_base_its_control_and_the_teacher(
    shared_place: Place,
) -> None:
    summary = shared_place.summary()
    found = {
        (one["model"], one["other_role"]): one
        for one in summary["comparisons"]
        if one["suite"] == "all"
    }
    roles = [(model.removeprefix("tiny-"), role) for model, role in found]
    assert sorted(roles) == [
        *(("llama", "base"), ("llama", "teacher")),
        *(("qwen2", "base"), ("qwen2", "control"), ("qwen2", "teacher")),
    ]
    value = {(s["model"], s["suite"], s["metric"]): s["value"] for s in summary["scores"]}
    for (model, _), one in found.items():
        by_hand = value[model, "all", "pass@1"] - value[one["other"], "all", "pass@1"]
        assert abs(one["difference"] - by_hand) < 1e-9
        assert 0.0 < one["p_value"] <= 1.0
        assert one["low"] <= one["difference"] <= one["high"]


def test_the_card_of_every_student_has_its_scores(shared_place: Place) -> None:
    summary = shared_place.summary()
    value = {(s["model"], s["suite"], s["metric"]): s["value"] for s in summary["scores"]}
    for folder in map(Path, summary["students"]):
        card = (folder / "README.md").read_text(encoding="utf-8")
        name = card.split("\n# ")[1].splitlines()[0]
        row = next(line for line in card.splitlines() if line.startswith("| all | pass@1 |"))
        assert f"| {100 * value[name, 'all', 'pass@1']:.1f}% ±" in row
        assert "evaluation loss, before and after" in card
        assert summary["dataset"]["digest"] in card
        assert str(shared_place.folder) not in card
        parts = json.loads((folder.parent / "manifest.json").read_text())["parts"]
        assert "model/README.md" not in {part["path"] for part in parts}


def test_a_second_run_does_nothing(shared_place: Place) -> None:
    before, begun = shared_place.times(), time.monotonic()
    output = shared_place.finish("DistillAll", TINY)
    assert shared_place.times() == before
    assert "is complete" in output
    print(f"a second run took {time.monotonic() - begun:.1f} s")


def test_the_same_candidates_give_the_same_dataset(shared_place: Place) -> None:
    first = shared_place.summary()["dataset"]
    candidates = stored(shared_place)
    for folder in (
        "artifacts/generate",
        "artifacts/grade",
        "artifacts/select",
        "artifacts/shard",
        "datasets",
    ):
        shutil.rmtree(shared_place.folder / folder)
    shared_place.finish("BuildDataset", TINY)
    assert shared_place.summary()["dataset"] == first
    assert stored(shared_place) == candidates


def test_the_dataset_loads_and_the_students_can_be_read(
    shared_place: Place, tmp_path: Path
) -> None:
    shared_place.finish("DistillAll", TINY)
    summary = shared_place.summary()
    program = (
        "import sys, json, datasets, transformers\n"
        "rows = datasets.load_dataset(sys.argv[1], split='train')\n"
        "models = [transformers.AutoModelForCausalLM.from_pretrained(p) for p in sys.argv[2:]]\n"
        "print(json.dumps([len(rows), rows[0]['messages'][-1]['role'],\n"
        "                  [m.config.model_type for m in models]]))\n"
    )
    done = subprocess.run(
        [shared_place.python, "-c", program, summary["dataset"]["path"], *summary["students"]],
        env={**os.environ, "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, role, kinds = json.loads(done.stdout.splitlines()[-1])
    assert rows == summary["dataset"]["rows"]
    assert role == "assistant"
    assert sorted(kinds) == ["llama", "qwen2"]
