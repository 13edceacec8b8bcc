"""Stored responses to a suite's problems -> the candidates of a validation; no model is asked.

A row names its problem by `problem_id` (the suite's own id, with the suite's name before it or
without) or by `index` (the row of the suite's data, from 0), and holds a list `responses` or one
text `response`; `finish_reasons` or `finish_reason` say how they ended, where that is known. Each
problem counts k responses: those that are missing are wrong, and count as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from factory.digest import KEY_HEX, file_sha256
from factory.errors import ImportedRowError, RecipeError
from factory.files.row_files import read_rows
from factory.generate.imported import import_candidates
from factory.generate.imported_rows import imported_rows
from factory.ledger import entry
from factory.parts import iter_columns
from factory.recipe_file import given
from factory.validate.response_names import Names, names_of
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.sample import Drop
from schemas.teacher_settings import ImportFile, ImportTeacher
from schemas.validate_settings import Suite

_PROBLEM: Final = ("problem_id", "index")
_TEXT: Final = ("responses", "response")
_ENDED: Final = ("finish_reasons", "finish_reason")


@dataclass(frozen=True)
class StoredResponses:
    """A file of responses to one suite, and who wrote them."""

    name: str
    """Of the model, for people."""
    path: Path
    file: ImportFile
    """The same as an import reads it; its source is the suite."""

    @property
    def revision(self) -> str:
        """Digest of the file, 12 digits."""
        return file_sha256(self.path)[:KEY_HEX]

    @property
    def identity(self) -> str:
        """`name@revision`: what enters the key."""
        return f"{self.name}@{self.revision}"

    @cached_property
    def counts(self) -> Counter[str]:
        """Responses by what their rows call the problem, with the suite's name before it.

        Raises:
            ImportedRowError: A row is not of the form.
        """
        found: Counter[str] = Counter()
        for row in imported_rows(self.file, lambda _: None):
            found[row.problem_id] += len(row.responses)
        return found

    @property
    def most(self) -> int:
        """The largest number of responses to a problem.

        Raises:
            ImportedRowError: There is no response at all, or a row is not of the form.
        """
        if not (most := max(self.counts.values(), default=0)):
            raise ImportedRowError(f"{self.path}: expected responses, found none")
        return most


def stored_responses(path: Path, suite: str, name: str) -> StoredResponses:
    """The file with the columns of its first row, and how responses ended where any row says it.

    Raises:
        RecipeError: The file is not there.
        ImportedRowError: It cannot be read, has no row, or lacks a column.
    """
    if not path.is_file():
        raise RecipeError(f"--responses {path}: expected a file, found none")
    first = next((values for _, _, values in read_rows(path, ImportedRowError)), None)
    if first is None:
        raise ImportedRowError(f"{path}: expected rows with responses, found none")
    columns = {column for _, _, values in read_rows(path, ImportedRowError) for column in values}
    found = [
        next((one for one in names if one in known), "")
        for names, known in ((_PROBLEM, first), (_TEXT, first), (_ENDED, columns))
    ]
    for column, names in zip(found, (_PROBLEM, _TEXT), strict=False):
        if not column:
            raise ImportedRowError(
                f"{path}, row 1: expected a column {' or '.join(names)}, found {sorted(first)}; "
                f"rename the columns"
            )
    problem, responses, ended = found
    file = ImportFile(
        source=suite,
        path=given(path.name, path),
        problem_id=problem,
        responses=responses,
        finish_reasons=ended,
    )
    return StoredResponses(name, path, file)


def stored_candidates(
    problems_dir: Path,
    suite: Suite,
    collected: Path,
    stored: StoredResponses,
    *,
    k: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """The responses as candidates, in the order of the problems.

    Rows in of the ledger are k per problem; dropped as `failed` are those that are missing.
    Responses to problems that the suite left out (`rejected-*` of its artifact) are counted.

    Args:
        problems_dir: The suite's problems as they are asked.
        collected: The artifact of its own problems.
        k: Responses per problem that count.

    Raises:
        ImportedRowError: A row is wrong, answers no problem of the suite, or there are more than k
            responses to a problem.
    """
    own = list(_ids(collected, "problems"))
    names = names_of(
        suite,
        own,
        list(_ids(collected, "rejected")),
        by_index=stored.file.problem_id == "index",
    )
    counts = _counts(stored, names, k)
    result = import_candidates(
        problems_dir,
        ImportTeacher(
            engine="import", model=stored.name, revision=stored.revision, files=[stored.file]
        ),
        round=1,
        machine=machine,
        out_dir=out_dir,
        key=key,
        names=names.asked,
    )
    missing = len(own) * k - counts.total()
    return StageResult(
        parts=result.parts,
        ledger=entry(
            "generate",
            len(own) * k,
            counts.total(),
            {Drop.FAILED.value: missing} if missing else {},
        ),
        figures={**result.figures, "requested": len(own) * k, "missing": missing},
    )


def _counts(stored: StoredResponses, names: Names, k: int) -> Counter[str]:
    """Asked id -> responses."""
    counts: Counter[str] = Counter()
    for called, count in stored.counts.items():
        if called in names.asked:
            counts[names.asked[called]] += count
        elif called not in names.left_out:
            raise ImportedRowError(
                f"{stored.path}: expected ids of problems of suite {stored.file.source}, such as "
                f"{_shown(next(iter(names.asked)))!r}, found {_shown(called)!r}; name the suite "
                f"that was answered, or give its data with --data"
            )
    for problem, count in counts.items():
        if count > k:
            raise ImportedRowError(
                f"{stored.path}: expected at most {k} responses to each problem, found {count} to "
                f"{problem}; raise --k or leave it out"
            )
    return counts


def _ids(folder: Path, kind: str) -> Iterator[str]:
    for table in iter_columns(folder, kind, ["problem_id"]):
        yield from table["problem_id"].to_pylist()


def _shown(called: str) -> str:
    """As the file has it."""
    return called.partition("/")[2]
