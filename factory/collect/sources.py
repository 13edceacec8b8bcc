"""Sources -> problems: one adapter per kind of source.

Problem ids are `{source.name}/{id}`, with the id of the source where it has one and the row number
from 0 where it has none, so they do not depend on `limit`, seed or other sources.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.collect.hub import hub_folder, hub_rows
from factory.collect.rows import SourceRow, read_rows
from factory.digest import canonical_json, digest, fingerprint
from factory.errors import SourceError
from factory.grade.choice import gold_letter
from factory.grade.math.extract import last_boxed
from factory.grade.registry import package_of
from factory.recipe_file import existing
from schemas.machine import Machine
from schemas.problem import AnyGrader, Domain, GraderName, Problem
from schemas.recipe import (
    FileSource,
    Grade,
    Gsm8kSource,
    HubSource,
    HumanEvalSource,
    MathSource,
    MbppSource,
    ProceduralSource,
    ReasoningGymSource,
    Source,
)

HUMANEVAL_INSTRUCTION: Final = (
    "Complete the following Python function. Give the whole function with its imports in one "
    "Python code block."
)
MBPP_TEST_LINE: Final = "Your code should pass this test:"
_TEST_KINDS: Final = ("stdio", "call", "asserts")


@dataclass(frozen=True)
class Reading:
    """What was taken from a source."""

    problems: list[Problem]
    """In the order of the source."""
    beyond_limit: list[str]
    """Ids of the problems that `limit` left out."""


def read_source(
    source: Source, seed: int, grade: Grade | None = None, machine: Machine | None = None
) -> Reading:
    """The problems of a source: all, or the first `limit` ones in a shuffle seeded by `seed`.

    Args:
        grade, machine: For sources that make their problems in the sandbox; None: the defaults.

    Raises:
        SourceError: A file cannot be read, a row is wrong, or an id comes twice.
        RecipeError: The path of the source is not there.
        SandboxUnavailable: The source needs the sandbox and it is not there.
    """
    problems = list(iter_problems(source, grade, machine))
    seen: set[str] = set()
    for problem in problems:
        if problem.problem_id in seen:
            raise SourceError(
                f"source {source.name}: expected ids that differ, found {problem.problem_id!r} "
                f"twice; correct the column of ids, or name none to count rows"
            )
        seen.add(problem.problem_id)
    if source.limit is None or source.limit >= len(problems):
        return Reading(problems, [])
    positions = list(range(len(problems)))
    random.Random(f"limit/{seed}/{source.name}").shuffle(positions)
    taken = set(positions[: source.limit])
    return Reading(
        [problem for at, problem in enumerate(problems) if at in taken],
        [problem.problem_id for at, problem in enumerate(problems) if at not in taken],
    )


def iter_problems(
    source: Source, grade: Grade | None = None, machine: Machine | None = None
) -> Iterator[Problem]:
    """All problems of a source in its order, whatever its limit.

    Raises:
        SourceError, RecipeError, SandboxUnavailable: As for `read_source`.
    """
    match source:
        case Gsm8kSource():
            return _adapted(source, _gsm8k)
        case MathSource():
            return _adapted(source, _math)
        case HumanEvalSource():
            return _adapted(source, _humaneval)
        case MbppSource():
            return _adapted(source, _mbpp)
        case FileSource():
            rows = read_rows(existing(source.path, f"source {source.name}"))
            return (_mapped(source, row, at) for at, row in enumerate(rows))
        case HubSource():
            return (_mapped(source, row, at) for at, row in enumerate(hub_rows(source)))
        case ProceduralSource():
            from factory.collect.procedural import problems

            return iter(problems(source))
        case ReasoningGymSource():
            from factory.collect import reasoning_gym

            return reasoning_gym.problems(source, grade or Grade(), machine or Machine())


def sources_fingerprint(sources: Sequence[Source]) -> dict[str, str]:
    """Name of each source -> digest of what it reads, for keys; the settings are in the recipe.

    Where its grader is of another package, the version of that belongs to it: another version
    may give other verdicts.

    Raises:
        RecipeError: The path of a source is not there.
        GraderError: A source names a grader that is not there.
    """
    return {source.name: _fingerprint(source) for source in sources}


def _fingerprint(source: Source) -> str:
    if isinstance(source, ProceduralSource):
        from factory.collect.procedural import VERSION

        return f"procedural {VERSION}"
    if isinstance(source, ReasoningGymSource):
        return "reasoning-gym"  # its version is a setting of `[grade.procedural]`
    if isinstance(source, HubSource):
        folder = hub_folder(source)
        found = fingerprint(folder) if folder else digest([source.dataset, source.revision])
    else:
        found = fingerprint(existing(source.path, f"source {source.name}"))
    if isinstance(source, FileSource | HubSource) and (package := package_of(source.grader)):
        return f"{found} graded by {package}"
    return found


# --------------------------------------------------------------------------------------- adapters

_FourKinds = Gsm8kSource | MathSource | HumanEvalSource | MbppSource


def _adapted(
    source: _FourKinds, adapt: Callable[[_FourKinds, SourceRow, int], Problem]
) -> Iterator[Problem]:
    path: Path = existing(source.path, f"source {source.name}")
    return (adapt(source, row, at) for at, row in enumerate(read_rows(path)))


def _gsm8k(source: _FourKinds, row: SourceRow, at: int) -> Problem:
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


def _math(source: _FourKinds, row: SourceRow, at: int) -> Problem:
    solution = row.text("solution")
    gold = last_boxed(solution)
    if not gold:
        raise row.wrong("solution", "a gold answer in the last \\boxed", solution[-60:])
    return Problem(
        problem_id=f"{source.name}/{_identifier(row, 'idx', at)}",
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


def _humaneval(source: _FourKinds, row: SourceRow, at: int) -> Problem:
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
        problem_id=f"{source.name}/{_identifier(row, 'task_id', at)}",
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


def _mbpp(source: _FourKinds, row: SourceRow, at: int) -> Problem:
    tests = row.value("test_list")
    if not isinstance(tests, list) or not tests or not all(isinstance(one, str) for one in tests):
        raise row.wrong("test_list", "a list of assertions", tests)
    setup = row.text("test_setup_code", optional=True)
    code = "\n".join([setup, *tests] if setup.strip() else tests)
    return Problem(
        problem_id=f"{source.name}/{_identifier(row, 'task_id', at)}",
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


def _mapped(source: FileSource | HubSource, row: SourceRow, at: int) -> Problem:
    columns = source.columns
    optional = {
        name: row.text(column, optional=True) if column else ""
        for name, column in (
            ("level", columns.level),
            ("category", columns.category),
            ("solution", columns.solution),
        )
    }
    statement = row.text(columns.statement)
    if not statement.strip():
        raise row.wrong(columns.statement, "a statement", statement)
    return Problem(
        problem_id=f"{source.name}/{_identifier(row, columns.problem_id, at)}",
        statement=statement,
        gold=_gold(source.grader, row, columns.gold),
        grader=source.grader,
        domain=source.domain,
        source=source.name,
        license=source.license,
        reasoning=source.reasoning,
        **optional,
    )


def _identifier(row: SourceRow, column: str, at: int) -> str:
    """The row's own id; its number from 0 where the file has no such column."""
    if not column or column not in row.values:
        return str(at)
    value = row.value(column)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise row.wrong(column, "an id (text or a whole number)", value)
    return row.text(column) if isinstance(value, str) else str(value)


def _gold(grader: AnyGrader, row: SourceRow, column: str) -> str:
    if grader is GraderName.FORMAT and not column:
        return ""
    value: Any = row.value(column)
    if grader is not GraderName.MATH and isinstance(value, dict):
        value = canonical_json(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif grader is GraderName.NUMBER and isinstance(value, float):
        value = repr(value)
    elif not isinstance(value, str):
        raise row.wrong(column, "a gold answer as text", value)
    else:
        value = row.text(column)
    if grader is GraderName.CHOICE and gold_letter(value) is None:
        raise row.wrong(column, "one letter from A to J", value)
    if grader is GraderName.CODE and not any(f'"{kind}"' in value for kind in _TEST_KINDS):
        raise row.wrong(column, f"JSON of tests of one of the kinds {_TEST_KINDS}", value)
    return value
