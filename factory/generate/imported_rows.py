"""Rows of generations that exist already -> the responses in them.

One row holds a list of texts, one text, or the turns of one conversation, whose last assistant turn
is the response. A row that is not what the recipe says is an error with its place, never a guess;
with `skip_bad` it is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from factory.errors import ImportedRowError, RetortError
from factory.files.conversations import is_conversation, last_answer
from factory.files.row_files import MISSING, rows_or_errors, value_at
from factory.hub import hub_rows_or_errors
from factory.recipe_file import existing
from schemas.candidate import FinishReason
from schemas.teacher_settings import ImportFile


@dataclass(frozen=True, slots=True)
class Response:
    """One imported response."""

    text: str
    label: bool | None
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """The responses of one row."""

    problem_id: str
    """In the run, with the name of its source."""
    responses: list[Response]
    file_time_unix_s: float
    """When the file was changed last; 0 for datasets, which are no one file."""


@dataclass(frozen=True, slots=True)
class _Where:
    """A place in a file, for messages."""

    path: Path | str
    row: int

    def wrong(self, expected: str, found: object) -> NoReturn:
        raise ImportedRowError(
            f"{self.path}, row {self.row}: expected {expected}, found {found!r:.120}; mend the "
            f"row, or name other columns where a recipe imports it"
        )


def place_of(file: ImportFile) -> str:
    """Where the generations come from, as the recipe names it."""
    return file.path or f"{file.dataset}@{file.revision}".rstrip("@")


def imported_rows(file: ImportFile, on_bad: Callable[[RetortError], None]) -> Iterator[ImportedRow]:
    """The responses of each row, in the order of the file or dataset.

    Args:
        on_bad: Told of each row that is left out, where the file has `skip_bad`.

    Raises:
        ImportedRowError: A row is not what the recipe says, with file and row (from 1), or no row
            is; or a file as a whole cannot be read.
        RecipeError: The file or the local copy is not there.
    """
    read = _Reader(file)
    good, first_bad = 0, None
    modified = cache(_modified_unix_s)

    for at, (place, number, values) in enumerate(_rows(file)):
        try:
            if isinstance(values, RetortError):
                raise values
            row = read.row(values, at, _Where(place, number), modified(place))
        except ImportedRowError as error:
            if not file.skip_bad:
                raise
            first_bad = first_bad or error
            on_bad(error)
        else:
            good += 1
            yield row
    if first_bad is not None and not good:
        raise ImportedRowError(f"no row of {place_of(file)} can be read; the first: {first_bad}")


class _Reader:
    """Turns the rows of one file into responses; knows which problems it has seen."""

    def __init__(self, file: ImportFile) -> None:
        self._file = file
        self._lists: bool | None = None
        self._seen: set[str] = set()

    def row(
        self, row: dict[str, Any], at: int, where: _Where, file_time_unix_s: float
    ) -> ImportedRow:
        file = self._file
        found = _value(row, file.problem_id, where) if file.problem_id else at
        if isinstance(found, bool) or not isinstance(found, str | int):
            where.wrong(f"text or an integer in `{file.problem_id}`", found)
        texts = _value(row, file.responses, where)
        if is_conversation(texts):
            try:
                texts = last_answer(texts)
            except ValueError as error:
                where.wrong(f"{error} in `{file.responses}`", texts)
        if not isinstance(texts, str | list):
            where.wrong(f"text or a list of texts in `{file.responses}`", texts)
        lists = isinstance(texts, list)
        if self._lists not in (None, lists):
            where.wrong("one kind of row, all lists or all single responses", texts)
        problem = f"{file.source}/{found}"
        if problem in self._seen:
            where.wrong("each problem once, where a row holds a list", found)
        responses = _responses(row, file, texts, where)
        self._lists = lists
        if lists:
            self._seen.add(problem)
        return ImportedRow(problem, responses, file_time_unix_s)


def _rows(
    file: ImportFile,
) -> Iterator[tuple[Path | str, int, dict[str, Any] | RetortError]]:
    who = f"generations of {file.source}"
    named = [file.problem_id, file.responses, file.labels, file.finish_reasons]
    required = [name for name in named if name]
    if file.path:
        path = existing(file.path, who)
        yield from rows_or_errors(path, ImportedRowError, required=required)
    else:
        yield from hub_rows_or_errors(file, who, ImportedRowError, required=required)


def _modified_unix_s(place: Path | str) -> float:
    return place.stat().st_mtime if isinstance(place, Path) else 0.0


def _responses(row: dict[str, Any], file: ImportFile, texts: Any, where: _Where) -> list[Response]:
    many = isinstance(texts, list)
    size = len(texts) if many else 1

    def column(name: str) -> list[Any]:
        value = _value(row, name, where) if name else None
        if value is None:
            return [None] * size
        if isinstance(value, list) != many or (many and len(value) != size):
            where.wrong(f"`{name}` of the same shape as `{file.responses}` ({size})", value)
        return value if many else [value]

    found: list[Response] = []
    reasons = column(file.finish_reasons)
    for text, label, reason in zip(
        texts if many else [texts], column(file.labels), reasons, strict=True
    ):
        if not isinstance(text, str):
            where.wrong(f"texts in `{file.responses}`", text)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            where.wrong("text that is valid Unicode", ascii(text))
        if label is not None and not isinstance(label, bool):
            where.wrong(f"true or false in `{file.labels}`", label)
        if reason is not None and reason not in list(FinishReason):
            where.wrong(f"{[one.value for one in FinishReason]} in `{file.finish_reasons}`", reason)
        found.append(Response(text, label, FinishReason(reason or FinishReason.UNKNOWN)))
    return found


def _value(row: dict[str, Any], column: str, where: _Where) -> Any:
    value = value_at(row, column)
    if value is MISSING:
        where.wrong(f"a column `{column}`", sorted(row))
    return value
