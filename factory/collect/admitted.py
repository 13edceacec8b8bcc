"""Rows -> problems, and which rows a source leaves out: of other kinds, and bad ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from factory.collect.rows import SourceRow
from factory.errors import SourceError
from schemas.problem import Problem
from schemas.row_source_settings import FileSource, HubSource, SftSource
from schemas.sample import Drop

RowsSource = FileSource | HubSource | SftSource
Some = TypeVar("Some", bound=RowsSource)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that leaves, and the evidence."""

    problem_id: str
    source: str
    reason: Drop
    detail: str


def admitted(
    source: Some, rows: Iterable[SourceRow], adapt: Callable[[Some, SourceRow, int], Problem]
) -> Iterator[Problem | Rejected]:
    """The problem of each row that `where` takes, and the rows that leave, in their order.

    Raises:
        SourceError: A row is wrong and the source has no `skip_bad`, no row at all is right or
            of the kind that `where` takes, or a column that it names is missing.
    """
    good = bad = others = 0
    first: SourceError | None = None
    first_other = ""
    for at, row in enumerate(rows):
        if row.broken is None and (other := _other_kind(source.where, row)):
            first_other, others = first_other or f"{row.place}: {other}", others + 1
            yield Rejected(_id(source, row, at), source.name, Drop.OTHER_KIND, other)
            continue
        try:
            if row.broken is not None:
                raise row.broken
            problem = adapt(source, row, at)
        except SourceError as error:
            if not source.skip_bad:
                raise
            first, bad = first or error, bad + 1
            yield Rejected(_id(source, row, at), source.name, Drop.BAD_ROW, str(error))
            continue
        good += 1
        yield problem
    if first is not None and not good:
        raise SourceError(
            f"source {source.name}: expected rows that can be read, found none and {bad} bad ones; "
            f"the first: {first}"
        )
    if others and not good:
        raise SourceError(
            f"source {source.name}: expected rows that `where` takes, found none of {others:,}; "
            f"the first is {first_other}; correct `where`, whose values are compared with their "
            f"type, or leave the source out"
        )


def _id(source: RowsSource, row: SourceRow, at: int) -> str:
    if row.broken is not None:
        return f"{source.name}/{at}"
    column = source.problem_id if isinstance(source, SftSource) else source.columns.problem_id
    try:
        found = row.identifier(column, at)
    except SourceError:
        found = str(at)
    return f"{source.name}/{found}"


def _other_kind(where: Mapping[str, Sequence[JsonValue]], row: SourceRow) -> str:
    """Why `where` does not take a row; empty where it does."""
    for column, wanted in where.items():
        value = row.value(column, optional=row.has(column))
        if not any(type(value) is type(one) and value == one for one in wanted):
            return f"{column} is {value!r:.80}"
    return ""
