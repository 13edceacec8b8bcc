"""One part of candidates with its verdicts -> one small row per candidate, without texts.

Only texts whose answer is correct become Python strings, one at a time; where journeys are wanted
wrong ones too, because a rejected part of a journey must pass the rules as a sample does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factory.errors import ManifestMismatch
from factory.problem_file import open_problems
from factory.select.cases import Prompts, Tables, cases_of
from factory.select.examples import AT_MOST, Borderline, Example
from factory.select.found import Found
from factory.select.journey_text import style_of
from factory.select.rows import Pair, read_pair
from factory.select.rules import Case, first_drop
from factory.select.sketches import sketches_of
from schemas.sample import Drop
from schemas.select_settings import Select
from schemas.verdict import Status

JUDGED: Final = pl.Schema(
    {
        "candidate_id": pl.String(),
        "problem_id": pl.String(),
        "source": pl.Categorical(),
        "domain": pl.Categorical(),
        "category": pl.Categorical(),
        "author": pl.Categorical(),
        "teacher": pl.Categorical(),
        "rewrites": pl.String(),
        "finish_reason": pl.Categorical(),
        "tokens": pl.Int64(),
        "chars": pl.Int64(),
        "status": pl.Categorical(),
        "reason": pl.Categorical(),
        "detail": pl.String(),
        "part": pl.Int32(),
        "row": pl.Int32(),
        "style": pl.Categorical(),
        "extracted": pl.String(),
        "sketch": pl.Binary(),
    }
)
"""`reason` is null where every rule keeps the candidate; `part` and `row` say where its text is.

`style` and `extracted` are columns where journeys are wanted, with values for candidates that can
be part of one; `sketch` where those are picked that resemble each other least."""

_DETAIL_CHARS: Final = 300
_EXTRACTED_CHARS: Final = 200
_END_CHARS: Final = 120
_WRONG: Final = (Status.INCORRECT.value, Status.ERROR.value)


@dataclass(frozen=True)
class Part:
    """One part to judge."""

    number: int
    pair: Pair
    problems: Path
    """The problem file, and the digest of what it was made from."""
    problems_digest: str
    select: Select
    prompts: Prompts


@dataclass(frozen=True)
class Judged:
    """What a part gave."""

    rows: pl.DataFrame
    """`judged_columns`, in the order of the part."""
    examples: list[Example]
    """The most borderline of each reason."""


def judge(part: Part) -> Judged:
    """Every rule over every candidate of a part that may become a sample.

    Raises:
        ManifestMismatch: The two parts do not hold the same candidates, a problem is unknown, or a
            verdict is `infra`.
        SchemaMismatch: A part has other columns or types, or a value that there cannot be.
    """
    tables = read_tables(part.pair, part.problems, part.problems_digest)
    frame = _frame(tables, part.number)
    looks = _Looks(frame, tables, journeys=part.select.journeys.share > 0)
    for row, case in cases_of(tables, looks.rows, part.select, part.prompts):
        looks.take(row, case, first_drop(case, part.select))
    _offer_verdicts(looks.nearest, frame, tables.candidates["text"])
    sketches: list[bytes | None] = [None] * frame.height
    if part.select.pick == "different" and looks.kept:
        texts = tables.candidates["text"].take(pa.array(looks.kept))
        for row, sketch in zip(looks.kept, sketches_of(texts), strict=True):
            sketches[row] = sketch
    rows = frame.with_columns(
        reason=pl.Series(looks.reasons, dtype=pl.String),
        detail=pl.Series(looks.details, dtype=pl.String),
        style=pl.Series(looks.styles, dtype=pl.String),
        extracted=pl.Series(looks.extracted, dtype=pl.String),
        sketch=pl.Series(sketches, dtype=pl.Binary),
    )
    names = judged_columns(part.select)
    judged = rows.select(names).cast({name: JUDGED[name] for name in names})
    return Judged(judged, looks.nearest.examples())


def judged_columns(select: Select) -> list[str]:
    """Those of `JUDGED` that `select` needs."""
    unused = {"sketch"} if select.pick != "different" else set[str]()
    if select.journeys.share == 0:
        unused |= {"style", "extracted"}
    return [name for name in JUDGED if name not in unused]


def read_tables(pair: Pair, problems: Path, problems_digest: str) -> Tables:
    """A pair with its problems.

    Raises:
        ManifestMismatch, SchemaMismatch: As `judge` says.
    """
    candidates, verdicts = read_pair(pair)
    try:
        known, at = open_problems(problems, problems_digest).distinct(candidates["problem_id"])
    except KeyError as error:
        raise ManifestMismatch(
            f"{pair.candidates_path}: problem {error.args[0]} of a candidate is not among the "
            f"admitted problems; delete the folders of generate and grade and run again"
        ) from error
    return Tables(candidates, verdicts, known, at)


class _Looks:
    """What the rules said of the candidates of a part, by row."""

    def __init__(self, frame: pl.DataFrame, tables: Tables, *, journeys: bool) -> None:
        status = frame["status"].to_numpy()
        self._correct = status == Status.CORRECT.value
        wrong = np.isin(status, _WRONG) if journeys else np.zeros(len(status), np.bool_)
        self.rows: NDArray[np.int64] = np.flatnonzero(self._correct | wrong)
        self.reasons: list[str | None] = frame["reason"].to_list()
        self.details: list[str] = frame["detail"].to_list()
        self.styles: list[str | None] = [None] * frame.height
        self.extracted: list[str | None] = [None] * frame.height
        self.kept: list[int] = []
        self.nearest = Borderline()
        self._ids = frame.select("candidate_id", "problem_id", "source")
        self._graders = tables.problems["grader"].to_pylist()
        self._tables, self._journeys = tables, journeys

    def take(self, row: int, case: Case, drop: tuple[Drop, Found] | None) -> None:
        """One candidate that was looked at; a wrong one keeps the verdict as its reason."""
        if self._correct[row] and drop is None:
            self.kept.append(row)
        elif self._correct[row] and drop is not None:
            reason, found = drop
            self.reasons[row], self.details[row] = reason.value, found.evidence[:_DETAIL_CHARS]
            candidate, problem, source = self._ids.row(row)
            self.nearest.offer(
                reason.value, found, ids=(candidate, problem), source=source, text=case.text
            )
        if self._journeys and drop is None:
            grader = self._graders[self._tables.at[row]]
            style = style_of(case.text, grader=grader, reasoning=case.reasoning)
            self.styles[row] = style and style.value
            if style is not None and not self._correct[row]:
                extracted = self._tables.verdicts["extracted"][row].as_py()
                self.extracted[row] = extracted[:_EXTRACTED_CHARS]


def _frame(tables: Tables, number: int) -> pl.DataFrame:
    """What needs no text: all of `JUDGED` but what the rules say; a reason for each wrong one."""
    candidates, verdicts = tables.candidates, tables.verdicts
    of_problem = tables.problems.select(["source", "domain", "category", "author"])
    columns = {
        **_columns(candidates, "candidate_id", "problem_id", "teacher", "rewrites"),
        **_columns(of_problem.take(pa.array(tables.at)), *of_problem.column_names),
        "finish_reason": candidates["finish_reason"],
        "tokens": candidates["completion_tokens"],
        "chars": pc.call_function("utf8_length", [candidates["text"]]),
        **_columns(verdicts, "status", "method"),
        "found": verdicts["detail"],
    }
    frame = cast("pl.DataFrame", pl.from_arrow(pa.table(columns)))
    wrong = pl.col("status") != Status.CORRECT.value
    why = pl.format("{}: {}", "method", "found").str.slice(0, _DETAIL_CHARS)
    return frame.with_columns(
        reason=pl.when(wrong).then("status"),
        detail=pl.when(wrong).then(why).otherwise(pl.lit("")),
        part=pl.lit(number, pl.Int32),
        row=pl.int_range(pl.len(), dtype=pl.Int32),
    )


def _columns(table: pa.Table, *names: str) -> dict[str, pa.ChunkedArray]:
    return {name: table[name] for name in names}


def _offer_verdicts(nearest: Borderline, frame: pl.DataFrame, texts: pa.ChunkedArray) -> None:
    """A few of each verdict that is not correct, with the end of their texts."""
    some = (
        frame.filter(pl.col("status") != Status.CORRECT.value)
        .sort("status", "candidate_id")
        .filter(pl.int_range(pl.len()).over("status") < AT_MOST)
    )
    columns = ["status", "detail", "candidate_id", "problem_id", "source", "row"]
    for status, detail, candidate, problem, source, row in some.select(columns).iter_rows():
        text = texts[row].as_py()
        found = Found(detail, 0.0, max(0, len(text) - _END_CHARS))
        nearest.offer(status, found, ids=(candidate, problem), source=source, text=text)
