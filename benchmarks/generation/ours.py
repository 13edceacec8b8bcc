"""The whole stage `generate`, as a run does it, against servers that run already."""

from __future__ import annotations

import time
from pathlib import Path

from factory.artifact import commit
from factory.generate.stage import generate_candidates
from factory.generate.vllm_server import VllmServers
from factory.models import Model
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import Manifest

from .workload import Took


def stage(
    problems: Path,
    out_dir: Path,
    store: Path,
    settings: Generate,
    machine: Machine,
    *,
    seed: int,
    model: Model | None = None,
    servers: VllmServers | None = None,
) -> Manifest:
    """The manifest of the stage, with the lock, the parts and the ledger that a run has.

    Raises:
        SystemExit: A candidate failed: the speed of failures is of no interest.
    """
    made = commit(
        out_dir,
        lambda: generate_candidates(
            problems,
            [],
            settings,
            round=1,
            seed=seed,
            machine=machine,
            store=store,
            out_dir=out_dir,
            key="benchmark",
            model=model,
            servers=servers,
        ),
        stage="generate",
        recipe="benchmark",
        key="benchmark",
        code_version=1,
        inputs={},
    )
    if made.ledger.rows_out != made.ledger.rows_in:
        raise SystemExit(f"{out_dir}: candidates failed, {made.ledger}; nothing was measured")
    return made


def ours(
    problems: Path,
    folder: Path,
    settings: Generate,
    machine: Machine,
    *,
    seed: int,
    model: Model,
    servers: VllmServers,
) -> tuple[Took, Took]:
    """What drawing took, from the first request to the last commit, and what the stage took.

    Args:
        folder: An empty one; the artifact goes to `generate`, beside the store.
    """
    begun, cpu_s = time.perf_counter(), time.process_time()
    made = stage(
        problems,
        folder / "generate",
        folder / "candidates.sqlite",
        settings,
        machine,
        seed=seed,
        model=model,
        servers=servers,
    )
    wall_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_s
    tokens = made.figures["completion_tokens"]
    drawing = Took(tokens, made.figures["seconds"], cpu_s)
    return drawing, Took(tokens, wall_s, cpu_s)
