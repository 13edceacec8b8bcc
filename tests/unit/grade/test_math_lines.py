"""`retort grade math`: its lines, verdicts, settings, `kill -9`, and workers that die."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest

from retort.command import main
from schemas.verdict import Status

Values = dict[str, Any]
FIELDS = ("id", "verdict", "extracted", "method", "wall_s")
LINE = {"id": "a", "gold": "1/2", "response": r"So it is \boxed{0.5}."}
PROVED = (r"\sin^2\frac{x}{1+y}+\cos^2\frac{x}{1+y}", "1")
_COUNT = 300
SLOW = (
    ",".join(rf"\sqrt2+\sqrt3+{n}" for n in range(_COUNT)),
    ",".join(rf"\sqrt{{5+2\sqrt6}}+{n}" for n in range(_COUNT)),
)
"""Each of its numbers wants a proof: some ten seconds."""
_REST = "+y+z+w+v+u+a+b"
LARGE = (rf"(\sin^2\frac{{x}}{{1+y}}+\cos^2\frac{{x}}{{1+y}}{_REST})^{{60}}", f"(1{_REST})^{{60}}")
"""More than 128 MiB."""


def write(file: Path, lines: Iterable[Values]) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return file


def results(out: Path) -> list[Values]:
    return [json.loads(one) for one in out.read_bytes().splitlines()]


def verdicts(out: Path) -> dict[str | int, str]:
    return {one["id"]: one["verdict"] for one in results(out)}


def grade(file: Path, out: Path, *more: str) -> int:
    return main(["grade", "math", str(file), "--out", str(out), *more])


def graded(folder: Path, *lines: Values, more: Iterable[str] = ()) -> list[str]:
    """Verdicts on lines, which get ids, with one worker."""
    out = folder / "out.jsonl"
    numbered = [{"id": n, **line} for n, line in enumerate(lines)]
    assert grade(write(folder / "in.jsonl", numbered), out, "--workers", "1", *more) == 0
    assert [one["id"] for one in results(out)] == list(range(len(lines)))
    return [one["verdict"] for one in results(out)]


# ------------------------------------------------------------------------------------ the lines


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": None}, "`gold`: expected a valid string, found None"),
        ({"gold": 42}, "`gold`: expected a valid string, found 42"),
        ({"gold": " "}, "`gold`: expected an answer, found ' '"),
        ({"response": ["x"]}, "`response`: expected a valid string, found ['x']"),
        ({"response": None}, "expected `response` or `answer`, one of them, found none"),
        ({"answer": "5"}, "expected `response` or `answer`, one of them, found both"),
        ({"response": None, "answer": 5}, "`answer`: expected a valid string, found 5"),
        ({"finish_reason": "stopped"}, "`finish_reason`: expected 'stop', 'length' or 'unknown'"),
        ({"finish_reason": 1}, "`finish_reason`: expected 'stop', 'length' or 'unknown', found 1"),
        ({"solution": "5"}, "`solution`: expected no such key, found one"),
        ({"id": 1.5}, "`id`: expected a string or an integer, found 1.5"),
        ({"id": "a"}, "expected an id that no other line has, found 'a', which line 1 has"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Values, message: str
) -> None:
    file = write(tmp_path / "in.jsonl", [LINE, LINE | {"id": 2} | change])
    assert grade(file, tmp_path / "out.jsonl") == 1
    said = capsys.readouterr().err
    assert f"{file}:2: {message}" in said
    assert f"GradeFileError: {file}: expected every line to be right, found 1 wrong; " in said
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("id", "`id`: expected a string or an integer, found none"),
        ("gold", "`gold`: expected this key, found none"),
        ("response", "expected `response` or `answer`, one of them, found none"),
    ],
)
def test_a_missing_key_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, message: str
) -> None:
    line = {name: value for name, value in LINE.items() if name != key}
    file = write(tmp_path / "in.jsonl", [line])
    assert grade(file, tmp_path / "out") == 1
    assert f"{file}:1: {message}" in capsys.readouterr().err


def test_a_key_that_is_null_is_as_one_that_is_not_there(tmp_path: Path) -> None:
    nulls = {"answer": None, "finish_reason": None}
    assert graded(tmp_path, {**LINE, "id": 0, **nulls}) == ["correct"]


def test_a_file_may_hold_any_text(tmp_path: Path) -> None:
    long = "Let us see. " * 300_000
    texts = ["", "\ud800", "\0", "\\boxed{\ud800}", "\\boxed{\0}", "\\boxed{5\0}", long, "é\u2028"]
    lines = [{"gold": "5", "response": text} for text in texts]
    lines += [{"gold": "5", "answer": text} for text in texts]
    found = graded(tmp_path, *lines, {"gold": "5\ud800", "response": long + r"\boxed{5}"})
    assert set(found[:-1]) <= {"incorrect", "unparsable", "correct"}
    right = {"gold": "5", "response": long + r"\boxed{5}"}
    (tmp_path / "out.jsonl").unlink()
    assert graded(tmp_path, right) == ["correct"]


# ----------------------------------------------------------------------------------- verdicts


def test_each_line_gets_its_verdict_in_order_with_five_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thought = "<think>Perhaps 3.</think>"
    lines = {
        "boxed": {"gold": r"\frac{1}{2}", "response": r"So it is \boxed{0.5}."},
        "gsm8k": {"gold": "3 + 4 = <<3+4=7>>7\n#### 7", "response": "The answer is 7."},
        "thought": {"gold": "7", "response": thought + r"It is $\boxed{7}$."},
        "wrong": {"gold": "7", "response": thought + r"It is $\boxed{8}$."},
        "nothing": {"gold": "7", "response": "I do not know."},
        "endless": {"gold": "7", "response": "<think>It is 7, or is it"},
        "cut": {"gold": "7", "response": "First 3, then 7", "finish_reason": "length"},
        "answer": {"gold": r"\sqrt{12}", "answer": r"2\sqrt{3}"},
        "wrong answer": {"gold": r"\sqrt{12}", "answer": r"3\sqrt{2}"},
    }
    out = tmp_path / "out.jsonl"
    file = write(tmp_path / "in.jsonl", [{"id": name, **line} for name, line in lines.items()])
    assert grade(file, out, "--workers", "1") == 0
    assert list(verdicts(out).items()) == [
        ("boxed", "correct"),
        ("gsm8k", "correct"),
        ("thought", "correct"),
        ("wrong", "incorrect"),
        ("nothing", "unparsable"),
        ("endless", "truncated"),
        ("cut", "truncated"),
        ("answer", "correct"),
        ("wrong answer", "incorrect"),
    ]
    found = results(out)
    assert {tuple(one) for one in found} == {FIELDS}
    assert [one["extracted"] for one in found][:6] == ["0.5", "7", "7", "8", "", ""]
    assert all(one["method"] and 0 < one["wall_s"] < 60 for one in found)
    assert "9 lines (0 of them kept): 4 correct, 2 incorrect, 2 truncated, 1 unpar" in (
        capsys.readouterr().err
    )


def test_nothing_is_searched_in_an_answer(tmp_path: Path) -> None:
    text = "First I had 4, then I had 5"
    cut = {"gold": "5", "answer": "5", "finish_reason": "length"}
    response, answer, short = graded(
        tmp_path, {"gold": "5", "response": text}, {"gold": "5", "answer": text}, cut
    )
    assert (response, short) == ("correct", "correct")
    assert answer in ("incorrect", "unparsable")


def test_a_comparison_past_its_deadline_is_a_timeout(tmp_path: Path) -> None:
    easy, proved = {"gold": "7", "answer": "7"}, {"gold": PROVED[0], "answer": PROVED[1]}
    limit = ("--deadline-s", "0.001")
    assert graded(tmp_path, easy, proved, easy, more=limit) == ["correct", "timeout", "correct"]


def test_a_comparison_past_its_memory_is_memory(tmp_path: Path) -> None:
    easy, large = {"gold": "7", "answer": "7"}, {"gold": LARGE[0], "answer": LARGE[1]}
    limit = ("--memory-bytes", str(128 << 20), "--deadline-s", "60")
    assert graded(tmp_path, easy, large, easy, more=limit) == ["correct", "memory", "correct"]


def test_many_workers_grade_every_line_once(tmp_path: Path) -> None:
    lines = [{"id": n, "gold": f"{n}", "answer": f"{n + n % 3}"} for n in range(2000)]
    lines += [
        {"id": 2000 + n, "gold": f"{PROVED[0]}+{n}", "answer": f"{n + 1 + n % 2}"}
        for n in range(30)
    ]
    out = tmp_path / "out.jsonl"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "3") == 0
    right = [n % 3 == 0 for n in range(2000)] + [n % 2 == 0 for n in range(30)]
    assert len(results(out)) == len(lines)
    assert verdicts(out) == {n: "correct" if one else "incorrect" for n, one in enumerate(right)}


# ------------------------------------------------------------------------------------ settings


def test_a_policy_decides_and_another_is_not_mixed_into_the_same_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('percent = "value"\n')
    lines = [{"gold": "50", "answer": r"50\%"}, {"gold": "0.5", "answer": r"50\%"}]
    assert graded(tmp_path, *lines) == ["correct", "correct"]
    before = (tmp_path / "out.jsonl").read_bytes()
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    for more, found in (
        (("--policy", str(policy)), 'percent "either" (now "value")'),
        (("--deadline-s", "9"), "deadline_s 5.0 (now 9.0)"),
        (("--memory-bytes", "500000000"), "memory_bytes 1073741824 (now 500000000)"),
    ):
        assert grade(file, out, *more) == 1
        said = capsys.readouterr().err
        assert f"expected results reached with the same settings, found {found}; " in said
        assert out.read_bytes() == before
    assert grade(file, out, "--workers", "2") == 0
    assert "2 lines (2 of them kept): 2 correct" in capsys.readouterr().err
    assert grade(file, tmp_path / "other.jsonl", "--policy", str(policy), "--workers", "1") == 0
    assert verdicts(tmp_path / "other.jsonl") == {0: "incorrect", 1: "correct"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('percents = "value"', "`percents`: expected no such key, found one; known keys: decimal"),
        ("[grade.math.policy]\n", "`grade`: expected no such key, found one"),
        ('percent = "no"', "`percent`: expected 'either' or 'value', found 'no'"),
        ("missing_unit = 0", "`missing_unit`: expected a valid boolean, found 0"),
        ("decimal_figures = -1", "`decimal_figures`: expected greater than or equal to 0, found"),
        ("percent", "expected TOML, found: "),
        (None, "expected a file that can be read, found: No such file"),
    ],
)
def test_a_wrong_policy_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    policy = tmp_path / "policy.toml"
    if content is not None:
        policy.write_text(content)
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    assert grade(file, out, "--policy", str(policy)) == 1
    assert f"RecipeError: policy {policy}: {message}" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("option", ["--workers", "--memory-bytes", "--deadline-s"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "nan", "inf", "1e9"])
def test_limits_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit):
        main(["grade", "math", "in", "--out", "out", f"{option}={value}"])
    assert f"argument {option}: expected " in capsys.readouterr().err


# -------------------------------------------------------------------------------------- resume


def started(file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """The command, first of a group of processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "retort.command", "grade", "math", file, "--out", out, *more],
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.002)


def without_time(out: Path) -> list[Values]:
    return [{**one, "wall_s": 0} for one in results(out)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.soak), "2"])
def test_a_command_that_is_killed_goes_on_where_it_was(tmp_path: Path, workers: str) -> None:
    """`kill -9` three times, each time with a line torn as by a kill in the middle of a write."""
    count = 15_000
    file = write(
        tmp_path / "in.jsonl",
        ({"id": n, "gold": f"{n}/7", "response": f"So {n + n % 2}/7."} for n in range(count)),
    )
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    assert grade(file, whole, "--workers", "1") == 0
    there: list[bytes] = []
    size = whole.stat().st_size
    for share in (0.0001, 0.3, 0.6):
        process = started(file, out, "--workers", workers)
        until(lambda: out.exists() and out.stat().st_size > share * size, process)  # noqa: B023
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        lines = out.read_bytes().splitlines(keepends=True)
        if not lines[-1].endswith(b"\n"):
            lines.pop()
        assert lines[: len(there)] == there, "a finished line was graded again"
        there = lines
        with open(out, "ab") as torn:
            torn.write(b'{"id": 39, "verdict": "corr')
    assert len(there) < count
    process = started(file, out, "--workers", workers)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert (
        f"{count} lines ({len(there)} of them kept): {count // 2} correct, {count // 2} incorrect"
        in said
    )
    assert out.read_bytes().splitlines(keepends=True)[: len(there)] == there
    if workers == "1":
        assert without_time(out) == without_time(whole)
    else:
        by_id = sorted(without_time(out), key=lambda one: one["id"])
        assert by_id == without_time(whole)


def test_a_line_that_changed_is_graded_again(tmp_path: Path) -> None:
    lines = [{"id": n, "gold": f"{n}", "answer": "1"} for n in range(3)]
    out = tmp_path / "out.jsonl"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    before = results(out)
    lines[2]["gold"] = "1"
    assert grade(write(tmp_path / "in.jsonl", lines), out, "--workers", "1") == 0
    assert results(out)[:2] == before[:2]
    assert [one["verdict"] for one in results(out)] == ["incorrect", "correct", "correct"]


# ------------------------------------------------------------------- interrupts and dead workers


def workers_of(pid: int, *, template: bool = False) -> list[psutil.Process]:
    """Processes that grade hard pairs for this one: forked from a template, which is its child."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                ours = "factory.grade.math.worker" in process.cmdline()
                if ours and (template or process.ppid() != pid):
                    found.append(process)
    return found


def busy(process: psutil.Process) -> bool:
    """Whether it has worked for longer than easy pairs take."""
    with contextlib.suppress(psutil.Error):
        return process.cpu_times().user > 0.4
    return False


@contextlib.contextmanager
def killed(condition: Callable[[psutil.Process], bool]) -> Generator[None]:
    """Kill each worker of this process for which `condition` holds."""
    done = threading.Event()

    def kill_each() -> None:
        while not done.wait(0.02):
            for process in workers_of(os.getpid(), template=True):
                if condition(process):
                    with contextlib.suppress(psutil.Error):
                        process.kill()

    killer = threading.Thread(target=kill_each)
    killer.start()
    try:
        yield
    finally:
        done.set()
        killer.join()


@pytest.mark.slow
def test_an_interrupt_makes_no_verdict_on_the_comparison_under_way(tmp_path: Path) -> None:
    """As a terminal does it: the signal goes to the command and to its workers."""
    lines = [{"id": 0, "gold": "7", "answer": "7"}]
    lines.append({"id": 1, "gold": SLOW[0], "answer": SLOW[1]})
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    process = started(file, out, "--workers", "1", "--deadline-s", "6")
    until(lambda: any(map(busy, workers_of(process.pid))), process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what is finished is kept" in said
    assert verdicts(out) in ({0: "correct"}, {0: "correct", 1: "timeout"})


@pytest.mark.slow
def test_no_worker_outlives_a_command_that_is_killed(tmp_path: Path) -> None:
    lines = [{"id": 1, "gold": SLOW[0], "answer": SLOW[1]}]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    process = started(file, out, "--workers", "1", "--deadline-s", "6")
    until(lambda: any(map(busy, workers_of(process.pid))), process)
    workers = workers_of(process.pid, template=True)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert (len(gone), alive) == (len(workers), [])


@pytest.mark.slow
def test_workers_that_always_die_make_infra_lines_that_the_next_command_mends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever worker is long at work on a pair is killed, as by a machine without memory."""
    lines = [{"id": "hard", "gold": SLOW[0], "answer": SLOW[1]}]
    lines += [{"id": f"easy/{n}", "gold": f"{n}", "answer": f"{n}"} for n in range(20)]
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    limit = ("--workers", "1", "--deadline-s", "6")
    with killed(lambda process: busy(process) and process.ppid() != os.getpid()):
        assert grade(file, out, *limit) == 1
    found = results(out)
    assert [one["id"] for one in found] == [line["id"] for line in lines]
    assert found[0] == {
        "id": "hard", "verdict": "infra", "extracted": "", "method": "", "wall_s": 0.0
    }  # fmt: skip
    assert {one["verdict"] for one in found[1:]} == {"correct"}
    said = capsys.readouterr().err
    assert "1 of 21 lines are `infra`: the machine failed on them twice, first on 'hard': " in said
    assert grade(file, out, *limit) == 0
    assert results(out)[1:] == found[1:]
    assert results(out)[0]["verdict"] == "timeout"


@pytest.mark.slow
def test_a_machine_where_no_worker_lives_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"id": n, "gold": f"{n}", "answer": f"{n}"} for n in range(300)]
    lines[200] = {"id": 200, "gold": SLOW[0], "answer": SLOW[1]}
    file, out = write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    with killed(lambda _: out.exists()):  # it comes to be when the first worker has started
        assert grade(file, out, "--workers", "1") == 1
    assert "GraderError: " in capsys.readouterr().err
    kept = len(results(out))
    assert set(verdicts(out).values()) <= {"correct"}
    assert kept < 300
    assert grade(file, out, "--workers", "1", "--memory-bytes", f"{1 << 30}") == 0
    assert f"300 lines ({kept} of them kept): 299 correct, 1 timeout" in capsys.readouterr().err


def test_memory_in_which_no_worker_can_start_is_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, out = write(tmp_path / "in.jsonl", [LINE]), tmp_path / "out.jsonl"
    assert grade(file, out, "--memory-bytes", "1024") == 1
    assert "GraderError: workers of symbolic grading: expected " in capfd.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


def test_every_verdict_of_the_command_has_been_reached_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    of_others = {Status.ERROR, Status.SYNTAX, Status.OUTPUT_LIMIT, Status.NO_MAJORITY}
    assert [one for one in set(Status) - of_others if f'"{one}"' not in here] == []
