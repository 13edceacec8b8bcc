"""One rehearsal: files, teacher, the run as a user starts it, `verify`, `load_dataset`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from factory.errors import GraderError, ManifestMismatch, TeacherError
from factory.orphans import die_with_parent
from factory.parts import write_atomically
from factory.recipe_file import ROOT

from .catalogue import DATA, RECIPE, write_files
from .place import AFTER, STAGES, Place
from .plan import Plan
from .recipe import machine_text
from .watch import Watch

_LOAD: Final = """
import sys, datasets
datasets.disable_progress_bars()
for config in ("default", "reasoning_content"):
    rows = datasets.load_dataset(sys.argv[1], config, split="train", cache_dir=sys.argv[2])
    print(config, len(rows))
"""


def rehearse(place: Place, plan: Plan, spoilt: int = 0) -> None:
    """Run the whole path to its end; what an earlier try has finished is kept.

    Raises:
        ManifestMismatch: The folder holds a rehearsal of another plan.
        TeacherError: The teacher did not start.
        GraderError: A command failed; its output is in a file of the folder.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    _check_plan(place, plan)
    write_files(place.folder, plan)
    if len(place.manifests()) < len(STAGES) or not place.dataset.exists():
        with _teacher(place, spoilt) as (pid, port):
            machine = machine_text(place.folder.resolve(), port)
            write_atomically(place.machine, machine.encode())
            _run_pipeline(place, pid)
    for name in AFTER:
        if not _done(place, name).exists():
            _run_after(place, name)


def printed(place: Place, name: str) -> str:
    """What one of `AFTER` printed."""
    return json.loads(_done(place, name).read_text(encoding="utf-8"))["printed"]


class Walls(NamedTuple):
    """Seconds of the run's command."""

    command: float
    stages: float
    report: float
    """From the record of the run to its report."""

    @property
    def orchestration(self) -> float:
        """What Luigi, imports, the looks before a run, the record and publishing take."""
        return self.command - self.stages - self.report


def walls_of(place: Place) -> Walls | None:
    """Of a finished run; None where it was not one try."""
    if place.tries() != 1:
        return None
    command = json.loads((place.folder / "try-0.json").read_text(encoding="utf-8"))
    stages = sum(one.wall_s for one in place.manifests().values())
    record, report = (place.latest / name for name in ("run.json", "report.html"))
    return Walls(command["wall_s"], stages, report.stat().st_mtime - record.stat().st_mtime)


def _check_plan(place: Place, plan: Plan) -> None:
    file = place.folder / "plan.json"
    wanted = json.dumps({"samples": plan.samples, "asked": plan.asked, "rows": plan.rows})
    if file.exists() and file.read_text(encoding="utf-8") != wanted:
        raise ManifestMismatch(
            f"{file}: expected the plan of {plan.samples} samples, found another; use another "
            f"folder, or remove this one"
        )
    write_atomically(file, wanted.encode())


@contextmanager
def _teacher(place: Place, spoilt: int) -> Generator[tuple[int, int]]:
    """Process id and port of a teacher that runs."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(place.folder)]
    process = subprocess.Popen(
        [*command, str(spoilt)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise TeacherError(
                f"teacher of {place.folder}: expected its port, found that it ended with "
                f"{process.wait()}; its error stands above"
            )
        yield process.pid, int(port)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


def _run_pipeline(place: Place, teacher: int) -> None:
    number = len(place.watched())
    command = [sys.executable, "-m", "luigi", "--module", "pipelines", "BuildDataset"]
    command += ["--recipe", str(place.folder / RECIPE), "--machine", str(place.machine)]
    environment = {**os.environ, "RETORT_DATA": str((place.folder / DATA).resolve())}
    wall_s = _run(
        place,
        command,
        log=place.folder / f"run-{number}.log",
        watched=place.folder / f"watched-{number}.json",
        teacher=teacher,
        environment=environment,
    )
    record = json.dumps({"wall_s": wall_s}).encode()
    write_atomically(place.folder / f"try-{number}.json", record)


def _run_after(place: Place, name: str) -> None:
    cache = place.folder / "load-cache"
    commands = {
        "verify": ["-m", "retort.command", "dataset", "verify", str(place.dataset)],
        "load": ["-c", _LOAD, str(place.dataset), str(cache)],
    }
    log = place.folder / f"{name}.log"
    wall_s = _run(
        place,
        [sys.executable, *commands[name]],
        log=log,
        watched=place.folder / f"watched-{name}.json",
        label=name,
        environment={**os.environ, "HF_DATASETS_OFFLINE": "1"},
    )
    shutil.rmtree(cache, ignore_errors=True)
    record = {"wall_s": wall_s, "printed": log.read_text(encoding="utf-8")}
    write_atomically(_done(place, name), json.dumps(record).encode())


def _done(place: Place, name: str) -> Path:
    return place.folder / f"done-{name}.json"


def _run(
    place: Place,
    command: list[str],
    *,
    log: Path,
    watched: Path,
    environment: dict[str, str],
    label: str = "",
    teacher: int | None = None,
) -> float:
    """Wall time of a command that ended well."""
    begun_s = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    with Watch(
        process.pid,
        teacher=teacher,
        label=(lambda: label) if label else place.now,
        file=watched,
        disk=place.written_bytes,
    ):
        code = process.wait()
    if code:
        last = log.read_text(encoding="utf-8")[-2000:]
        raise GraderError(f"{' '.join(command)}: expected success, found exit {code}: …{last}")
    return time.monotonic() - begun_s
