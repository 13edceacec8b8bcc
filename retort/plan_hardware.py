"""What this machine's GPUs and disk lack for a run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Final

from factory.plan.models import TRAIN_BYTES_PER_PARAMETER, size_of
from factory.plan.run_plan import Plan
from factory.recipe_file import resolve_plain
from retort.plan_lack import Lack, missing
from schemas.machine import Machine

_QUERY_TIMEOUT_S: Final = 20.0


def lacking_gpus(plan: Plan) -> Iterator[Lack]:
    """GPU memory that falls short of the weights of a model that is served here."""
    memory = gpu_memory_bytes()
    found = f"{len(memory)} GPUs with {sum(memory) / 1e9:.0f} GB" if memory else "no GPU"
    for name, gpus in {one.model: one.gpus for one in plan.asked if one.engine == "vllm"}.items():
        size = size_of(name)
        if size is not None and sum(memory) < size.weight_bytes:
            yield missing(
                f"GPU memory for {name}: its weights are {size.weight_bytes / 1e9:,.0f} GB, found "
                f"{found}",
                f"a machine with {gpus} x 80 GB or more, or the model behind endpoints",
            )
    if plan.taught and not memory and any(one.tokens_per_s for one in plan.taught):
        yield missing("a GPU for training", "train on a machine with GPUs (docs/gpu.md)")
    for name in dict.fromkeys(one.base for one in plan.taught if memory):
        size = size_of(name)
        if size is not None and sum(memory) < size.parameters * TRAIN_BYTES_PER_PARAMETER:
            needed = size.parameters * TRAIN_BYTES_PER_PARAMETER
            yield missing(
                f"GPU memory to train {name}: about {needed / 1e9:,.0f} GB over all GPUs, found "
                f"{found}",
                "train on a machine with more (docs/gpu.md), or a smaller base",
            )


def gpu_memory_bytes() -> list[int]:
    """Memory of each GPU as its driver says it; empty where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    done = subprocess.run(
        [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=_QUERY_TIMEOUT_S,
        check=False,
    )
    lines = done.stdout.split("\n") if done.returncode == 0 else []
    return [int(line) * 1024 * 1024 for line in lines if line.strip().isdecimal()]


def lacking_disk(machine: Machine, plan: Plan) -> Iterator[Lack]:
    """Disk that falls short of what the run is expected to write."""
    place = resolve_plain(machine.paths.artifacts)
    while not place.exists():
        place = place.parent
    free, needed = shutil.disk_usage(place).free, sum(plan.disk_bytes.values())
    if free < needed:
        yield missing(
            f"disk: about {needed / 1e9:,.0f} GB are needed, {free / 1e9:,.0f} GB are free at "
            f"{place}",
            "free some, or set paths.artifacts in the machine file",
        )
