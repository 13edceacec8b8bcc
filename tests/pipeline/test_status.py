"""Luigi's own status shows what a stage reports, in each way in which Luigi runs a task."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import luigi
import pytest
from luigi.rpc import RemoteScheduler, RPCError
from luigi.scheduler import Scheduler

from factory.shown.progress import progress, say
from factory.shown.status import State, report
from pipelines import status
from pipelines.status import shown_by_luigi


class Work(luigi.Task):
    """A task with a bar of four steps, that waits before the last one until it may go on."""

    folder = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(Path(self.folder) / "done"))

    def run(self) -> None:
        folder = Path(self.folder)
        with shown_by_luigi(self), progress("grade", 4, "rows") as bar:
            bar.update(3)
            (folder / "waiting").touch()
            while not (folder / "go").exists():
                time.sleep(0.01)
            bar.update(1)
        (folder / "done").touch()


class Failing(luigi.Task):
    """A task that says something and fails."""

    def complete(self) -> bool:
        return False

    def run(self) -> None:
        with shown_by_luigi(self):
            say("nearly there")
            raise KeyError("a defect")


def seen(scheduler: Scheduler | RemoteScheduler, task: luigi.Task) -> tuple[str, int]:
    """Message and percentage, as Luigi's page asks for them."""
    message = scheduler.get_task_status_message(task.task_id)["statusMessage"]
    percentage = scheduler.get_task_progress_percentage(task.task_id)["progressPercentage"]
    return message or "", percentage or 0


def seen_in_time(scheduler: Scheduler | RemoteScheduler, task: Work) -> tuple[str, int]:
    """What is seen while the task waits, as soon as there is something."""
    deadline = time.monotonic() + 20
    while not (Path(task.folder) / "waiting").exists() or not seen(scheduler, task)[1]:
        assert time.monotonic() < deadline, "no status came"
        time.sleep(0.02)
    return seen(scheduler, task)


def test_the_scheduler_of_a_single_process_knows_count_and_percentage(tmp_path: Path) -> None:
    scheduler, task = Scheduler(), Work(folder=str(tmp_path))
    found: list[tuple[str, int]] = []

    def watch() -> None:
        found.append(seen_in_time(scheduler, task))
        (tmp_path / "go").touch()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with luigi.worker.Worker(scheduler=scheduler) as worker:
        assert worker.add(task)
        assert worker.run()
    watcher.join()
    ((message, percentage),) = found
    assert message.startswith("grade: 3 of 4 rows")
    assert percentage == 75
    message, percentage = seen(scheduler, task)
    assert message.startswith("grade: 4 of 4 rows")
    assert percentage == 100


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[int]:
    """The port of a real luigid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from luigi.cmdline import luigid; luigid()"
    command = [sys.executable, "-c", code, "--address", "127.0.0.1", "--port", str(port)]
    with open(tmp_path / "luigid.log", "w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert server.poll() is None, (tmp_path / "luigid.log").read_text()
            assert time.monotonic() < deadline, "luigid did not start"
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait(10)


def test_luigid_shows_a_task_that_runs_in_a_process_of_its_own(luigid: int, tmp_path: Path) -> None:
    code = (
        "import luigi, sys; from tests.pipeline.test_status import Work;"
        f"sys.exit(not luigi.build([Work(folder={str(tmp_path)!r})], workers=2, no_lock=True,"
        " local_scheduler=False,"
        f" scheduler_host='127.0.0.1', scheduler_port={luigid}, log_level='ERROR'))"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    try:
        scheduler = RemoteScheduler(f"http://127.0.0.1:{luigid}")
        task = Work(folder=str(tmp_path))
        message, percentage = seen_in_time(scheduler, task)
        assert message.startswith("grade: 3 of 4 rows")
        assert percentage == 75
        (tmp_path / "go").touch()
        assert process.wait(30) == 0
        assert seen(scheduler, task)[1] == 100
        scheduler.close()
    finally:
        process.kill()
        process.wait(10)


def test_two_processes_under_the_scheduler_inside_do_their_work(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    task = Work(folder=str(tmp_path))
    assert luigi.build([task], workers=2, local_scheduler=True, no_lock=True, log_level="ERROR")
    assert task.complete()


def test_a_task_that_no_worker_runs_tells_nobody(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    task = Work(folder=str(tmp_path))
    task.run()
    assert task.complete()


def test_a_task_that_fails_has_said_so_and_leaves_no_thread_behind() -> None:
    scheduler, task = Scheduler(), Failing()
    with luigi.worker.Worker(scheduler=scheduler) as worker:
        assert worker.add(task)
        assert not worker.run()
    assert seen(scheduler, task)[0] == "nearly there"
    assert "luigi status" not in [thread.name for thread in threading.enumerate()]


class Away(luigi.Task):
    """A task whose scheduler is away: each call hangs, then fails."""

    hangs_s = 0.0
    calls = 0

    def hang(self, _: object) -> None:
        self.calls += 1
        time.sleep(self.hangs_s)
        raise RPCError("Errors (3 attempts) when connecting to remote scheduler")


def test_a_scheduler_that_is_away_neither_stops_nor_holds_a_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "1")
    monkeypatch.setattr(status, "_LAST_S", 0.2)
    task = Away()
    task.set_status_message = task.set_progress_percentage = task.hang
    with shown_by_luigi(task):
        for number in range(3):
            report(State(f"news {number}"))
            time.sleep(0.05)
    assert task.calls > 1
    assert capsys.readouterr().err.count("does not take the status of this stage") == 1

    task.hangs_s = 6.0
    begun = time.monotonic()
    with shown_by_luigi(task):
        report(State("news"))
    assert time.monotonic() - begun < 5.0
