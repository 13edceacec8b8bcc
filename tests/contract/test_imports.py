"""Who may import whom, and how light the front is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch",
    "vllm",
    "transformers",
    "deepspeed",
    "sympy",
    "datasets",
    "ray",
    "numba",
    "matplotlib",
    "starlette",
    "uvicorn",
)


def test_import_directions_hold(project: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("module", ["pipelines", "retort.command"])
def test_the_front_is_light(module: str) -> None:
    program = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert [name for name in HEAVY if name in loaded] == []
