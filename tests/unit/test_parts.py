"""factory.parts: atomic parts, manifests and map_parts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from factory.errors import GraderError, ManifestMismatch, SchemaMismatch
from factory.executor import Executor
from factory.ledger import entry
from factory.parts import (
    as_table,
    iter_parts,
    kept_part,
    map_parts,
    parts_digest,
    read_manifest,
    read_part,
    read_parts,
    write_manifest,
    write_part,
)
from schemas.manifest import Manifest, PartFile

SCHEMA = pa.schema([pa.field("name", pa.string(), nullable=False), pa.field("size", pa.int32())])


def rows(count: int) -> pa.Table:
    return as_table(({"name": f"n{i}", "size": i} for i in range(count)), SCHEMA)


def commit(folder: Path, parts: list[PartFile]) -> None:
    write_manifest(
        folder,
        Manifest(
            stage="collect",
            recipe="r",
            key="k",
            code_version=1,
            inputs={},
            parts=parts,
            digest=parts_digest(parts),
            ledger=entry("collect", 0, 0, {}),
            figures={},
            created_unix_s=0.0,
            wall_s=0.0,
            versions={},
        ),
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    parts = [
        write_part(tmp_path, f"rows-{i:05d}.parquet", rows(i + 1), made_from="m") for i in (0, 1)
    ]
    commit(tmp_path, parts)
    assert read_parts(tmp_path, "rows", SCHEMA).num_rows == 3
    assert [table.num_rows for table in iter_parts(tmp_path, "rows", SCHEMA)] == [1, 2]
    assert read_manifest(tmp_path).parts == parts


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    one = write_part(tmp_path / "a", "rows-00000.parquet", rows(50), made_from="m")
    other = write_part(tmp_path / "b", "rows-00000.parquet", rows(50), made_from="m")
    assert one == other


def test_a_part_is_kept_only_if_it_is_whole_and_made_from_the_same(tmp_path: Path) -> None:
    part = write_part(tmp_path, "rows-00000.parquet", rows(9), made_from="m")
    assert kept_part(tmp_path, part.path, made_from="m") == part
    assert kept_part(tmp_path, part.path, made_from="other") is None
    assert kept_part(tmp_path, "rows-00001.parquet", made_from="m") is None
    content = (tmp_path / part.path).read_bytes()
    (tmp_path / part.path).write_bytes(content[: len(content) // 2])
    assert kept_part(tmp_path, part.path, made_from="m") is None


def test_a_row_without_a_required_value_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="column name"):
        as_table([{"name": None, "size": 1}], SCHEMA)


def test_a_row_of_another_type_is_refused() -> None:
    with pytest.raises(SchemaMismatch):
        as_table([{"name": "a", "size": "many"}], SCHEMA)


def test_a_corrupt_part_says_which_file_to_delete(tmp_path: Path) -> None:
    part = write_part(tmp_path, "rows-00000.parquet", rows(9), made_from="m")
    (tmp_path / part.path).write_bytes(b"not parquet")
    with pytest.raises(ManifestMismatch, match=r"rows-00000\.parquet.*delete the file"):
        read_part(tmp_path, part)


def test_a_part_with_other_columns_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, "rows-00000.parquet", rows(9), made_from="m")
    with pytest.raises(SchemaMismatch):
        read_part(tmp_path, part, pa.schema([("name", pa.string())]))


def test_a_part_with_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, "rows-00000.parquet", rows(9), made_from="m")
    with pytest.raises(ManifestMismatch, match="expected 8 rows, found 9"):
        read_part(tmp_path, part.model_copy(update={"rows": 8}))


def test_no_manifest_means_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ManifestMismatch, match="expected a finished artifact"):
        read_manifest(tmp_path)


def square(number: int) -> int:
    return number * number


def die(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number


def complain(number: int) -> int:
    raise ValueError(f"bad {number}")


@pytest.mark.parametrize("workers", [1, 2])
def test_map_parts_does_each_item_once(workers: int) -> None:
    found = dict(map_parts(square, list(range(7)), executor=Executor(workers)))
    assert found == {i: i * i for i in range(7)}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_is_raised_as_it_is(workers: int) -> None:
    with pytest.raises(ValueError, match="bad"):
        list(map_parts(complain, [1, 2], executor=Executor(workers)))


def test_a_worker_that_dies_is_an_error_and_not_a_result() -> None:
    with pytest.raises(GraderError, match="a worker process died"):
        list(map_parts(die, [1, 2, 3, 4], executor=Executor(2)))


def sleep_long(folder: str) -> int:
    (Path(folder) / f"{os.getpid()}").touch()
    time.sleep(120)
    return 0


KILLED = """
import sys
from factory.executor import Executor
from factory.parts import map_parts
from tests.unit.test_parts import sleep_long
if __name__ == "__main__":
    list(map_parts(sleep_long, [sys.argv[1]] * 2, executor=Executor(2)))
"""


def test_workers_end_with_a_run_that_is_killed(tmp_path: Path, project: Path) -> None:
    program = tmp_path / "run.py"
    program.write_text(KILLED)
    run = subprocess.Popen(
        [sys.executable, program, tmp_path], env={**os.environ, "PYTHONPATH": str(project)}
    )
    deadline = time.monotonic() + 60
    while len(workers := [path.name for path in tmp_path.iterdir() if path.name.isdigit()]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    processes = [psutil.Process(int(pid)) for pid in workers]
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
