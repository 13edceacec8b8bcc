"""A peer on the same server: datatrove's `InferenceRunner` with its client for endpoints.

Its runner keeps the first completion of each answer alone, so it is asked in its own way: eight
rollouts per document, a request each. It writes chunks and a cache of requests for its resume,
as we write a store. It does not keep when and by which server a candidate was made, and its resume
goes by the position of a document. It runs in a virtual environment of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from schemas.generate_settings import Sampling

from .workload import Prompt, Took, body

SCRIPT: Final = Path(__file__).with_name("peer_datatrove.py")
PACKAGES: Final = "'datatrove[io]==0.10.1' aiofiles aiosqlite httpx"
INSTALL: Final = f"python3 -m venv {{venv}} && {{venv}}/bin/pip install {PACKAGES}"


def peer_is_there(venv: Path) -> bool:
    """Whether the peer can be imported by the Python of this environment."""
    python = venv / "bin" / "python"
    try:
        done = subprocess.run(
            [
                python,
                "-c",
                "import aiofiles, aiosqlite, httpx, datatrove.pipeline.inference.run_inference",
            ],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def peer(
    venv: Path,
    folder: Path,
    url: str,
    model: str,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    in_flight: int,
) -> Took:
    """Have the peer generate everything, in a folder that is empty."""
    folder.mkdir(parents=True)
    work = {
        "url": url.removesuffix("/v1"),
        "model": model,
        "in_flight": in_flight,
        "requests": [body(prompt, model, sampling) for prompt in prompts],
    }
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    with open(folder / "log.txt", "wb") as log:
        done = subprocess.run(
            [venv / "bin" / "python", SCRIPT, folder], stdout=log, stderr=log, check=False
        )
    if done.returncode:
        said = (folder / "log.txt").read_text("utf-8", "replace").splitlines()
        raise SystemExit("the peer failed:\n" + "\n".join(said[-20:]))
    took = json.loads((folder / "took.json").read_text(encoding="utf-8"))
    return Took(**took)
