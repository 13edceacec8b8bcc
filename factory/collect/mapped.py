"""Rows of files and datasets with columns of their own -> problems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from factory.collect.code_tests import method_tests
from factory.collect.deserves import deserves_thought
from factory.collect.gold_value import gold_of
from factory.collect.rows import SourceRow, dataset_rows, rows_or_broken, split_names
from factory.digest import canonical_json
from factory.files.conversations import Asked, asked, is_conversation, read_turns
from factory.recipe_file import existing
from schemas.problem import GraderName, Problem
from schemas.row_source_settings import FileSource, HubSource

CALL_LINE: Final = "Your code should define this function:"
"""Stands before the name of a function that the tests call and the statement does not name."""

_FENCED: Final = re.compile(r"\s*```[^\n]*\n(.*?)\n?```\s*", re.DOTALL)
_CLASS: Final = re.compile(r"\bclass Solution\b")
_PYTHON_3: Final = 3
"""Its number in `solutions.language` of deepmind/code_contests."""


def rows_of(source: FileSource | HubSource) -> Iterator[SourceRow]:
    """The rows of a source, with the columns that it names.

    Raises:
        SourceError, RecipeError: The file or dataset is not there or cannot be read.
    """
    columns = source.columns
    required = [*split_names(columns.statement, ()), *split_names(columns.gold, ())]
    required += source.where
    optional = [columns.problem_id, columns.level, columns.category, columns.solution]
    optional += [columns.statement, columns.gold]
    who = f"source {source.name}"
    if isinstance(source, FileSource):
        return rows_or_broken(existing(source.path, who), required=required, optional=optional)
    return dataset_rows(source, who, required=required, optional=optional)


def mapped(source: FileSource | HubSource, row: SourceRow, at: int) -> Problem:
    """The problem of a row.

    Raises:
        SourceError: A column is missing or holds something else than a problem needs.
    """
    columns = source.columns
    conversation = _asked(row, columns.statement)
    gold = gold_of(source.grader, row, columns)
    statement, solution = conversation.statement, _solution(source, row)
    if source.grader is GraderName.CODE and columns.tests != "own":
        statement, gold = _with_function(statement, gold, solution)
    reasoning = source.reasoning
    if reasoning == "auto":
        reasoning = deserves_thought(statement, source.domain)
    return Problem(
        problem_id=f"{source.name}/{row.identifier(columns.problem_id, at)}",
        statement=statement,
        gold=gold,
        grader=source.grader,
        domain=source.domain,
        source=source.name,
        license=source.license,
        category=row.label(columns.category) or source.category,
        level=row.label(columns.level),
        reasoning=reasoning,
        solution=solution,
        history=conversation.history,
    )


def _asked(row: SourceRow, column: str) -> Asked:
    value = row.value(column, optional=True)
    if is_conversation(value):
        try:
            found = asked(read_turns(value))
        except ValueError as error:
            raise row.wrong(column, str(error), value) from error
        for turn in found.history:
            row.unbroken(column, turn.content)
        row.unbroken(column, found.statement)
        return found
    statement = row.joined(column)
    if not statement.strip():
        raise row.wrong(column, "a statement", statement)
    return Asked([], statement)


def _with_function(statement: str, gold: str, solution: str) -> tuple[str, str]:
    """A statement that names the function its tests call, and tests that call a method instead
    where statement or solution have a `class Solution`."""
    tests = json.loads(gold)
    function = tests.get("entry_point")
    if function is None:
        return statement, gold
    is_method = bool(_CLASS.search(statement) or _CLASS.search(solution))
    if is_method:
        gold = canonical_json(method_tests(tests))
    named = re.search(rf"\b{re.escape(function)}\b", statement) is not None
    if named and (_CLASS.search(statement) or not is_method):
        return statement, gold
    name = f"Solution.{function}" if is_method else function
    return f"{statement}\n\n{CALL_LINE} `{name}`", gold


def _solution(source: FileSource | HubSource, row: SourceRow) -> str:
    """The source's own solution; of several the first, of code without its fence.

    For code a list may be the text of its JSON (APPS), or stand beside the numbers of the
    languages (deepmind/code_contests, of which the first in Python 3 is taken).
    """
    column = source.columns.solution
    value: Any = row.value(column, optional=True) if column else None
    if value is None:
        return ""
    code = source.grader is GraderName.CODE
    if code and isinstance(value, str) and value.lstrip().startswith("["):
        value = _json_list(value)
    if code and isinstance(value, dict) and {"language", "solution"} <= value.keys():
        pairs = zip(value["language"], value["solution"], strict=False)
        value = [program for language, program in pairs if language == _PYTHON_3]
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str):
        raise row.wrong(column, "a solution as text", value)
    fenced = _FENCED.fullmatch(value) if code else None
    return row.unbroken(column, fenced[1] if fenced else value)


def _json_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
