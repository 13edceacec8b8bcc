"""HumanEval's and MBPP's own solutions are right in every mode that fits, and wrong once broken."""

from __future__ import annotations

import ast
import builtins
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandboxes import Limits, SandboxPool, Verdict, parse_tests

LIMITS = Limits(wall_s=30, cpu_s=20, memory_bytes=384 << 20)

# Wraps the function under test so that every result is another: what is broken on purpose.
BROKEN = """

def _broken(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        return value + 1
    if isinstance(value, str):
        return value + "?"
    if isinstance(value, (list, tuple)):
        return type(value)([*value, 0])
    if isinstance(value, (set, frozenset)):
        return value | {"?"}
    if isinstance(value, dict):
        return {**value, "?": 0}
    return 0 if value is None else None

def _wrap(function):
    return lambda *args, **kwargs: _broken(function(*args, **kwargs))

NAME = _wrap(NAME)
"""

SCRIPT = """
import ast, json, sys
for line in sys.stdin:
    print(json.dumps(NAME(*ast.literal_eval(line)), sort_keys=True))
"""

# It returns 0 and 1 where its assertions say False and True: `==` takes that, plain values do not.
NOT_PLAIN = {"MBPP/414"}


@dataclass(frozen=True)
class Task:
    """A reference solution with the tests that it came with."""

    name: str
    entry_point: str
    program: str
    asserts: dict[str, Any]
    calls: tuple[tuple[list[Any], Any], ...]
    """Arguments and result of the assertions that compare one call with a plain value."""


def humaneval(data: Path) -> Iterator[Task]:
    with gzip.open(data / "humaneval" / "HumanEval.jsonl.gz", "rt") as file:
        for row in map(json.loads, file):
            name = row["entry_point"]
            code = f"{row['test']}\n\ncheck(candidate)\n"
            asserts = {"kind": "asserts", "code": code, "entry_point": name}
            program = row["prompt"] + row["canonical_solution"]
            calls = tuple(calls_of(row["test"], "candidate"))
            yield Task(row["task_id"], name, program, asserts, calls)


def mbpp(data: Path) -> Iterator[Task]:
    with open(data / "mbpp" / "mbpp.jsonl") as file:
        for row in map(json.loads, file):
            code = "\n".join([row["test_setup_code"], *row["test_list"]])
            name = called_in(row["test_list"][0])
            asserts = {"kind": "asserts", "code": code}
            calls = tuple(calls_of("\n".join(row["test_list"]), name))
            yield Task(f"MBPP/{row['task_id']}", name, row["code"], asserts, calls)


def called_in(assertion: str) -> str:
    """The program's function in an assertion: the innermost name called that is no builtin."""
    names = [
        node.func.id
        for node in ast.walk(ast.parse(assertion))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    own = [name for name in names if not hasattr(builtins, name) and name not in ("set", "math")]
    return (own or names)[0]


def calls_of(code: str, function: str) -> Iterator[tuple[list[Any], Any]]:
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Assert) or not isinstance(node.test, ast.Compare):
            continue
        call, (operator, *_), (right, *_) = node.test.left, node.test.ops, node.test.comparators
        if not isinstance(operator, ast.Eq) or not isinstance(call, ast.Call) or call.keywords:
            continue
        if not isinstance(call.func, ast.Name) or call.func.id != function:
            continue
        try:
            arguments = [ast.literal_eval(argument) for argument in call.args]
            expected = ast.literal_eval(right)
        except ValueError:
            continue
        if is_plain([arguments, expected]):
            yield arguments, expected


def is_plain(value: Any) -> bool:
    """Whether a value survives JSON as it is: no tuples, sets, or keys that are no text."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def as_calls(task: Task) -> dict[str, Any]:
    cases = [{"args": arguments, "expected": expected} for arguments, expected in task.calls]
    return {"kind": "call", "entry_point": task.entry_point, "cases": cases}


def as_script(task: Task) -> dict[str, Any]:
    stdin = "".join(f"{arguments!r}\n" for arguments, _ in task.calls)
    stdout = "".join(f"{json.dumps(expected, sort_keys=True)}\n" for _, expected in task.calls)
    return {"kind": "stdio", "cases": [{"stdin": stdin, "stdout": stdout}], "tolerance": 1e-9}


def verdicts(
    pool: SandboxPool, runs: list[tuple[str, str, dict[str, Any]]]
) -> dict[str, tuple[Verdict, str]]:
    """The verdict of each named run of a program against tests."""

    def one(run: tuple[str, str, dict[str, Any]]) -> tuple[Verdict, str]:
        outcome = pool.run(run[1], parse_tests(run[2]), LIMITS)
        return outcome.verdict, outcome.detail

    with ThreadPoolExecutor(2) as threads:
        return dict(zip([run[0] for run in runs], threads.map(one, runs), strict=True))


@pytest.fixture(scope="module")
def two_slots(pool: SandboxPool) -> Iterator[SandboxPool]:
    """A pool of two slots; the fixture `pool` skips where there is no engine."""
    with SandboxPool(slots=2, memory_bytes=1 << 30) as pool:
        yield pool


@pytest.fixture(scope="module")
def tasks(data: Path) -> list[Task]:
    found = [*humaneval(data), *mbpp(data)]
    assert Counter(task.name.split("/")[0] for task in found) == {"HumanEval": 164, "MBPP": 974}
    return found


def broken(task: Task) -> str:
    return task.program + BROKEN.replace("NAME", task.entry_point)


def test_every_reference_solution_is_correct_in_asserts(
    two_slots: SandboxPool, tasks: list[Task]
) -> None:
    found = verdicts(two_slots, [(task.name, task.program, task.asserts) for task in tasks])
    assert {name: v for name, v in found.items() if v[0] is not Verdict.CORRECT} == {}


def test_every_broken_solution_fails_in_asserts(two_slots: SandboxPool, tasks: list[Task]) -> None:
    found = verdicts(two_slots, [(task.name, broken(task), task.asserts) for task in tasks])
    assert {name: v for name, v in found.items() if v[0] is Verdict.CORRECT} == {}


@pytest.mark.parametrize("mode", [as_calls, as_script])
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_plain_assertions_hold_as_calls_and_as_scripts(
    two_slots: SandboxPool, tasks: list[Task], mode: Any, every: int
) -> None:
    fitting = [task for task in tasks if task.calls and task.name not in NOT_PLAIN]
    assert len(fitting) > 600
    fitting = fitting[::every]
    suffix = SCRIPT if mode is as_script else ""
    right = [
        (task.name, task.program + suffix.replace("NAME", task.entry_point), mode(task))
        for task in fitting
    ]
    wrong = [
        (task.name, broken(task) + suffix.replace("NAME", task.entry_point), mode(task))
        for task in fitting
    ]
    found = verdicts(two_slots, right)
    assert {name: v for name, v in found.items() if v[0] is not Verdict.CORRECT} == {}
    found = verdicts(two_slots, wrong)
    assert {name: v for name, v in found.items() if v[0] is Verdict.CORRECT} == {}
