"""Rows of GSM8K, MATH, HumanEval and MBPP, each in its own form -> problems."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from factory.collect.rows import SourceRow
from factory.digest import canonical_json
from factory.grade.math.extract import last_boxed
from schemas.problem import Domain, GraderName, Problem
from schemas.source_settings import Gsm8kSource, HumanEvalSource, MathSource, MbppSource

KnownSet = Gsm8kSource | MathSource | HumanEvalSource | MbppSource

HUMANEVAL_INSTRUCTION: Final = (
    "Complete the following Python function. Give the whole function with its imports in one "
    "Python code block."
)
MBPP_TEST_LINE: Final = "Your code should pass this test:"


def gsm8k(source: KnownSet, row: SourceRow, at: int) -> Problem:
    """A problem of GSM8K; the gold stands after `####`.

    Raises:
        SourceError: The row is not of this form.
    """
    solution = row.text("answer")
    _, marker, gold = solution.rpartition("####")
    if not marker or not gold.strip():
        raise row.wrong("answer", "a gold answer after ####", solution[-60:])
    return Problem(
        problem_id=f"{source.name}/{at}",
        statement=row.text("question"),
        gold=gold.strip(),
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source=source.name,
        license=source.license,
        category="",
        level="",
        reasoning=True,
        solution=solution,
    )


def math(source: KnownSet, row: SourceRow, at: int) -> Problem:
    r"""A problem of MATH; the gold is the last `\boxed` of the solution.

    Raises:
        SourceError: The row is not of this form.
    """
    solution = row.text("solution")
    gold = last_boxed(solution)
    if not gold:
        raise row.wrong("solution", "a gold answer in the last \\boxed", solution[-60:])
    return Problem(
        problem_id=f"{source.name}/{row.identifier('idx', at)}",
        statement=row.text("problem"),
        gold=gold,
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source=source.name,
        license=source.license,
        category=row.text("type", optional=True),
        level=row.text("level", optional=True),
        reasoning=True,
        solution=solution,
    )


def humaneval(source: KnownSet, row: SourceRow, at: int) -> Problem:
    """A problem of HumanEval: a stub to complete, and tests that call `check`.

    Raises:
        SourceError: The row is not of this form.
    """
    stub, test, entry_point = row.text("prompt"), row.text("test"), row.text("entry_point")
    try:
        helpers = _without(stub, entry_point)
    except SyntaxError as error:
        raise row.wrong("prompt", "a Python stub", stub[:60]) from error
    gold = {
        "kind": "asserts",
        "code": f"{helpers}\n{test}\ncheck(candidate)\n",
        "entry_point": entry_point,
    }
    return Problem(
        problem_id=f"{source.name}/{row.identifier('task_id', at)}",
        statement=f"{HUMANEVAL_INSTRUCTION}\n\n```python\n{stub.strip()}\n```",
        gold=canonical_json(gold),
        grader=GraderName.CODE,
        domain=Domain.CODE,
        source=source.name,
        license=source.license,
        category="",
        level="",
        reasoning=True,
        solution=stub + row.text("canonical_solution"),
    )


def _without(stub: str, entry_point: str) -> str:
    """The imports and helper functions of a stub, as the tests may use them.

    Some tests call a helper of the prompt (`poly`, `encode_cyclic`): they must not take it from
    the program that is under test.
    """
    module = ast.parse(stub)
    kept = [
        node
        for node in module.body
        if not (isinstance(node, ast.FunctionDef) and node.name == entry_point)
    ]
    return ast.unparse(ast.Module(kept, type_ignores=[]))


def mbpp(source: KnownSet, row: SourceRow, at: int) -> Problem:
    """A problem of MBPP: a text with one of its assertions, graded by all.

    Raises:
        SourceError: The row is not of this form.
    """
    tests = row.value("test_list")
    if not isinstance(tests, list) or not tests or not all(isinstance(one, str) for one in tests):
        raise row.wrong("test_list", "a list of assertions", tests)
    setup = row.text("test_setup_code", optional=True)
    code = "\n".join([setup, *tests] if setup.strip() else tests)
    return Problem(
        problem_id=f"{source.name}/{row.identifier('task_id', at)}",
        statement=f"{row.text('text')}\n\n{MBPP_TEST_LINE}\n\n```python\n{tests[0]}\n```",
        gold=canonical_json({"kind": "asserts", "code": f"{code}\n"}),
        grader=GraderName.CODE,
        domain=Domain.CODE,
        source=source.name,
        license=source.license,
        category="",
        level="",
        reasoning=True,
        solution=row.text("code"),
    )


ADAPTERS: Final[dict[str, Callable[[KnownSet, SourceRow, int], Problem]]] = {
    "gsm8k": gsm8k,
    "math": math,
    "humaneval": humaneval,
    "mbpp": mbpp,
}
"""By the kind of the source; each takes the source, a row and its number from 0."""
