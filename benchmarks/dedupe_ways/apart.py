"""A way in a process and an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PACKAGES: Final = "'datatrove[io,processing]==0.10.1' datasketch==2.0.0 spacy"
INSTALL: Final = f"python3 -m venv {{venv}} && {{venv}}/bin/pip install {PACKAGES}"


def peers_are_there(venv: Path) -> bool:
    """Whether the peers can be imported by the Python of this environment."""
    command = "import datasketch, spacy, datatrove.pipeline.dedup.minhash"
    try:
        done = subprocess.run([venv / "bin" / "python", "-c", command], capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def run_way(python: str | Path, way: str, folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    """What a way found and took.

    Args:
        way: Name of a script of this folder.
        folder: A new one; work and answer lie in it.

    Raises:
        SystemExit: The way failed; the end of what it said.
    """
    folder.mkdir(parents=True)
    file = folder / "work.json"
    file.write_text(json.dumps({**work, "out": str(folder / "out")}), encoding="utf-8")
    one_thread = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, HERE / f"{way}.py", file],
        capture_output=True,
        text=True,
        env={**os.environ, **one_thread, "PYTHONPATH": str(HERE)},
        check=False,
    )
    if done.returncode:
        raise SystemExit("\n".join([f"{way} failed:", *done.stderr.splitlines()[-20:]]))
    return json.loads((folder / "found.json").read_text(encoding="utf-8"))
