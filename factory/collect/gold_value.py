"""What a row's column holds -> the gold answer, in the form that its grader reads.

A list of texts is one answer with alternatives: for the graders `text` and `judge` they are joined
by ` ||| `; other graders of answers take a list only where it holds one.
"""

from __future__ import annotations

from typing import Any, Final

from factory.collect.code_tests import foreign_tests
from factory.collect.rows import SourceRow, split_names
from factory.digest import canonical_json
from factory.grade.choice import gold_letter
from schemas.problem import AnyGrader, GraderName
from schemas.row_source_settings import Columns

ALTERNATIVES: Final = " ||| "
_TEST_KINDS: Final = ("stdio", "call", "asserts")
_NEEDS_NONE: Final = frozenset({GraderName.FORMAT, GraderName.JUDGE, GraderName.MAJORITY})
"""Graders for which a problem may have no gold."""
_MANY: Final = frozenset({GraderName.TEXT, GraderName.JUDGE})
_ONE: Final = frozenset(
    {GraderName.MATH, GraderName.NUMBER, GraderName.EXACT, GraderName.CHOICE, GraderName.MAJORITY}
)


def gold_of(grader: AnyGrader, row: SourceRow, columns: Columns) -> str:
    """The gold of a row; empty only where its grader needs none.

    Raises:
        SourceError: It is missing, or has no form that the grader reads.
    """
    column = columns.gold
    if grader in _NEEDS_NONE and (not column or _is_null(row, column)):
        return ""
    if grader is GraderName.CODE and columns.tests != "own":
        return _tests(row, columns)
    value: Any = row.value(column)
    if isinstance(value, list):
        value = _alternatives(grader, row, column, value)
    if grader is not GraderName.MATH and isinstance(value, dict):
        value = canonical_json(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif grader is GraderName.NUMBER and isinstance(value, float):
        value = repr(value)
    elif not isinstance(value, str):
        raise row.wrong(column, "a gold answer as text", value)
    value = row.unbroken(column, value)
    if grader is GraderName.CHOICE and gold_letter(value) is None:
        raise row.wrong(column, "one letter from A to J", value)
    if grader is GraderName.CODE and not any(f'"{kind}"' in value for kind in _TEST_KINDS):
        raise row.wrong(column, f"JSON of tests of one of the kinds {_TEST_KINDS}", value)
    return value


def _is_null(row: SourceRow, column: str) -> bool:
    return row.has(column) and row.value(column, optional=True) is None


def _alternatives(grader: AnyGrader, row: SourceRow, column: str, values: list[Any]) -> str:
    if not all(isinstance(one, str) for one in values) or grader not in _MANY | _ONE:
        raise row.wrong(column, "a gold answer as text", values)
    found = list(dict.fromkeys(one.strip() for one in values if one.strip()))
    if not found and grader in _NEEDS_NONE:
        return ""
    if not found or (grader in _ONE and len(found) > 1):
        expected = "at least one answer" if grader in _MANY else "one answer"
        raise row.wrong(column, f"{expected} in the list", values)
    if len(found) > 1 and any("|||" in one for one in found):
        raise row.wrong(column, "answers without the sign ||| that separates them", values)
    return ALTERNATIVES.join(found)


def _tests(row: SourceRow, columns: Columns) -> str:
    names = split_names(columns.gold, row.values)
    found = [row.value(name, optional=len(names) > 1 and row.has(name)) for name in names]
    try:
        tests = foreign_tests(columns.tests, [one for one in found if one is not None])
        gold = canonical_json(tests)
    except (ValueError, RecursionError) as error:
        raise row.wrong(columns.gold, str(error), found) from error
    return row.unbroken(columns.gold, gold)
