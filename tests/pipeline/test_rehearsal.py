"""A small rehearsal through the whole real path: killed, started again, with a wrong teacher."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.recipe_file import ROOT

SAMPLES = 400
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("data")]


def test_a_killed_rehearsal_goes_on_and_its_funnel_is_the_planned_one(tmp_path: Path) -> None:
    log = tmp_path / "first.log"
    first = _started(tmp_path, log)
    artifacts = tmp_path / str(SAMPLES) / "artifacts"
    try:
        _wait_for(lambda: any(artifacts.glob("generate/*")), first, log)
        helpers = psutil.Process(first.pid).children(recursive=True)
        assert len(helpers) >= 2, "the teacher and the run"
        first.kill()
        first.wait(30)
        _, alive = psutil.wait_procs(helpers, timeout=30)
        assert alive == [], "processes outlived the rehearsal that was killed"
    finally:
        _end(first)
    assert not any(artifacts.glob("shard/*/manifest.json"))
    again = _finished(tmp_path, "--json", str(tmp_path / "figures.json"))
    assert again.returncode == 0, again.stderr + again.stdout
    [run] = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["runs"]
    assert run["as_planned"]
    assert (run["samples"], run["tries"]) == (SAMPLES, 2)
    stages: dict[str, Any] = run["stages"]
    assert list(stages) == ["collect", "generate", "grade", "select", "shard", "verify", "load"]
    assert all(one["cpu_s"] > 0 and one["peak_pss_bytes"] > 0 for one in stages.values())
    assert stages["shard"]["rows_out"] == SAMPLES
    assert run["disk"]["text_bytes_at_zstd_3"] > 400 * run["candidates"]
    written = _times(tmp_path)
    third = _finished(tmp_path)
    assert third.returncode == 0
    assert "17 of 17 counts are as planned" in third.stdout
    assert _times(tmp_path) == written, "nothing ran again"


def test_one_answer_against_the_plan_is_found_and_said(tmp_path: Path) -> None:
    done = _finished(tmp_path, "--spoil", "1")
    assert done.returncode == 1
    said = f"rehearsal of {SAMPLES} samples, grade: candidates by verdict: expected"
    assert said not in done.stderr, "the answer is still right, but has no step"
    said = f"rehearsal of {SAMPLES} samples, select: rows dropped by reason: expected"
    [line] = [line for line in done.stderr.splitlines() if line.startswith(said)]
    assert "'without_work': 50" in line and "'without_work': 51" in line


def _command(folder: Path, *more: str) -> list[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "rehearsal.py")]
    return [*command, "--samples", str(SAMPLES), "--folder", str(folder), *more]


def _started(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with open(log, "wb") as out:
        return subprocess.Popen(
            _command(folder), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def _finished(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(folder, *more), capture_output=True, text=True, timeout=600)


def _wait_for(ready: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while not ready():
        assert process.poll() is None, f"ended too early:\n{log.read_text()[-4000:]}"
        assert time.monotonic() < deadline, "the rehearsal never came to the point"
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def _times(folder: Path) -> dict[str, int]:
    files = [*folder.rglob("manifest.json"), *folder.rglob("run.json")]
    return {str(path): path.stat().st_mtime_ns for path in files}
