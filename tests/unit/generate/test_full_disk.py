"""A disk that fills is a clear stop: what was committed is kept, and only the rest is drawn again.

A limit on the size of files stands for the full disk: writing beyond it fails in the same places.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from factory.artifact import commit
from factory.errors import StorageFull
from factory.generate.store import CandidateStore
from schemas.generate_settings import Generate
from schemas.manifest import StageResult
from schemas.teacher_settings import OpenaiTeacher
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.test_stage import candidates, run

MANY = Generate(teacher=OpenaiTeacher(engine="openai", model="tiny", revision="1"), candidates=2000)
LIMITED = """
import resource, sys
from pathlib import Path
from factory.errors import TeacherError
from tests.unit.generate.test_full_disk import MANY
from tests.unit.generate.test_stage import run
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    run(Path(sys.argv[1]), sys.argv[2], MANY)
except TeacherError as error:
    sys.exit(f"stopped: {error}")
"""


def test_a_disk_that_fills_while_candidates_come_loses_none_that_was_committed(
    tmp_path: Path,
) -> None:
    with LoopbackServer() as server:
        full = subprocess.run(
            [sys.executable, "-c", LIMITED, str(tmp_path), server.base_url],
            capture_output=True,
            text=True,
            check=False,
        )
        assert full.returncode == 1, full.stderr
        assert "stopped: candidate store" in full.stderr
        assert "check that the disk has room" in full.stderr
        assert "committed candidates are kept" in full.stderr
        server.bodies.clear()
        result = run(tmp_path, server.base_url, MANY)
        assert 0 < result.figures["reused"] < 6000
        assert len(server.bodies) == 6000 - result.figures["reused"]
    assert len(candidates(tmp_path / "out", result)) == 6000
    with CandidateStore(tmp_path / "store.sqlite") as store:
        assert (
            len(store.places(row["candidate_id"] for row in candidates(tmp_path / "out", result)))
            == 6000
        )


def test_a_disk_that_fills_while_a_stage_writes_is_named_as_such(tmp_path: Path) -> None:
    def work() -> StageResult:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageFull, match=r"No space left on device.*paths\.artifacts"):
        commit(tmp_path, work, stage="select", recipe="r", key="k", code_version=1, inputs={})
    assert not (tmp_path / "manifest.json").exists()


def test_another_error_of_the_system_stays_what_it_is(tmp_path: Path) -> None:
    def work() -> StageResult:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(PermissionError):
        commit(tmp_path, work, stage="select", recipe="r", key="k", code_version=1, inputs={})
