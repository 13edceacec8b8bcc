"""Engine `import`: files of generations that exist already -> candidates.

Covered: JSONL (also gzipped) and Parquet; one row per problem with a list of responses, or one row
per response. A row that is not what the recipe says is an error with its file and row, never a
guess. Rows for problems that `collect` did not admit are counted and left out. The texts of all
admitted responses are in memory at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from factory import ledger
from factory.digest import digest
from factory.errors import ImportedRowError
from factory.generate.store import Identity
from factory.parts import as_table, iter_parts, kept_part, part_name, write_part
from factory.recipe_file import existing
from factory.row_files import read_rows
from schemas.arrow import CANDIDATE, PROBLEM
from schemas.candidate import FinishReason
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.recipe import ImportFile, ImportTeacher

_NO_REVISION: Final = "unknown"


@dataclass(frozen=True)
class Response:
    """One imported response."""

    text: str
    label: bool | None
    finish_reason: FinishReason
    file: str
    file_time_unix_s: float


@dataclass(frozen=True)
class _Where:
    """A place in a file, for messages."""

    path: Path
    row: int

    def wrong(self, expected: str, found: object) -> NoReturn:
        raise ImportedRowError(
            f"{self.path}, row {self.row}: expected {expected}, found {found!r:.120}; mend the row "
            f"or name other columns in [[generate.teacher.files]]"
        )


def import_candidates(
    problems_dir: Path,
    teacher: ImportTeacher,
    *,
    round: int,
    machine: Machine,
    out_dir: Path,
    key: str,
) -> StageResult:
    """Every response to an admitted problem as a candidate, in order of (problem, response).

    Rows in of the ledger are the responses for admitted problems; a later round has none.

    Raises:
        ImportedRowError: A row or file is not what the recipe says.
        RecipeError: A file is not there.
    """
    if round > 1:
        return StageResult(parts=[], ledger=ledger.entry("generate", 0, 0, {}), figures={})
    position: dict[str, int] = {}
    for table in iter_parts(problems_dir, "problems", PROBLEM):
        for problem in table["problem_id"].to_pylist():
            position[problem] = len(position)
    answers: defaultdict[str, list[Response]] = defaultdict(list)
    skipped_rows = skipped_responses = 0
    for file in teacher.files:
        for problem, responses in read_file(file):
            if problem in position:
                answers[problem] += responses
            else:
                skipped_rows += 1
                skipped_responses += len(responses)
    name = f"{teacher.model}@{teacher.revision or _NO_REVISION}"
    rows = [
        _row(problem, index, response, name)
        for problem in sorted(answers, key=position.__getitem__)
        for index, response in enumerate(answers[problem])
    ]
    return StageResult(
        parts=list(_write(rows, machine.rows_per_part, out_dir, key)),
        ledger=ledger.entry("generate", len(rows), len(rows), {}),
        figures={
            "requested": len(rows),
            "imported": len(rows),
            "skipped_rows": skipped_rows,
            "skipped_responses": skipped_responses,
            "problems_without_responses": len(position) - len(answers),
            "engine": "import",
        },
    )


def read_file(file: ImportFile) -> Iterator[tuple[str, list[Response]]]:
    """(problem id in the run, its responses) of each row of a file, in its order.

    Raises:
        ImportedRowError: A row is not what the recipe says, with file and row (from 1).
    """
    path = existing(file.path, f"generations of {file.source}")
    lists: bool | None = None
    seen: set[str] = set()
    for place, number, row in read_rows(path, ImportedRowError):
        where = _Where(place, number)
        found = _value(row, file.problem_id, where)
        if isinstance(found, bool) or not isinstance(found, str | int):
            where.wrong(f"text or an integer in `{file.problem_id}`", found)
        texts = _value(row, file.responses, where)
        if not isinstance(texts, str | list):
            where.wrong(f"text or a list of texts in `{file.responses}`", texts)
        if lists is None:
            lists = isinstance(texts, list)
        if lists != isinstance(texts, list):
            where.wrong("one kind of row, all lists or all single responses", texts)
        problem = f"{file.source}/{found}"
        if lists and problem in seen:
            where.wrong("each problem once, where a row holds a list", found)
        seen.add(problem)
        yield problem, _responses(row, file, texts, where)


def _responses(row: dict[str, Any], file: ImportFile, texts: Any, where: _Where) -> list[Response]:
    many = isinstance(texts, list)
    size = len(texts) if many else 1

    def column(name: str) -> list[Any]:
        if not name:
            return [None] * size
        value = _value(row, name, where)
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
        found.append(
            Response(
                text,
                label,
                FinishReason(reason or FinishReason.UNKNOWN),
                file.path,
                where.path.stat().st_mtime,
            )
        )
    return found


def _value(row: dict[str, Any], column: str, where: _Where) -> Any:
    if column not in row:
        where.wrong(f"a column `{column}`", sorted(row))
    return row[column]


def _row(problem: str, index: int, response: Response, teacher: str) -> dict[str, Any]:
    identity = Identity(
        problem, index, teacher, digest({"imported": response.text}), digest({"problem": problem})
    )
    return {
        "candidate_id": identity.candidate_id,
        "problem_id": problem,
        "index": index,
        "round": 1,
        "teacher": teacher,
        "sampling_digest": identity.sampling_digest,
        "prompt_digest": identity.prompt_digest,
        "text": response.text,
        "finish_reason": response.finish_reason.value,
        "prompt_tokens": None,
        "completion_tokens": None,
        "seed": None,
        "label": response.label,
        "server": response.file,
        "engine": "import",
        "created_unix_s": response.file_time_unix_s,
        "wall_s": None,
    }


def _write(
    rows: list[dict[str, Any]], rows_per_part: int, out_dir: Path, key: str
) -> Iterator[PartFile]:
    for number, start in enumerate(range(0, len(rows), rows_per_part)):
        chunk = rows[start : start + rows_per_part]
        name = part_name("candidates", number)
        made_from = digest({"key": key, "rows": chunk})
        part = kept_part(out_dir, name, made_from=made_from)
        if part is None:
            table = as_table(chunk, CANDIDATE)
            part = write_part(out_dir, name, table, made_from=made_from)
        yield part
