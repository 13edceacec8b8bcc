"""Engine `import`: generations that exist already -> candidates.

Covered: JSONL (also gzipped) and Parquet files, and Hugging Face datasets; one row per problem with
a list of responses, or one row per response. Rows for problems that `collect` did not admit are
counted and left out. Memory holds the ids of the problems and one part of candidates; the texts
wait on disk. Conversations that are passed through are no generations and are not answered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from factory import ledger
from factory.digest import digest
from factory.generate.identity import Identity
from factory.generate.imported_bad import BadRows
from factory.generate.imported_rows import imported_rows, place_of
from factory.generate.imported_spool import Spool, Spooled
from factory.generate.rows import Parts
from factory.parts import iter_columns
from factory.shown.progress import progress
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.teacher_settings import ImportTeacher

_NO_REVISION: Final = "unknown"


def import_candidates(
    problems_dir: Path,
    teacher: ImportTeacher,
    *,
    round: int,
    machine: Machine,
    out_dir: Path,
    key: str,
    names: Mapping[str, str] | None = None,
) -> StageResult:
    """Every response to an admitted problem as a candidate, in order of (problem, response).

    Rows in of the ledger are the responses for admitted problems; a later round has none. A row
    that a file with `skip_bad` leaves out was never a request: `bad_rows` of the figures counts
    it, and `bad_rows.txt` in the folder has the error of each of the first thousand.

    Args:
        names: What the rows call a problem -> its id; None: its id.

    Raises:
        ImportedRowError: A row or file is not what the recipe says.
        RecipeError: A file is not there.
    """
    if round > 1:
        return StageResult(parts=[], ledger=ledger.entry("generate", 0, 0, {}), figures={})
    positions = _positions(problems_dir)
    problems = list(positions)
    skipped_rows = skipped_responses = 0
    bad = BadRows()
    with Spool(out_dir) as spool, progress("import", None, "rows") as bar:
        for number, file in enumerate(teacher.files):
            for row in imported_rows(file, bad.add):
                called = row.problem_id
                position = positions.get(called if names is None else names.get(called, called))
                if position is None:
                    skipped_rows += 1
                    skipped_responses += len(row.responses)
                else:
                    spool.add(position, number, row)
                bar.update(1)
        places = [place_of(file) for file in teacher.files]
        name = f"{teacher.model}@{teacher.revision or _NO_REVISION}"
        rows = (
            _row(problems[one.position], one, name, places[one.file]) for one in spool.in_order()
        )
        parts = Parts(out_dir, key, machine.rows_per_part, round=round)
        parts.from_rows(rows)
        answered = spool.problems
    bad.tell(out_dir)
    imported = parts.candidates
    return StageResult(
        parts=parts.written,
        ledger=ledger.entry("generate", imported, imported, {}),
        figures={
            "requested": imported,
            "imported": imported,
            "skipped_rows": skipped_rows,
            "skipped_responses": skipped_responses,
            "bad_rows": bad.count,
            "problems_without_responses": len(positions) - answered,
            "engine": "import",
        },
    )


def _positions(problems_dir: Path) -> dict[str, int]:
    """Place in the run of each problem that waits for answers, by its id."""
    found: dict[str, int] = {}
    for table in iter_columns(problems_dir, "problems", ["problem_id", "author"]):
        for problem, author in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if not author:
                found[problem] = len(found)
    return found


def _row(problem: str, spooled: Spooled, teacher: str, place: str) -> dict[str, Any]:
    response = spooled.response
    identity = Identity(
        *(problem, spooled.number, teacher),
        *(digest({"imported": response.text}), digest({"problem": problem})),
    )
    return {
        "candidate_id": identity.candidate_id,
        "problem_id": problem,
        "index": spooled.number,
        "teacher": teacher,
        "sampling_digest": identity.sampling_digest,
        "prompt_digest": identity.prompt_digest,
        "text": response.text,
        "finish_reason": response.finish_reason.value,
        "prompt_tokens": None,
        "completion_tokens": None,
        "seed": None,
        "rewrites": None,
        "label": response.label,
        "server": place,
        "engine": "import",
        "created_unix_s": spooled.file_time_unix_s,
        "wall_s": None,
    }
