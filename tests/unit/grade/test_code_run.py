"""How a problem's programs are run, where its gold says so."""

from __future__ import annotations

import json

import pytest

from factory.grade.code import raised, read_code_gold
from factory.grade.code_run import CodeRun
from sandboxes import Limits, Stdio

TESTS = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "1"}]}


def test_limits_of_a_problem_raise_those_of_the_recipe_and_never_lower_them() -> None:
    run = CodeRun(cpu_s=60, wall_s=1, output_bytes=10)
    found = raised(Limits(wall_s=10, cpu_s=5, memory_bytes=7, output_bytes=9), run)
    assert found == Limits(wall_s=10, cpu_s=60, memory_bytes=7, output_bytes=10)
    assert raised(Limits(), CodeRun()) == Limits()


def test_a_gold_without_the_key_is_run_as_the_recipe_has_it() -> None:
    tests, run = read_code_gold(json.dumps(TESTS))
    assert isinstance(tests, Stdio)
    assert run == CodeRun()
    assert run.program("print(1)") == "print(1)"


def test_what_stands_before_a_program_is_on_lines_of_its_own() -> None:
    _, run = read_code_gold(json.dumps(TESTS | {"run": {"prelude": "import math"}}))
    assert run.program("print(1)") == "import math\nprint(1)"


@pytest.mark.parametrize("run", [{"cpu_s": 0}, {"unknown": 1}, [], "x", {"output_bytes": "many"}])
def test_a_key_of_another_form_is_an_error(run: object) -> None:
    with pytest.raises(ValueError, match="CodeRun"):
        read_code_gold(json.dumps(TESTS | {"run": run}))
