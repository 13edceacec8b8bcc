"""factory.artifact: one writer, and a commit that is whole or absent."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factory.artifact import USAGE, commit, installed_versions, sole_writer
from factory.errors import Busy, RecipeError, SourceError
from factory.ledger import entry
from factory.parts import MANIFEST, read_manifest
from schemas.manifest import Manifest, StageResult

RESULT = StageResult(parts=[], ledger=entry("select", 3, 1, {"incorrect": 2}))


def commit_in(folder: Path, result: StageResult | Exception) -> Manifest:
    def work() -> StageResult:
        if isinstance(result, Exception):
            raise result
        return result

    return commit(
        folder, work, stage="select", recipe="r", key="k", code_version=1, inputs={"grade": "g"}
    )


def test_a_commit_says_what_was_done_and_from_what(tmp_path: Path) -> None:
    manifest = commit_in(tmp_path, RESULT)
    assert read_manifest(tmp_path) == manifest
    assert manifest.inputs == {"grade": "g"}
    assert manifest.ledger.drops == {"incorrect": 2}
    assert "pyarrow" in manifest.versions


def test_a_commit_says_how_long_its_processes_kept_a_core_busy(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"

    def work() -> StageResult:
        subprocess.run([sys.executable, "-c", burn], check=True)  # a child's time counts too
        return RESULT

    inputs = {"grade": "g"}
    manifest = commit(
        tmp_path, work, stage="select", recipe="r", key="k", code_version=1, inputs=inputs
    )
    usage = manifest.figures[USAGE]
    assert 0.3 <= usage["cpu_s"] <= 5
    assert usage["cores"] == len(os.sched_getaffinity(0))
    assert commit_in(tmp_path / "idle", RESULT).figures[USAGE]["cpu_s"] < 0.3


def test_work_that_fails_commits_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        commit_in(tmp_path, SourceError("a source: expected rows, found none"))
    assert not (tmp_path / MANIFEST).exists()
    commit_in(tmp_path, RESULT)


def hold(folder: Path) -> None:
    with sole_writer(folder):
        (folder / "held").touch()
        time.sleep(60)


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    holder = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path,))
    holder.start()
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "held").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(Busy, match="expected to be the only writer"), sole_writer(tmp_path):
            pass
    finally:
        holder.kill()
        holder.join()
        holder.close()
    with sole_writer(tmp_path):
        pass


def test_a_tidy_writer_leaves_no_lock_and_no_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    with sole_writer(folder, tidy=True), pytest.raises(Busy), sole_writer(folder, tidy=True):
        pass
    assert not folder.exists()
    with sole_writer(folder, tidy=True):
        (folder / "result").touch()
    assert [path.name for path in folder.iterdir()] == ["result"]


def test_versions_are_only_of_what_is_installed() -> None:
    assert all(installed_versions().values())


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(RecipeError, match=r"cannot be made or written \(Not a directory\); name"),
        sole_writer(tmp_path / "file" / "student"),
    ):
        pass
