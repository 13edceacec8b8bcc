"""A dataset as it is shown: its rows, and by id and reason what its ledger says was dropped.

A folder with nothing but `data/*.parquet` opens too: what a column does not say is empty. Rows
without an id of their own are named by their file and number, rows without a problem by what they
ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from factory.audit.counts import DROPPED_FILES
from factory.dataset.reasons import VERDICTS
from factory.errors import InputFileError
from factory.shard.description import read_description
from factory.shard.layout import DATA, DATASET
from retort.explore.data_batches import (
    answer_chars,
    data_batches,
    statement_of,
)
from retort.explore.file_batches import batches, in_shape, placed
from retort.explore.light_rows import ENDS, KEPT, PROBLEMS, ROWS, Kind, Place, file_name
from schemas.sample import Drop
from schemas.verdict import Status

_NO_ANSWER: Final = frozenset({Drop.FAILED, Drop.OVERLONG_PROMPT, Drop.MERGED})


def data_files(folder: Path) -> list[Path]:
    """The Parquet files of a dataset's rows, in order of their names."""
    return sorted((folder / DATA).glob("*.parquet"))


class DatasetSource:
    """The rows of a dataset; see `light_rows.Source`."""

    kind = "dataset"

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        self.digests: dict[str, str] = {}
        self.clusters: Path | None = None
        self.ours = (folder / DATASET).is_file()
        dropped = sorted(folder.glob(f"{DROPPED_FILES}*.parquet"))
        if self.ours:
            about = read_description(folder)
            self.name = file_name(f"{about.name}-{about.version}")
            self.title = f"{about.name} {about.version}"
            self.digests[str(folder)] = about.digest
            self.clusters = folder
        else:
            self.name, self.title = file_name(folder.name), folder.name
        self.places = [Place(path=str(one), kind=Kind.DATA) for one in data_files(folder)]
        self.places += [Place(path=str(one), kind=Kind.DROPPED) for one in dropped]
        if not data_files(folder):
            raise InputFileError(f"{folder}: expected {DATA}/*.parquet, found none")

    def problems(self) -> Iterator[pl.DataFrame]:
        """Frames of `PROBLEMS`."""
        for number, place in self._of(Kind.DATA):
            columns = ["problem", "domain", "source", "category", "level"]
            for batch in data_batches(place, self._by_id, columns):
                frame = batch.frame.with_columns(statement=statement_of(batch))
                frame = placed(frame, number, batch.first).unique(
                    "problem_id", keep="first", maintain_order=True
                )
                yield in_shape(frame, PROBLEMS)
        for _, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["problem_id"]):
                frame = batch.frame.unique().with_columns(place=pl.lit(-1), row=pl.lit(-1))
                yield in_shape(frame, PROBLEMS)

    def rows(self) -> Iterator[pl.DataFrame]:
        """Frames of `ROWS`."""
        published: list[pl.Series] = []
        for number, place in self._of(Kind.DATA):
            columns = ["generation_model", "finish_reason", "num_tokens", "pass_rate"]
            for batch in data_batches(place, self._by_id, columns):
                frame = batch.frame.rename(
                    {"generation_model": "teacher", "num_tokens": "tokens"}, strict=False
                )
                verdict = Status.CORRECT.value if self.ours else ""
                frame = frame.with_columns(
                    reason=pl.lit(KEPT), verdict=pl.lit(verdict), chars=answer_chars(batch)
                )
                published.append(frame["candidate_id"])
                yield in_shape(placed(frame, number, batch.first), ROWS)
        kept = pl.concat(published).implode() if published else pl.Series([[]])
        for _, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["candidate_id", "problem_id", "reason"]):
                frame = batch.frame.filter(~pl.col("candidate_id").is_in(kept)).with_columns(
                    verdict=_verdict(), place=pl.lit(-1), row=pl.lit(-1)
                )
                yield in_shape(frame, ROWS)

    def ends(self) -> Iterator[pl.DataFrame]:
        """Frames of `ENDS`."""
        for number, place in self._of(Kind.DROPPED):
            for batch in batches(Path(place.path), ["candidate_id", "reason"]):
                yield in_shape(placed(batch.frame, number, batch.first), ENDS)
        for number, place in self._of(Kind.DATA):
            for batch in data_batches(place, self._by_id, []):
                frame = batch.frame.with_columns(reason=pl.lit(KEPT))
                yield in_shape(placed(frame, number, batch.first), ENDS)

    @cached_property
    def _by_id(self) -> bool:
        """Whether no id stands in two rows; ids of another maker may be those of problems."""
        if self.ours:
            return True
        ids = [pl.Series([], dtype=pl.String)]
        for _, place in self._of(Kind.DATA):
            ids += [batch.frame["candidate_id"] for batch in data_batches(place, True, [])]
        return pl.concat(ids).is_unique().all()

    def _of(self, kind: Kind) -> Iterator[tuple[int, Place]]:
        return ((n, place) for n, place in enumerate(self.places) if place.kind is kind)


def _verdict() -> pl.Expr:
    """Of a dropped candidate: its reason where that is a verdict, else it was correct."""
    reason = pl.col("reason")
    return (
        pl.when(reason.is_in([one.value for one in VERDICTS]))
        .then(reason)
        .when(reason.is_in([one.value for one in _NO_ANSWER]))
        .then(pl.lit(""))
        .otherwise(pl.lit(Status.CORRECT.value))
    )


# --------------------------------------------------------------------------------------------- data
