"""Stored responses to a suite's problems -> the candidates of a validation; no model is asked.

A row names its problem by `problem_id` (the suite's own id, with the suite's name before it or
without) or by `index` (the row of the suite's data, from 0), and holds a list `responses` or one
text `response`; `finish_reasons` or `finish_reason` say how they ended, where that is known. Each
problem counts k responses: those that are missing are wrong, and count as failed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from factory.collect.sources import iter_problems
from factory.digest import KEY_HEX, file_sha256
from factory.errors import ImportedRowError, RecipeError
from factory.generate.imported import import_candidates
from factory.generate.imported_rows import imported_rows
from factory.ledger import entry
from factory.parts import iter_columns
from factory.progress import say
from factory.recipe_file import given
from factory.row_files import read_rows
from factory.validate.asked import asked_id
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.recipe import ImportFile, ImportTeacher, Suite
from schemas.sample import Drop

_PROBLEM: Final = ("problem_id", "index")
_TEXT: Final = ("responses", "response")
_ENDED: Final = ("finish_reasons", "finish_reason")


@dataclass(frozen=True)
class StoredResponses:
    """A file of responses to one suite, and who wrote them."""

    name: str
    """Of the model, for people."""
    path: Path
    suite: Suite
    file: ImportFile
    """The same as an import reads it."""

    @property
    def revision(self) -> str:
        """Digest of the file, 12 digits."""
        return file_sha256(self.path)[:KEY_HEX]

    @property
    def identity(self) -> str:
        """`name@revision`: what enters the key."""
        return f"{self.name}@{self.revision}"

    @property
    def by_index(self) -> bool:
        """Whether rows name problems by their place."""
        return self.file.problem_id == "index"

    @cached_property
    def counts(self) -> Counter[str]:
        """Responses by what their rows call the problem.

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
        most = max(self.counts.values(), default=0)
        if not most:
            raise ImportedRowError(f"{self.path}: expected responses, found none")
        return most


def stored_responses(path: Path, suite: Suite, name: str) -> StoredResponses:
    """The file with the columns that its first row has.

    Raises:
        RecipeError: The file is not there.
        ImportedRowError: It cannot be read, has no row, or lacks a column.
    """
    if not path.is_file():
        raise RecipeError(f"--responses {path}: expected a file, found none")
    first = next((values for _, _, values in read_rows(path, ImportedRowError)), None)
    if first is None:
        raise ImportedRowError(f"{path}: expected rows with responses, found none")

    def column(names: tuple[str, ...]) -> str:
        return next((one for one in names if one in first), "")

    for names in (_PROBLEM, _TEXT):
        if not column(names):
            raise ImportedRowError(
                f"{path}, row 1: expected a column {' or '.join(names)}, found {sorted(first)}; "
                f"rename the columns"
            )
    file = ImportFile(
        source=suite.name,
        path=given(path.name, path),
        problem_id=column(_PROBLEM),
        responses=column(_TEXT),
        finish_reasons=column(_ENDED),
    )
    return StoredResponses(name, path, suite, file)


def stored_candidates(
    problems_dir: Path,
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
        problems_dir: The asked problems of the one suite.
        collected: The artifact of the suite's own problems.
        k: Responses per problem that count.

    Raises:
        ImportedRowError: A row is wrong, answers no problem of the suite, or there are more than k
            responses to a problem.
    """
    ids = list(_ids(problems_dir, "problems"))
    names, left_out = _names(stored, ids, collected)
    given: Counter[str] = Counter()
    for called, count in stored.counts.items():
        if called in names:
            given[names[called]] += count
        elif called not in left_out:
            raise ImportedRowError(
                f"{stored.path}: expected ids of problems of suite {stored.suite.name}, such as "
                f"{_shown(next(iter(names)))!r}, found {_shown(called)!r}; name the suite that was "
                f"answered, or give its data with --data"
            )
    for problem, count in given.items():
        if count > k:
            raise ImportedRowError(
                f"{stored.path}: expected at most {k} responses to each problem, found {count} to "
                f"{problem}; raise --k or leave it out"
            )
    result = import_candidates(
        problems_dir,
        ImportTeacher(
            engine="import", model=stored.name, revision=stored.revision, files=[stored.file]
        ),
        round=1,
        machine=machine,
        out_dir=out_dir,
        key=key,
        names=names,
    )
    missing = len(ids) * k - given.total()
    drops = {Drop.FAILED.value: missing} if missing else {}
    without = len(ids) - sum(1 for count in given.values() if count)
    if missing:
        say(
            f"responses: {missing:,} of {len(ids) * k:,} ({k} per problem) are missing, "
            f"{without:,} problems have none; they count as wrong"
        )
    return StageResult(
        parts=result.parts,
        ledger=entry("generate", len(ids) * k, given.total(), drops),
        figures={**result.figures, "missing": missing},
    )


def _names(
    stored: StoredResponses, asked: list[str], collected: Path
) -> tuple[dict[str, str], set[str]]:
    """What rows may call the asked problems, and what they may call those that were left out."""
    suite = stored.suite
    own = [one.removeprefix(f"{suite.name}/") for one in asked]
    rejected = list(dict.fromkeys(_ids(collected, "rejected")))
    if stored.by_index:
        if len(suite.sources) != 1:
            raise ImportedRowError(
                f"{stored.path}: expected `problem_id`, found `index`; suite {suite.name} has "
                f"{len(suite.sources)} sources, so that a row's number does not say which problem"
            )
        order = {
            problem.problem_id: f"{suite.name}/{at}"
            for at, problem in enumerate(iter_problems(suite.sources[0]))
        }
        return (
            {order[problem]: asked_id(suite.name, problem) for problem in own},
            {order[problem] for problem in rejected if problem in order},
        )
    calls = _calls(suite.name, list(dict.fromkeys([*own, *rejected])))
    return (
        {called: asked_id(suite.name, one) for one in own for called in calls[one]},
        {called for one in rejected for called in calls[one]},
    )


def _calls(suite: str, problems: list[str]) -> Mapping[str, list[str]]:
    """What rows may call each problem: with the names of suite and source, of the source, or by
    its own id alone, where no other source has the same."""
    alone = Counter(one.partition("/")[2] for one in problems)
    calls: defaultdict[str, list[str]] = defaultdict(list)
    for one in problems:
        calls[one] += [f"{suite}/{one}", f"{suite}/{asked_id(suite, one)}"]
        if alone[own := one.partition("/")[2]] == 1:
            calls[one].append(f"{suite}/{own}")
    return calls


def _ids(folder: Path, kind: str) -> Iterator[str]:
    for table in iter_columns(folder, kind, ["problem_id"]):
        yield from table["problem_id"].to_pylist()


def _shown(called: str) -> str:
    """As the file has it: without the suite's name that reading put before it."""
    return called.partition("/")[2]
