"""Tests of code problems in foreign shapes: what is kept, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from factory.collect.code_tests import MOST_CASE_CHARS, MOST_CASES, foreign_tests
from sandboxes import parse_tests


def apps(**fields: Any) -> str:
    return json.dumps(fields)


def call(name: str, given: Any, expected: Any) -> dict[str, Any]:
    return {"type": "function_call", "fn_name": name, "input": given, "output": expected}


GOOD: list[tuple[str, Any, Any]] = [
    ("apps", apps(inputs=["1\n"], outputs=["2\n"]), {"stdin": "1\n", "stdout": "2\n"}),
    ("apps", apps(fn_name="f", inputs=[[[1], "x"]], outputs=[[True]]), True),
    ("apps", apps(fn_name="f", inputs=[["a"], ["b"]], outputs=[[1], [2, 3]]), [1]),
    ("contests", {"input": ["1"], "output": ["2"]}, {"stdin": "1", "stdout": "2"}),
    ("contests", [{"input": "1", "output": "2"}], {"stdin": "1", "stdout": "2"}),
    ("cases", {"test_cases": [call("maxScore", [[1, 2], 1], 12)]}, 12),
    ("cases", [call("f", [1], "12")], "12"),
    ("cases", [call("f", '[1, 2]\n"a"\n', "12")], 12),
    ("cases", [{"testtype": "stdin", "input": "1", "output": "2"}], {"stdin": "1", "stdout": "2"}),
]


@pytest.mark.parametrize(("shape", "value", "expected"), GOOD, ids=range(len(GOOD)))
def test_each_shape_becomes_tests_that_the_sandbox_reads(
    shape: str, value: Any, expected: Any
) -> None:
    tests = foreign_tests(shape, [value])
    parse_tests(tests)
    case = tests["cases"][0]
    assert (case if tests["kind"] == "stdio" else case["expected"]) == expected


def test_arguments_as_text_are_one_json_value_per_line() -> None:
    tests = foreign_tests("cases", [[call("f", '[1, 2]\n"a"\n', "[3]")]])
    assert tests["cases"] == [{"args": [[1, 2], "a"], "expected": 3}]


BAD: list[tuple[str, Any, str]] = [
    ("apps", "", "tests as JSON"),
    ("apps", "[" * 100_000, "tests as JSON"),
    ("apps", "[]", "`inputs` and `outputs`"),
    ("apps", apps(inputs=[], outputs=[]), "at least one test case"),
    ("apps", apps(inputs=["1"], outputs=[]), r"as many outputs as inputs \(1, not 0\)"),
    ("apps", apps(inputs="1", outputs="2"), "lists of inputs"),
    ("apps", apps(inputs=[1], outputs=[2]), "scripts as text"),
    ("apps", apps(fn_name="f", inputs=[5], outputs=[2]), "arguments of a function"),
    ("apps", apps(fn_name="a b", inputs=[[5]], outputs=[2]), "name of a function"),
    ("apps", apps(fn_name=["f"], inputs=[[5]], outputs=[2]), "lists of inputs"),
    ("contests", {"input": ["1"]}, "`input` and `output`"),
    ("contests", [{"input": "1"}], "`input` and `output`"),
    ("cases", {"language": "cpp", "test_cases": []}, "tests of Python"),
    ("cases", {"cases": []}, "a list `test_cases`"),
    ("cases", [{"type": "stdin_stdout", "input": "1"}], "`input` and `output`"),
    ("cases", [{"type": "checker", "input": "1", "output": "2"}], "type stdin_stdout or"),
    ("cases", [{"testtype": "functional", "input": "1", "output": "2"}], "type stdin_stdout or"),
    ("cases", [{"type": "function_call", "input": [1], "output": 2}], "`fn_name` in each"),
    ("cases", [call("f", [1], 2), call("g", [1], 2)], "tests of one kind"),
    ("apps", apps(inputs=["x" * MOST_CASE_CHARS], outputs=["2"]), "at most"),
]


@pytest.mark.parametrize(("shape", "value", "says"), BAD, ids=range(len(BAD)))
def test_tests_that_are_none_are_refused(shape: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        foreign_tests(shape, [value])


def test_cases_are_bounded_in_number_and_size_and_kept_once() -> None:
    inputs = ["x" * MOST_CASE_CHARS, "same", "same", *(str(n) for n in range(100))]
    tests = foreign_tests("contests", [{"input": inputs, "output": ["y"] * len(inputs)}])
    assert len(tests["cases"]) == MOST_CASES
    assert [case["stdin"] for case in tests["cases"][:3]] == ["same", "0", "1"]
