"""`DistillAll` on recipes/gpu-smoke.toml with vLLM and DeepSpeed on a GPU: `make test-gpu`.

Written, not yet run on a GPU.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.recipe_file import load_recipe
from tests.pipeline.conftest import Place

pytestmark = pytest.mark.gpu

RECIPE = "recipes/gpu-smoke.toml"
TIMEOUT_S = 3600


@pytest.fixture(scope="module")
def gpus() -> int:
    """GPUs that torch sees; the tests skip, visibly, where there is none."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        if os.environ.get("RETORT_NO_SKIPS"):
            pytest.fail(f"torch {torch.__version__} sees no GPU")
        pytest.skip(f"torch {torch.__version__} sees no GPU")
    return torch.cuda.device_count()


@pytest.fixture(scope="module")
def finished(gpus: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where the whole path has run."""
    place = Place(tmp_path_factory.mktemp("gpu"))
    place.finish("DistillAll", RECIPE, timeout_s=TIMEOUT_S)
    yield place


def test_the_students_are_there_in_bfloat16(finished: Place) -> None:
    from safetensors import safe_open

    train = load_recipe(RECIPE).train
    assert train is not None
    students = [Path(folder) for folder in finished.summary()["students"]]
    assert len(students) == sum(one.learns_from == "accepted" for one in train.students)
    for student in students:
        assert json.loads((student / "config.json").read_text())["dtype"] == "bfloat16"
        with safe_open(student / "model.safetensors", "np") as weights:
            kinds = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
        assert kinds == {"BF16"}


def test_they_were_trained_on_the_gpus(finished: Place, gpus: int) -> None:
    jobs = [
        json.loads((folder / "work" / "job.json").read_text())
        for folder in finished.artifacts("train")
    ]
    assert jobs
    for job in jobs:
        assert (job["device"], job["precision"], job["ranks"]) == ("cuda", "bfloat16", gpus)
        assert job["zero_stage"] == 2


def test_every_model_has_its_scores_and_the_teacher_is_the_best_start(finished: Place) -> None:
    scores = finished.summary()["scores"]
    assert all(0.0 <= one["value"] <= 1.0 for one in scores)
    overall = [one for one in scores if (one["suite"], one["metric"]) == ("all", "pass@1")]
    assert {one["role"] for one in overall} == {"base", "teacher", "student", "control"}
    teacher = next(one["value"] for one in overall if one["role"] == "teacher")
    bases = [one["value"] for one in overall if one["role"] == "base"]
    assert teacher > max(bases), "the teacher writes nonsense: look at the servers' logs"


def test_the_ledger_adds_up(finished: Place) -> None:
    for one in finished.summary()["ledger"]:
        assert one["rows_in"] == one["rows_out"] + sum(one["drops"].values())


def test_a_second_run_does_nothing(finished: Place) -> None:
    before = finished.times()
    assert "is complete" in finished.finish("DistillAll", RECIPE)
    assert finished.times() == before
