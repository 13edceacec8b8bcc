"""Tests of code in foreign shapes, in the sandbox: right programs pass, wrong ones do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from factory.collect.code_tests import foreign_tests, method_tests
from factory.digest import canonical_json
from sandboxes import Limits, SandboxPool, Verdict, parse_tests

SCRIPT = "a, b = map(int, input().split())\nprint(a + b)"
FUNCTION = "def add(a, b):\n    return a + b"
METHOD = "class Solution:\n    def add(self, a, b):\n        return a + b"
CALL: dict[str, Any] = {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": 3}
APPS: dict[str, Any] = {"fn_name": "add", "inputs": [[1, 2], ["a", "b"]], "outputs": [[3], ["ab"]]}
LINES: dict[str, Any] = {"fn_name": "add", "type": "function_call", "input": "[1]\n[2]"}

SHAPES: list[tuple[str, Any, str]] = [
    ("apps", json.dumps({"inputs": ["1 2\n"], "outputs": ["3\n"]}), SCRIPT),
    ("apps", json.dumps(APPS), FUNCTION),
    ("contests", {"input": ["1 2\n", "4 5"], "output": ["3\n", "9"]}, SCRIPT),
    ("cases", {"test_cases": [CALL]}, FUNCTION),
    ("cases", [LINES | {"output": "[1, 2]"}], FUNCTION),
    ("cases", [CALL, LINES | {"input": [[1], [2]], "output": [1, 2]}], METHOD),
]


@pytest.mark.parametrize(("shape", "value", "program"), SHAPES, ids=range(len(SHAPES)))
def test_the_reference_passes_and_a_changed_one_does_not(
    shape: str, value: Any, program: str
) -> None:
    tests = foreign_tests(shape, [value])
    if program is METHOD:
        tests = method_tests(tests)
    read = parse_tests(json.loads(canonical_json(tests)))
    with SandboxPool(slots=1) as pool:
        right = pool.run(program, read, Limits())
        wrong = pool.run(program.replace("a + b", "b + a + a"), read, Limits())
    assert right.verdict is Verdict.CORRECT, right.detail
    assert wrong.verdict is Verdict.INCORRECT, wrong.detail
