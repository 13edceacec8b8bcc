"""Who is compared with whom in a run."""

from __future__ import annotations

from pathlib import Path

from factory.recipe_file import load_recipe
from schemas.machine import Machine


def test_a_student_is_compared_with_its_base_the_teacher_and_the_control_of_its_base(
    tmp_path: Path,
) -> None:
    from pipelines.runs import DistillAll

    place = {name: str(tmp_path / name) for name in ("artifacts", "runs", "datasets")}
    machine = Machine.model_validate({"paths": place})
    run = DistillAll(recipe=load_recipe("recipes/tiny.toml"), machine=machine)
    found = [(one.student, other.role, other.student) for one, other in run.compared()]
    assert found == [
        ("tiny-qwen2", "base", "tiny-qwen2"),
        ("tiny-qwen2", "teacher", ""),
        ("tiny-qwen2", "control", "tiny-control"),
        ("tiny-llama", "base", "tiny-llama"),
        ("tiny-llama", "teacher", ""),
    ]
