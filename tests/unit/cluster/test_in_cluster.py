"""map_parts on a local Ray: each item once, errors as they are, deaths outlived, all closed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import psutil
import pytest

from factory.errors import GraderError, SandboxUnavailable, SourceError
from factory.executor import Cluster, Executor, executor_of
from factory.parts import map_parts
from retort.command import main
from schemas.machine import Machine, Paths, Ray, Sandbox
from tests.unit.cluster.cluster_work import (
    Complains,
    Counting,
    DiesAtThree,
    DiesOnce,
    Slow,
    Stuck,
    even,
    square,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    from factory.cluster.connected import disconnect

    place = tmp_path_factory.mktemp("place")
    paths = Paths(artifacts=str(place / "artifacts"))
    with pytest.MonkeyPatch.context() as patch:
        # Workers are not killed for the memory that other processes of this machine use.
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        yield executor_of(Machine(executor="ray", paths=paths))
        disconnect()


def has_docker() -> bool:
    from factory.grade.code import check_sandbox

    try:
        check_sandbox(Sandbox())
    except SandboxUnavailable:
        return False
    return True


def gone(pids: set[int]) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return psutil.wait_procs(processes, timeout=30)[1] == []


def test_a_local_ray_has_the_cores_of_this_process(executor: Executor) -> None:
    assert executor.workers == len(os.sched_getaffinity(0))
    assert executor.grows


def test_nothing_of_a_local_ray_listens_beyond_loopback(executor: Executor) -> None:
    assert executor.ray is not None
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for process in family
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_each_item_is_done_once_and_keeps_its_position(executor: Executor) -> None:
    found = list(map_parts(square, list(range(50)), executor=executor))
    assert sorted(found) == [(number, number * number) for number in range(50)]


def test_each_worker_opens_the_work_once_and_closes_it(executor: Executor, tmp_path: Path) -> None:
    work = Counting(tmp_path)
    found = dict(map_parts(work, range(40), executor=executor))
    assert [found[number][0] for number in range(40)] == list(range(40))
    assert {process for _, process in found.values()} == work.pids("opened")
    assert work.pids("closed") == work.pids("opened")
    assert len(work.pids("opened")) <= executor.workers
    assert os.getpid() not in work.pids("opened")
    assert gone(work.pids("opened"))


def test_items_are_taken_only_as_there_is_room(executor: Executor, tmp_path: Path) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(300):
            taken.append(number)
            yield number

    results = map_parts(Counting(tmp_path), items(), executor=executor)
    next(results)
    assert len(taken) < 100
    assert len(list(results)) == 299


@pytest.mark.parametrize(
    ("item", "error", "said"),
    [
        (3, SourceError, "row 3 is wrong"),
        (4, ZeroDivisionError, "four"),
        (5, GraderError, "OddError: cannot"),
    ],
)
def test_an_error_of_the_work_is_raised_as_itself(
    executor: Executor, tmp_path: Path, item: int, error: type[Exception], said: str
) -> None:
    work = Complains(tmp_path)
    with pytest.raises(error) as raised:
        list(map_parts(work, [0, 1, item], executor=executor))
    assert (type(raised.value), str(raised.value)) == (error, said)
    assert "cluster_work.py" in "".join(raised.value.__notes__)
    assert work.pids("closed") == work.pids("opened")


def test_a_worker_that_is_killed_loses_nothing(executor: Executor, tmp_path: Path) -> None:
    work = DiesOnce(tmp_path)
    found = dict(map_parts(work, range(30), executor=executor))
    assert (tmp_path / "died").exists()
    assert [found[number][0] for number in range(30)] == list(range(30))
    assert len(work.pids("opened") - work.pids("closed")) == 1


def test_an_item_at_which_workers_always_die_is_named(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(GraderError, match=r"item 3 \(3\): .* found 3 that died at it"):
        list(map_parts(DiesAtThree(tmp_path), range(9), executor=executor))


def test_who_wants_no_more_leaves_no_worker_behind(executor: Executor, tmp_path: Path) -> None:
    work = Slow(tmp_path)
    results = map_parts(work, range(1000), executor=executor)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert work.pids("closed") == work.pids("opened")
    assert gone(work.pids("opened"))


def test_workers_that_are_stuck_are_killed_when_nobody_wants_more(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factory.cluster import crew

    monkeypatch.setattr(crew, "_CLOSE_S", 1.0)
    work = Stuck(tmp_path)
    results = map_parts(work, range(10), executor=executor)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert gone(work.pids("opened"))


@pytest.mark.skipif(not has_docker(), reason="no Docker engine with the image answers")
def test_items_for_sandboxes_have_a_worker_of_their_own(executor: Executor, tmp_path: Path) -> None:
    work = Counting(tmp_path)
    found = dict(map_parts(work, range(40), executor=executor, in_sandbox=even))
    assert [found[number][0] for number in range(40)] == list(range(40))
    sandboxed = {process for item, process in found.values() if even(item)}
    assert len(sandboxed) == 1
    assert sandboxed.isdisjoint(process for item, process in found.values() if not even(item))
    assert work.pids("closed") == work.pids("opened")


def test_without_docker_the_error_names_the_node_and_what_it_lacks(
    executor: Executor, tmp_path: Path
) -> None:
    assert executor.ray is not None
    lacking = Cluster(Ray(), executor.ray.folder, Sandbox(image="retort-no-such-image:latest"))
    with pytest.raises(SandboxUnavailable, match=r"127\.0\.0\.1 .*(image|Docker)"):
        list(
            map_parts(Counting(tmp_path), range(9), executor=Executor(2, lacking), in_sandbox=even)
        )


@pytest.mark.parametrize(
    "command",
    [["dedupe", "rows", "--words", "2"], ["decontaminate", "rows", "--against", "bench=items"]],
    ids=lambda command: command[0],
)
def test_files_are_worked_on_by_the_cluster_with_the_same_result(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = "the tram number {} turns left at the old mill and stops behind the {} bridge"
    rows = [sentence.format(number // 3, number // 3 * 7) for number in range(90)]
    for folder, texts in (("rows", rows), ("items", rows[6:9])):
        Path(folder).mkdir()
        for part in range(3):
            lines = [
                json.dumps({"id": f"{part}/{number}", "text": text})
                for number, text in enumerate(texts[part::3])
            ]
            Path(folder, f"{part}.jsonl").write_text("\n".join(lines) + "\n")
    Path("ray.toml").write_text('executor = "ray"\n')
    assert main([*command, "--out", "here"]) == 0
    assert main([*command, "--out", "there", "--machine", str(tmp_path / "ray.toml")]) == 0
    written = sorted(file.name for file in Path("here").iterdir())
    assert len(written) == 2
    assert [file.name for file in sorted(Path("there").iterdir())] == written
    for name in written:
        assert Path("there", name).read_bytes() == Path("here", name).read_bytes()
    assert 0 < len(pl.read_parquet("there/kept.parquet")) < len(rows)
