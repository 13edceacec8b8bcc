"""Deadlines, memory, dead workers and threads: one bad pair costs itself and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory.errors import GraderError
from factory.grade.math import MathGrader, grade
from factory.grade.math.compare import settle
from factory.grade.math.pool import WorkerPool
from factory.grade.math.worker import TRIAL
from factory.grade.math_lines import hard_pair
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.verdict import Status

SLOW = (r"(\sin^2\frac{x}{1+y}+\cos^2\frac{x}{1+y}+y+z+w+v+u+a+b)^{60}", "(1+y+z+w+v+u+a+b)^{60}")
HARD = (r"\sin^2\frac{x}{1+y} + \cos^2\frac{x}{1+y}", "1")
HARD_WRONG = (r"\arctan 1", r"\frac{\pi}{4} + 10^{-20}")
"""Pairs that only a worker decides."""


def test_a_pair_past_its_deadline_is_a_timeout_and_its_neighbours_are_unharmed() -> None:
    limits = GradeMath(deadline_s=1.0)
    with MathGrader(limits, workers=1) as grader:
        boxed = [(gold, rf"\boxed{{{answer}}}", FinishReason.STOP) for gold, answer in
                 (HARD, SLOW, HARD_WRONG)]  # fmt: skip
        found = grader.grade_texts(boxed)
    assert [one.status for one in found] == [Status.CORRECT, Status.TIMEOUT, Status.INCORRECT]
    assert found[1].wall_s < 1.5 and "1 seconds" in found[1].detail


@pytest.mark.parametrize(
    "answer",
    ["2^{2^{2^{2^{2^{2}}}}}", "9^9^9^9^9", "(10^9)!", "99999!!!", r"\sqrt{" * 30 + "2" + "}" * 30,
     r"e^{e^{e^{e^{10}}}}", r"\binom{10^9}{5 \cdot 10^8}", "1e999999", "(x+y+z+w)^{200}",
     r"\lfloor 10^{1000} \pi \rfloor", r"\sin(10^{10^{10}})", "1" * 1_000_000, "(" * 50 + ")" * 50,
     r"\int_0^1 e^{-x^2} dx", "|" * 5000, "-" * 9000 + "6", r"x^{x^{x^{x^{x}}}}", "1/0", "0^0"],
    ids=lambda answer: answer[:16],
)  # fmt: skip
def test_no_answer_takes_longer_than_the_deadline_or_raises(answer: str) -> None:
    grading = grade("5", rf"\boxed{{{answer}}}", deadline_s=2.0)
    assert grading.wall_s < 10  # a busy machine is late, a grader that hangs never comes
    assert grading.status in (Status.INCORRECT, Status.UNPARSABLE, Status.TIMEOUT, Status.MEMORY)


def test_a_worker_that_the_machine_kills_is_replaced_and_its_pair_asked_again() -> None:
    workers = WorkerPool(GradeMath(memory_bytes=400 * 1024 * 1024, deadline_s=20.0), 1)
    try:
        assert workers.run([HARD])[0][0].status is Status.CORRECT
        os.kill(workers.worker_pids()[0], 9)
        assert workers.run([HARD])[0][0].status is Status.CORRECT
    finally:
        workers.close()


def test_a_pair_past_its_memory_is_a_verdict() -> None:
    limits = GradeMath(memory_bytes=128 * 1024 * 1024, deadline_s=30.0)
    with MathGrader(limits, workers=1) as grader:
        found = grader.grade_answers([SLOW, HARD])
    assert [one.status for one in found] == [Status.MEMORY, Status.CORRECT]


def test_a_memory_limit_that_leaves_no_room_for_sympy_is_an_error_of_the_machine(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with MathGrader(GradeMath(memory_bytes=1024), workers=1) as grader:
        boxed = rf"\boxed{{{HARD[1]}}}"
        with pytest.raises(GraderError, match="memory_bytes"):
            grader.grade_texts([(HARD[0], boxed, FinishReason.STOP)])
    capfd.readouterr()


@pytest.mark.parametrize("pair", [TRIAL, hard_pair(0), hard_pair(7), HARD, SLOW])
def test_pairs_by_which_workers_are_tried_are_decided_by_workers_alone(
    pair: tuple[str, str],
) -> None:
    assert settle(*pair) is None


def test_many_threads_may_grade_at_once() -> None:
    wanted = {HARD: Status.CORRECT, HARD_WRONG: Status.INCORRECT}
    jobs = [HARD, HARD_WRONG] * 10
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda pair: grade(pair[0], rf"\boxed{{{pair[1]}}}").status, jobs)
    assert list(found) == [wanted[pair] for pair in jobs]


def test_a_template_that_dies_is_replaced_with_its_workers_and_leaves_nothing_open() -> None:
    with MathGrader(GradeMath(), workers=1) as grader:
        assert grader.grade_answers([HARD])[0].status is Status.CORRECT
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for fresh in range(3):
            os.kill(parent_of(grader.worker_pids()[0]), signal.SIGKILL)
            pair = (HARD[0] + f"+{fresh}", f"{1 + fresh}")
            assert grader.grade_answers([pair])[0].status is Status.CORRECT
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_workers_end_with_the_process_that_began_them() -> None:
    program = (
        "from factory.grade.math import grade; import os, time;"
        f"assert grade({HARD[0]!r}, {HARD[1]!r}).status == 'correct';"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        below = descendants(pid)
        assert len(below) == 2  # the template and a worker
        process.kill()
    deadline = time.monotonic() + 10
    while any(is_alive(one) for one in below) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in below if is_alive(one)]


def test_a_forked_process_may_grade_with_a_grader_that_its_parent_has_used() -> None:
    with MathGrader(GradeMath(), workers=1) as grader:
        assert grader.grade_answers([HARD])[0].status is Status.CORRECT
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests
            pid = os.fork()
        if pid == 0:
            status = grader.grade_answers([(HARD[0] + "+5", "6")])[0].status
            grader.close()
            os._exit(0 if status is Status.CORRECT else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert grader.grade_answers([(HARD[0] + "+7", "8")])[0].status is Status.CORRECT


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descendants(pid: int) -> list[int]:
    others = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    below = [other for other in others if is_alive(other) and parent_of(other) == pid]
    return below + [further for one in below for further in descendants(one)]
