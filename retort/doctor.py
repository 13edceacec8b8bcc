"""`retort doctor`: what this machine has and lacks for each stage, and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil

from factory.artifact import installed_versions
from factory.cluster.checked import check_cluster
from factory.cluster.nodes import shown
from factory.errors import ClusterError, MissingDependency
from factory.executor import cluster_of
from factory.models import EMBEDDED
from factory.recipe_file import data_root, resolve_plain
from sandboxes import CPP, SandboxError
from sandboxes.engine import check
from sandboxes.probe import NAMES, unenforced
from schemas.machine import Machine
from schemas.row import Row

GIB = 1024**3
MIN_FREE_BYTES = 5 * GIB
MIN_MEMORY_BYTES = 4 * GIB


class Finding(Row):
    """One thing that a stage stands on."""

    stage: str
    state: Literal["ok", "missing", "warning"]
    found: str
    remedy: str
    """Empty where nothing is to be done."""


def examine(machine: Machine) -> list[Finding]:
    """Every finding, in the order of the stages. Starts nothing and loads no heavy library; a Ray
    cluster is joined for a moment, by a process of its own."""
    return [
        *_machine(machine),
        *_packages("data stage", ("pyarrow", "polars", "sympy", "datasets", "luigi", "docker")),
        _data(),
        *_cluster(machine),
        *_sandbox(machine),
        *_packages("generate, validate", ("vllm",)),
        _embedded(),
        *_packages("train", ("torch", "transformers", "deepspeed")),
        _gpu(),
    ]


def _finding(stage: str, ok: bool, found: str, remedy: str, lacking: str = "missing") -> Finding:
    state = "ok" if ok else "warning" if lacking == "warning" else "missing"
    return Finding(stage=stage, state=state, found=found, remedy="" if ok else remedy)


def _machine(machine: Machine) -> list[Finding]:
    memory = psutil.virtual_memory().total
    place = resolve_plain(machine.paths.artifacts)
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return [
        _finding(
            "all",
            memory >= MIN_MEMORY_BYTES,
            f"Python {platform.python_version()}, {os.cpu_count()} cores, "
            f"{memory / GIB:.0f} GiB memory",
            f"the demonstration wants {MIN_MEMORY_BYTES // GIB} GiB of memory",
            "warning",
        ),
        _finding(
            "all",
            free >= MIN_FREE_BYTES,
            f"{free / GIB:.0f} GiB free for artifacts at {place}",
            "free some space, or set paths.artifacts in a machine file",
            "warning",
        ),
    ]


def _packages(stage: str, names: Sequence[str]) -> list[Finding]:
    versions = installed_versions()
    missing = [name for name in names if find_spec(name) is None]
    there = [
        f"{name} {versions.get(name) or versions.get(f'{name}-cpu', '')}".strip()
        for name in names
        if name not in missing
    ]
    found = ", ".join([*there, *(f"no {name}" for name in missing)])
    return [_finding(stage, not missing, found, "make setup, or make setup-gpu")]


def _data() -> Finding:
    root = data_root()
    return _finding(
        "collect",
        root.is_dir(),
        f"data at {root}" if root.is_dir() else f"no data at {root}",
        "recipes that say ${RETORT_DATA} need it: set RETORT_DATA to its folder",
        "warning",
    )


def _cluster(machine: Machine) -> list[Finding]:
    """What there is of the cluster; nothing where all work is done on this machine."""
    if machine.executor != "ray":
        return []
    try:
        nodes = check_cluster(cluster_of(machine))
    except (ClusterError, MissingDependency) as error:
        return [_finding("executor ray", False, "no Ray cluster to work on", f"{error}")]
    if not machine.ray.address:
        return [_finding("executor ray", True, "Ray is started on this machine for each run", "")]
    return [_finding("executor ray", True, f"{len(nodes)} nodes: {shown(nodes)}", "")]


_REMEDIES = {
    "memory": "let the kernel limit memory (cgroup controller `memory`; `docker info` warns)",
    "processes": "let the kernel limit processes (cgroup controller `pids`; `docker info` warns)",
    "cpu": "let the kernel assign cores (cgroup controller `cpuset`; `docker info` warns)",
}


def _sandbox(machine: Machine) -> list[Finding]:
    report = check(machine.sandbox.image)
    if not report.answers:
        return [_finding("grade code", False, "no Docker engine", report.problem)]
    engine = f"Docker {report.version}, runtimes {', '.join(report.runtimes)}"
    findings = [_finding("grade code", not report.missing, engine, "; ".join(report.missing))]
    if not report.missing:
        findings.append(_limits(machine))
    has_cpp = check(CPP.image).image_present
    findings.append(
        _finding(
            "grade code",
            has_cpp,
            f"{'an' if has_cpp else 'no'} image for C++",
            "programs in C++ need it: python -m sandboxes.image build cpp",
            "warning",
        )
    )
    scorers = machine.sandbox.scorers_image
    has_scorers = check(scorers).image_present
    findings.append(
        _finding(
            "grade procedural",
            has_scorers,
            f"{'an' if has_scorers else 'no'} image {scorers}",
            "puzzles of reasoning-gym need it: python -m sandboxes.image build scorers",
            "warning",
        )
    )
    return findings


def _limits(machine: Machine) -> Finding:
    """What a program tried in a container, and could not do."""
    try:
        broken = unenforced(machine.sandbox.image, machine.sandbox.runtime)
    except SandboxError as error:
        return _finding("grade code", False, "no container could be started", f"{error}")
    held = [name for name in NAMES if name not in broken]
    found = f"limits tried in a container: {', '.join(held)} hold" + "".join(
        f"; {name}: {what}" for name, what in broken.items()
    )
    other = "use Docker with its own seccomp profile and cgroups"
    remedy = "; ".join(dict.fromkeys(_REMEDIES.get(name, other) for name in broken))
    return _finding("grade code", not broken, found, remedy)


def _embedded() -> Finding:
    models = sorted(path.parent.name for path in EMBEDDED.glob("*/config.json"))
    return _finding(
        "generate, validate",
        bool(models),
        f"embedded models: {', '.join(models) or 'none'}",
        "luigi --module pipelines BootstrapTeacher",
    )


def _gpu() -> Finding:
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*"))
    return _finding(
        "generate, train",
        bool(cards),
        f"{len(cards)} NVIDIA GPUs" if cards else "no NVIDIA GPU",
        "the small recipes run on CPU; the large ones want one",
        "warning",
    )


def report_text(findings: Sequence[Finding]) -> str:
    """The findings for people, one line each and the remedy below."""
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.state:<8} {one.stage:<20} {one.found}")
        if one.remedy:
            lines.append(f"{'':<8} {'':<20} -> {one.remedy}")
    return "\n".join(lines)
