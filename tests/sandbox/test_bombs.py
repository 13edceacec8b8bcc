"""Programs that use too much are stopped, named rightly, and harm nobody after them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from sandboxes import Limits, SandboxPool, Verdict
from tests.sandbox.conftest import Run

HONEST = {"kind": "stdio", "cases": [{"stdin": "20", "stdout": "21"}]}


@pytest.fixture(autouse=True)
def honest_run_after(run: Run) -> Iterator[None]:
    yield
    assert run("print(int(input()) + 1)", HONEST).verdict is Verdict.CORRECT


def stdio(*stdin: str) -> dict[str, object]:
    return {"kind": "stdio", "cases": [{"stdin": text, "stdout": "ok"} for text in stdin or ("",)]}


BOMBS = {
    "an endless loop": ("while True: pass", Verdict.TIMEOUT),
    "a long sleep": ("import time\ntime.sleep(60)", Verdict.TIMEOUT),
    "a loop that ignores signals": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass",
        Verdict.TIMEOUT,
    ),
    "waiting for input that never comes": ("import signal\nsignal.pause()", Verdict.TIMEOUT),
    "a catastrophic expression": (
        "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
        Verdict.TIMEOUT,
    ),
    "memory": ("data = bytearray(1 << 30)", Verdict.MEMORY),
    "memory in small pieces": ("data = []\nwhile True: data.append(' ' * 10000)", Verdict.MEMORY),
    "a flood of output": ("while True: print('x' * 100000)", Verdict.OUTPUT_LIMIT),
    "a flood of errors": (
        "import sys\nwhile True: sys.stderr.write('x' * 100000)",
        Verdict.OUTPUT_LIMIT,
    ),
    "a flood by a child": (
        "import os\nif os.fork():\n    os.wait()\nwhile True: os.write(1, b'x' * 100000)",
        Verdict.OUTPUT_LIMIT,
    ),
    "endless recursion": ("def f(): return f()\nf()", Verdict.ERROR),
    "a kill of itself": ("import os\nos.kill(os.getpid(), 9)", Verdict.ERROR),
    "a crash of the interpreter": ("import ctypes\nctypes.string_at(0)", Verdict.ERROR),
}


@pytest.mark.parametrize(("program", "verdict"), BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_has_its_verdict(run: Run, program: str, verdict: Verdict) -> None:
    outcome = run(program, stdio(), wall_s=3, cpu_s=2)
    assert outcome.verdict is verdict, outcome
    assert outcome.wall_s < 3 * 3 + 1.5, "three times the limit, on a machine that others keep busy"


FORK_BOMBS = {
    "fork": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "threads": "import threading, time\nwhile True:\n    try:\n"
    "        threading.Thread(target=time.sleep, args=(60,)).start()\n"
    "    except RuntimeError: pass",
    "memory in many processes": "import os\nfor _ in range(40):\n    if os.fork() == 0: break\n"
    "data = bytearray(200 << 20)\nimport time\ntime.sleep(60)",
}


@pytest.mark.parametrize("program", FORK_BOMBS.values(), ids=FORK_BOMBS.keys())
def test_a_bomb_of_processes_ends(run: Run, program: str) -> None:
    outcome = run(program, stdio(), wall_s=2, cpu_s=1)
    assert outcome.verdict in (Verdict.TIMEOUT, Verdict.MEMORY, Verdict.ERROR), outcome
    assert outcome.wall_s < 20, "the limit, and the time to take down what it started"


def test_memory_of_files_and_processes_together_is_bounded(run: Run) -> None:
    program = """
import os, time
for _ in range(12):
    if os.fork() == 0:
        data = bytearray(200 << 20)
        for at in range(0, len(data), 4096): data[at] = 1
        time.sleep(60)
data = bytearray(240 << 20)
for at in range(0, len(data), 4096): data[at] = 1
time.sleep(60)
"""
    outcome = run(program, stdio(), wall_s=6, cpu_s=4)
    assert outcome.verdict in (Verdict.TIMEOUT, Verdict.MEMORY), outcome


def test_limits_hold_over_all_cases_together(run: Run) -> None:
    program = "import time\ntime.sleep(0.6)\nprint('ok')"
    outcome = run(program, stdio("", "", "", ""), wall_s=1.5)
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.TIMEOUT, 2, 4)


@pytest.mark.parametrize("kind", ["call", "asserts"])
def test_functions_have_the_same_limits(run: Run, kind: str) -> None:
    tests: dict[str, object] = {
        "call": {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": 1}]},
        "asserts": {"kind": "asserts", "code": "assert f() == 1"},
    }[kind]
    for body, verdict in {
        "while True: pass": Verdict.TIMEOUT,
        "__import__('time').sleep(60)": Verdict.TIMEOUT,
        "return bytearray(1 << 30)": Verdict.MEMORY,
        "print('x' * (1 << 22))": Verdict.OUTPUT_LIMIT,
        "import os; os.kill(os.getpid(), 11)": Verdict.ERROR,
    }.items():
        outcome = run(f"def f():\n    {body}", tests, wall_s=2, cpu_s=1)
        assert outcome.verdict is verdict, (body, outcome)


def test_a_result_too_large_is_a_verdict(run: Run) -> None:
    program = "def f(): return 'x' * (20 << 20)"
    for tests in (
        {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": 1}]},
        {"kind": "asserts", "code": "assert f() == 1"},
    ):
        outcome = run(program, tests)
        assert outcome.verdict in (Verdict.ERROR, Verdict.OUTPUT_LIMIT, Verdict.MEMORY), outcome


def test_values_that_cannot_be_read_are_a_verdict(run: Run) -> None:
    program = "def f():\n    deep = []\n    for _ in range(100000): deep = [deep]\n    return deep"
    for tests in (
        {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": [[]]}]},
        {"kind": "asserts", "code": "assert f() == [[]]"},
    ):
        assert run(program, tests).verdict in (Verdict.ERROR, Verdict.INCORRECT)


BUSY = "import time\nend = time.process_time() + {s}\nwhile time.process_time() < end: pass\n"
PATIENT = {
    "one long case": (BUSY.format(s=0.4) + "print('ok')", 1),
    "many short cases": (BUSY.format(s=0.1) + "print('ok')", 4),
    "a thread that works, and one that waits": (
        "import threading\ndef main():\n    "
        + BUSY.format(s=0.4).replace("\n", "\n    ")
        + "print('ok')\nthread = threading.Thread(target=main)\nthread.start()\nthread.join()",
        1,
    ),
}


@pytest.mark.parametrize(("program", "cases"), PATIENT.values(), ids=PATIENT)
def test_a_busy_machine_does_not_make_a_timeout(run: Run, program: str, cases: int) -> None:
    cores = len(os.sched_getaffinity(0))
    load = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(3 * cores)]
    try:
        outcome = run(program, stdio(*[""] * cases), wall_s=0.8)
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert outcome.verdict is Verdict.CORRECT, outcome


def frames(value: str) -> str:
    """A program that reports a value of its own making."""
    return (
        "import json, os, struct\ndef f():\n"
        f"    data = json.dumps({{'value': {value}}}).encode()\n"
        "    os.write(3, struct.pack('>I', len(data)) + data)\n    os._exit(0)"
    )


COLLIDING = "[['l', (2 ** 61 - 1) * k] for k in range(100_000)]"


def test_a_report_that_is_slow_to_read_costs_the_host_little(run: Run, pool: SandboxPool) -> None:
    tests = {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": [1]}]}
    began = time.process_time()
    assert run(frames(COLLIDING), tests).verdict is not Verdict.CORRECT
    for value in (COLLIDING, "['x', 'Fraction', '1e99999999']", "['x', 'Decimal', '1e99999999']"):
        found = pool.evaluate(frames(value), "f", [], Limits())
        assert found.verdict in (Verdict.ERROR, Verdict.OUTPUT_LIMIT, Verdict.CORRECT), found
    assert time.process_time() - began < 3


def test_values_nested_deeply_on_both_sides_are_a_verdict(run: Run) -> None:
    deep: list[object] = []
    for _ in range(450):
        deep = [deep]
    program = (
        "import sys\nsys.setrecursionlimit(10 ** 6)\n"
        "def f():\n    deep = []\n    for _ in range(450): deep = [deep]\n    return deep"
    )
    tests = {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": deep}]}
    assert isinstance(run(program, tests).verdict, Verdict)
