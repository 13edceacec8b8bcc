"""The rows that select writes: samples with their messages and texts, drops with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import polars as pl
import pyarrow as pa

from factory.digest import canonical_json, digest
from factory.errors import ManifestMismatch
from factory.generate.prompt import messages_for
from factory.parts import as_table, kept_part, part_name, read_manifest, read_part, write_part
from schemas.arrow import CANDIDATE, VERDICT
from schemas.manifest import PartFile
from schemas.problem import GraderName, Problem
from schemas.recipe import Generate
from schemas.sample import Form, Message, Sample

DROPPED: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
    ]
)

EVIDENCE: Final = pl.Schema(
    {
        "grader": pl.String(),
        "method": pl.String(),
        "extracted": pl.String(),
        "passed": pl.Int32(),
        "total": pl.Int32(),
        "evidence": pl.String(),
    }
)
"""What a verdict says for the sample; `evidence` is the judge's reply, for other graders empty."""

Render = Callable[[pl.DataFrame], list[dict[str, Any]]]
"""Rows of the small frame to rows of the schema, in the same order."""

_NEEDED: Final = ["candidate_id", "teacher", "text", "finish_reason", "completion_tokens", "rewrites"]


def parts_of(folder: Path, kind: str) -> list[PartFile]:
    """The parts of one kind of a finished artifact, in order."""
    return [part for part in read_manifest(folder).parts if part.path.startswith(f"{kind}-")]


def pairs_of(candidates_dir: Path, verdicts_dir: Path) -> list[tuple[PartFile, PartFile]]:
    """Each part of candidates with the part of their verdicts, in order.

    Raises:
        ManifestMismatch: There are more of the one than of the other.
    """
    candidates = parts_of(candidates_dir, "candidates")
    verdicts = parts_of(verdicts_dir, "verdicts")
    if len(candidates) != len(verdicts):
        raise ManifestMismatch(
            f"{verdicts_dir}: expected {len(candidates)} parts of verdicts, one per part of "
            f"{candidates_dir}, found {len(verdicts)}; delete the folder and run again"
        )
    return list(zip(candidates, verdicts, strict=True))


def read_pair(
    candidates_dir: Path, candidates: PartFile, verdicts_dir: Path, verdicts: PartFile
) -> tuple[pa.Table, pa.Table]:
    """A part of candidates and the part of their verdicts: same rows, same order.

    Raises:
        ManifestMismatch: They do not hold the same candidates, or a part is not whole.
    """
    texts = read_part(candidates_dir, candidates, CANDIDATE)
    found = read_part(verdicts_dir, verdicts, VERDICT)
    if not texts["candidate_id"].equals(found["candidate_id"]):
        raise ManifestMismatch(
            f"{verdicts_dir / verdicts.path}: expected the candidates of "
            f"{candidates_dir / candidates.path} in their order, found others; delete the folder "
            f"of the verdicts and run again"
        )
    return texts, found


class Texts:
    """The chosen candidates with their texts, by id: read once, held in memory."""

    def __init__(self, rounds: Sequence[tuple[Path, Path]], chosen: pl.DataFrame) -> None:
        ids = chosen["candidate_id"].implode()
        frames = [cast("pl.DataFrame", pl.from_arrow(CANDIDATE.empty_table().select(_NEEDED)))]
        for candidates_dir, _ in rounds:
            for part in parts_of(candidates_dir, "candidates"):
                table = read_part(candidates_dir, part, CANDIDATE).select(_NEEDED)
                frame = cast("pl.DataFrame", pl.from_arrow(table))
                frames.append(frame.filter(pl.col("candidate_id").is_in(ids)))
        self._rows = pl.concat(frames, rechunk=True)
        self._position = {one: at for at, one in enumerate(self._rows["candidate_id"])}

    def take(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Rows of these candidates, in the order of the ids."""
        return self._rows[[self._position[one] for one in ids]].to_dicts()


class Writer:
    """Writes rows as parts of a fixed number of rows; parts that are there and valid are kept."""

    def __init__(self, folder: Path, key: str, rows_per_part: int) -> None:
        self._folder, self._key, self._rows_per_part = folder, key, rows_per_part

    def write(
        self, kind: str, rows: pl.DataFrame, schema: pa.Schema, render: Render
    ) -> list[PartFile]:
        """The parts of one kind: at least one, empty where there are no rows."""
        parts: list[PartFile] = []
        for number, start in enumerate(range(0, max(rows.height, 1), self._rows_per_part)):
            some = rows.slice(start, self._rows_per_part)
            name = part_name(kind, number)
            made_from = digest([self._key, name, some.rows()])
            part = kept_part(self._folder, name, made_from=made_from)
            if part is None:
                table = as_table(render(some), schema)
                part = write_part(self._folder, name, table, made_from=made_from)
            parts.append(part)
        return parts


def drop_rows(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return rows.select(DROPPED.names).to_dicts()


def sample_rows(
    rows: pl.DataFrame, *, texts: Texts, problems: dict[str, Problem], generate: Generate
) -> list[dict[str, Any]]:
    found = texts.take(rows["candidate_id"])
    return [
        sample_of(problems[row["problem_id"]], candidate, row, generate).model_dump()
        for row, candidate in zip(rows.iter_rows(named=True), found, strict=True)
    ]


def sample_of(
    problem: Problem, candidate: dict[str, Any], row: dict[str, Any], generate: Generate
) -> Sample:
    """The sample of one chosen candidate.

    Its messages are those that the problem's teacher saw, also where another model wrote the
    candidate anew.

    Args:
        candidate: Its row of `schemas.arrow.CANDIDATE`.
        row: The columns of `EVIDENCE`, `pass_rate` and `num_generations`.
    """
    _, _, prompt = generate.asking(reasoning=problem.reasoning)
    answer = Message(role="assistant", content=candidate["text"])
    return Sample(
        uuid=candidate["candidate_id"],
        problem_id=problem.problem_id,
        source=problem.source,
        domain=problem.domain.value,
        category=problem.category,
        problem=problem.statement,
        answer=row["extracted"] if row["grader"] == GraderName.MAJORITY else problem.gold,
        messages=[*messages_for(problem, prompt), answer],
        generation_model=candidate["teacher"],
        finish_reason=candidate["finish_reason"],
        num_tokens=candidate["completion_tokens"],
        pass_rate=row["pass_rate"],
        num_generations=row["num_generations"],
        verification_info=canonical_json(_verification(row)),
        form=Form.REWRITTEN if candidate["rewrites"] is not None else Form.COMPLETION,
        made_of=[candidate["candidate_id"]],
        dedup_cluster_id=None,
        contamination=None,
        license=problem.license,
    )


def _verification(row: dict[str, Any]) -> dict[str, Any]:
    """What `verification_info` says: who accepted the answer, and by what."""
    found = {name: row[name] for name in ("grader", "method", "extracted")}
    if row["grader"] == GraderName.MAJORITY:
        agreement = round(row["passed"] / row["total"], 4)
        return {**found, "gold": "majority", "agreement": agreement}
    if row["grader"] == GraderName.JUDGE:
        return {**found, "judge": row["evidence"]}
    return found
