"""`retort grade code` on real containers: verdicts, order, `kill -9`, containers that die."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from retort.command import main
from sandboxes import CPP, SandboxPool
from sandboxes.client import connect
from sandboxes.owner import OWNED
from schemas.verdict import Status
from tests.sandbox.relay import EngineRelay

pytestmark = pytest.mark.usefixtures("pool")

Values = dict[str, Any]
DOUBLE = {"kind": "stdio", "cases": [{"stdin": "2", "stdout": "4"}, {"stdin": "3", "stdout": "6"}]}
PROGRAMS = {
    "print(int(input()) * 2)": ("correct", 2),
    "print(int(input()) ** 2)": ("incorrect", 1),
    "print(input() * 2": ("syntax", 0),
    "print(y)": ("error", 0),
    "while True: pass": ("timeout", 0),
    "print(len(bytearray(1 << 30)))": ("memory", 0),
    "print('x' * (1 << 22))": ("output_limit", 0),
}
LIMITS = {"wall_s": 3, "cpu_s": 1}


@pytest.fixture
def client(pool: SandboxPool) -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


def line(line_id: str | int, program: str, **more: Any) -> Values:
    return {"id": line_id, "language": "python", "program": program, "tests": DOUBLE} | more


def write(file: Path, lines: Iterable[Values]) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return file


def results(out: Path) -> list[Values]:
    """The whole lines of an output, which may be written meanwhile."""
    content = out.read_bytes() if out.exists() else b""
    return [json.loads(one) for one in content.splitlines(keepends=True) if one.endswith(b"\n")]


def grade(file: Path, out: Path, *more: str) -> int:
    return main(["grade", "code", str(file), "--out", str(out), *more])


def started(file: Path, out: Path, *more: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "retort.command", "grade", "code", file, "--out", out, *more],
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until there are so many results."""
    deadline = time.monotonic() + 60
    while len(results(out)) < count:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)


def test_each_program_gets_its_verdict_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(f"HumanEval/{n}", one, limits=LIMITS) for n, one in enumerate(PROGRAMS)]
    lines.append(
        line(
            7,
            "def f(x): return x + 1",
            tests={"kind": "call", "entry_point": "f", "cases": [{"args": [1], "expected": 2}]},
        )
    )
    lines.append(
        line("last", "def f(x): return 1", tests={"kind": "asserts", "code": "assert f(1) == 2"})
    )
    out = tmp_path / "out.jsonl"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    expected = [*PROGRAMS.values(), ("correct", 1), ("incorrect", 0)]
    found = results(out)
    assert [one["id"] for one in found] == [one["id"] for one in lines]
    assert [(one["verdict"], one["passed"]) for one in found] == expected
    assert {tuple(one) for one in found} == {
        ("id", "verdict", "passed", "total", "detail", "wall_s", "cpu_s")
    }
    assert [one["total"] for one in found] == [2] * 7 + [1, 1]
    assert all(bool(one["detail"]) == (one["verdict"] != "correct") for one in found)
    assert found[0]["wall_s"] > 0 < found[0]["cpu_s"]
    assert "9 lines (0 of them kept): 2 correct, 1 error, 2 incorrect" in capsys.readouterr().err
    of_others = {"infra", "unparsable", "truncated", "no_majority"}
    assert {one["verdict"] for one in found} == set(Status) - of_others


def test_many_workers_grade_every_line_once(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    lines = [line(n, list(PROGRAMS)[n % 4]) for n in range(60)]
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "3") == 0
    found = {one["id"]: one["verdict"] for one in results(out)}
    verdicts = [verdict for verdict, _ in PROGRAMS.values()]
    assert found == {n: verdicts[n % 4] for n in range(60)}
    assert len(results(out)) == 60


@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.soak), "2"])
def test_a_command_that_is_killed_goes_on_where_it_was(tmp_path: Path, workers: str) -> None:
    """`kill -9` four times, each time with a line torn as by a kill in the middle of a write."""
    out = tmp_path / "out.jsonl"
    slow = "import time; time.sleep(0.05); print(int(input()) * 2)"
    file = write(tmp_path / "in.jsonl", [line(n, slow) for n in range(40)])
    lines: dict[int, Values] = {}
    for count in (3, 9, 16, 24):
        process = started(file, out, "--workers", workers)
        until(out, count, process)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        there = {one["id"]: one for one in results(out)}
        assert there.items() >= lines.items(), "a finished line was graded again"
        lines = there
        with open(out, "ab") as torn:
            torn.write(b'{"id": 39, "verdict": "corr')
    process = started(file, out, "--workers", workers)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert f"40 lines ({len(lines)} of them kept): 40 correct" in said
    assert {one["id"]: one for one in results(out)}.items() >= lines.items()
    if workers == "1":
        assert [one["id"] for one in results(out)] == list(range(40))
    assert sorted(one["id"] for one in results(out)) == list(range(40))


def test_a_second_command_on_the_same_output_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    slow = "import time; time.sleep(0.2); print(int(input()) * 2)"
    file = write(tmp_path / "in.jsonl", [line(n, slow) for n in range(40)])
    process = started(file, out, "--workers", "1")
    until(out, 1, process)
    assert grade(file, out) == 1
    assert "Busy: " in capsys.readouterr().err
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what is finished is kept" in said
    assert 0 < len(results(out)) < 40


def test_a_line_that_changed_is_graded_again(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    programs = list(PROGRAMS)
    lines = [line(n, programs[n]) for n in range(3)]
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    before = results(out)
    lines[1] = line(1, programs[0])
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    after = results(out)
    assert [one["verdict"] for one in after] == ["correct", "correct", "syntax"]
    assert (after[0], after[2]) == (before[0], before[2])


def test_without_an_engine_an_older_output_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    lines = [line(n, "print(4)") for n in range(3)]
    assert grade(write(tmp_path / "in.jsonl", lines[:2]), out) == 0
    before = out.read_bytes()
    write(tmp_path / "in.jsonl", lines)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert grade(tmp_path / "in.jsonl", out) == 1
    assert out.read_bytes() == before
    assert "python -m sandboxes.engine start" in capsys.readouterr().err


def test_without_its_image_nothing_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = tmp_path / "machine.toml"
    machine.write_text('[sandbox]\nimage = "retort-sandbox-none:latest"\nslots = 1\n')
    file = write(tmp_path / "in.jsonl", [line(1, "print(4)")])
    assert grade(file, tmp_path / "out.jsonl", "--machine", str(machine)) == 1
    assert "no image retort-sandbox-none:latest" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_more_memory_than_the_engine_has_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line("a", "print(4)"), line("b", "print(4)", limits={"memory_bytes": 1 << 50})]
    file = write(tmp_path / "in.jsonl", lines)
    assert grade(file, tmp_path / "out.jsonl") == 1
    assert "line with id 'b': expected limits.memory_bytes of at most" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_line_may_have_more_memory_than_the_default(tmp_path: Path) -> None:
    program = "print(2 * int(input())) if len(bytearray(600 << 20)) else 0"
    lines = [line("a", program), line("b", program, limits={"memory_bytes": 700 << 20})]
    out = tmp_path / "out.jsonl"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    assert [one["verdict"] for one in results(out)] == ["memory", "correct"]


def test_containers_that_always_die_make_infra_lines_that_the_next_command_mends(
    tmp_path: Path, client: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever container runs one of the programs is killed."""
    done = threading.Event()
    mine = {"filters": {"label": OWNED}, "ignore_removed": True}
    spared = {container.id for container in client.containers.list(**mine)}

    def kill_each() -> None:
        while not done.wait(0.05):
            for container in client.containers.list(**mine):
                ours = container.labels[OWNED].startswith(f"{os.getpid()} ")
                if ours and container.id not in spared and is_slow(container):
                    with contextlib.suppress(docker.errors.APIError):
                        container.kill()

    def is_slow(container: Any) -> bool:
        with contextlib.suppress(docker.errors.APIError):
            processes = container.top()["Processes"]
            return any("sleep-marker" in " ".join(one) for one in processes)
        return False

    sleeps = "import subprocess\nsubprocess.run(['sh', '-c', 'sleep 3 # sleep-marker'])\n"
    right = "print(int(input()) * 2)"
    lines = [line(0, right), line(1, sleeps + right), line(2, right)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    killer = threading.Thread(target=kill_each)
    killer.start()
    try:
        assert grade(file, out, "--workers", "1") == 1
    finally:
        done.set()
        killer.join()
    found = results(out)
    assert [(one["id"], one["verdict"]) for one in found] == [
        (0, "correct"),
        (1, "infra"),
        (2, "correct"),
    ]
    assert (found[1]["passed"], found[1]["total"]) == (0, 0)
    assert "containers died under the same program" in found[1]["detail"]
    assert "1 of 3 lines are `infra`: the machine failed on them twice" in capsys.readouterr().err

    assert grade(file, out, "--workers", "1") == 0
    mended = results(out)
    assert [(one["id"], one["verdict"]) for one in mended] == [(n, "correct") for n in range(3)]
    assert (mended[0], mended[2]) == (found[0], found[2])


@pytest.mark.soak
def test_an_engine_that_goes_for_good_ends_the_command(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    """A relay to the engine's socket stands for the engine; it is waited for for a minute."""
    relay = EngineRelay(tmp_path / "docker.sock")
    out = tmp_path / "out.jsonl"
    slow = "import time; time.sleep(0.2); print(int(input()) * 2)"
    file = write(tmp_path / "in.jsonl", [line(n, slow) for n in range(300)])
    process = started(file, out, "--workers", "2", DOCKER_HOST=relay.host)
    try:
        until(out, 10, process)
        relay.kill()
        begun = time.monotonic()
        for container in client.containers.list(filters={"label": OWNED}, ignore_removed=True):
            if container.labels[OWNED].startswith(f"{process.pid} "):
                container.kill()
        _, said = process.communicate(timeout=200)
    finally:
        relay.kill()
        process.kill()
    assert process.returncode == 1
    assert 55 < time.monotonic() - begun < 150
    assert "SandboxUnavailable: Docker: expected an engine that answers" in said
    there = results(out)
    assert {one["verdict"] for one in there} == {"correct"}
    assert 10 <= len(there) < 300
    assert grade(file, out, "--workers", "4") == 0
    assert results(out)[: len(there)] == there
    assert sorted(one["id"] for one in results(out)) == list(range(300))


def test_programs_in_cpp_are_graded_beside_python(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    try:
        client.images.get(CPP.image)
    except docker.errors.ImageNotFound:
        if os.environ.get("RETORT_NO_SKIPS"):
            raise
        pytest.skip(f"no image {CPP.image}")
    head = "#include <iostream>\nint main() { long long n; std::cin >> n; "
    cpp = [
        head + "std::cout << n * 2; }",
        head + "std::cout << n * n; }",
        head + "std::cout << n * 2 }",
        head + "return 3; }",
        head + "for (;;) n++; }",
    ]
    lines = [line(f"c{n}", one, language="cpp", limits=LIMITS) for n, one in enumerate(cpp)]
    lines.insert(2, line("p", "print(int(input()) * 2)"))
    out = tmp_path / "out.jsonl"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    found = results(out)
    assert [one["id"] for one in found] == ["c0", "c1", "p", "c2", "c3", "c4"]
    assert [one["verdict"] for one in found] == [
        "correct",
        "incorrect",
        "correct",
        "syntax",
        "error",
        "timeout",
    ]


def test_a_named_pipe_or_a_missing_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "none"):
        assert grade(tmp_path / name, tmp_path / "out.jsonl") == 1
        assert f"{tmp_path / name}: expected a file, found none" in capsys.readouterr().err
