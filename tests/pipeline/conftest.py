"""Runs of their own: artifacts, runs and datasets below a temporary folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.recipe_file import ROOT


@dataclass
class Place:
    """A folder for runs, and the commands that work in it."""

    folder: Path
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def machine(self) -> Path:
        """The machine file that keeps everything below the folder."""
        file = self.folder / "machine.toml"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            lines = [
                f'{name} = "{self.folder}/{name}"' for name in ("artifacts", "runs", "datasets")
            ]
            file.write_text("[paths]\n" + "\n".join(lines) + "\n")
        return file

    @property
    def log(self) -> Path:
        """Output of the latest run."""
        return self.folder / "run.log"

    def start(self, task: str, recipe: str) -> subprocess.Popen[bytes]:
        """Start a run from a folder that is not the project's; it leads its own process group."""
        command = [self.python, "-m", "luigi", "--module", "pipelines", task]
        command += ["--recipe", recipe, "--machine", str(self.machine)]
        with open(self.log, "w") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, "RETORT_PROGRESS": "1", **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, task: str, recipe: str, timeout_s: float = 900) -> tuple[int, str]:
        """Exit code and output of a run that is waited for."""
        process = self.start(task, recipe)
        try:
            process.wait(timeout_s)
        finally:
            kill_group(process)
        return process.returncode, self.log.read_text()

    def finish(self, task: str, recipe: str, timeout_s: float = 900) -> str:
        """Output of a run that must succeed."""
        code, output = self.run(task, recipe, timeout_s)
        assert code == 0, output[-6000:]
        return output

    def kill_when(
        self, task: str, recipe: str, ready: Callable[[], bool], timeout_s: float = 600
    ) -> None:
        """`kill -9` a run as soon as `ready()`; its helpers must end by themselves soon after."""
        process = self.start(task, recipe)
        deadline = time.monotonic() + timeout_s
        try:
            while not ready():
                assert process.poll() is None, f"ended too early:\n{self.log.read_text()[-6000:]}"
                assert time.monotonic() < deadline, "the run never came to the point"
                time.sleep(0.02)
            helpers = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            _, alive = psutil.wait_procs(helpers, timeout=30)
            assert alive == [], "processes outlived the run that was killed"
        finally:
            kill_group(process)

    def artifacts(self, stage: str) -> list[Path]:
        """Folders of a stage, finished or not."""
        return sorted((self.folder / "artifacts" / stage).glob("*"))

    def unfinished(self, stage: str) -> bool:
        """Whether a folder of the stage is being worked on."""
        return any(not (one / "manifest.json").exists() for one in self.artifacts(stage))

    def times(self) -> dict[str, int]:
        """When each manifest and record was written: unchanged means that nothing ran again."""
        files = [*self.folder.rglob("manifest.json"), *self.folder.rglob("run.json")]
        return {str(path): path.stat().st_mtime_ns for path in files}

    def summary(self) -> dict[str, Any]:
        """`retort summary --json`."""
        done = subprocess.run(
            [
                self.python,
                "-m",
                "retort.command",
                "summary",
                "--json",
                "--machine",
                str(self.machine),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End what a test started, by its own group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fresh place."""
    return Place(tmp_path)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One place for the tests of a module, in their order."""
    yield Place(tmp_path_factory.mktemp("place"))
