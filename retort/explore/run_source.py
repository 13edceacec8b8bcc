"""A run as it is shown: every candidate of all rounds, its verdict, and where it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow.parquet as pq

from factory.audit.artifacts import artifacts_of, manifests_of
from factory.audit.counts import DROPPED_FILES
from factory.errors import ManifestMismatch
from factory.parts import read_manifest
from factory.select.rows import pairs_of
from factory.shard.configs import DEFAULT, FOLDERS
from factory.shard.description import read_description
from retort.explore.file_batches import batches, in_shape, placed, short
from retort.explore.light_rows import ENDS, KEPT, PROBLEMS, ROWS, Kind, Place, file_name
from schemas.run import Run

_REMEDY = "run the recipe again, or name another run"
_LAST = pl.col("made_of").list.last()


class RunSource:
    """The candidates of a run; see `light_rows.Source`."""

    kind = "run"

    def __init__(self, run: Run) -> None:
        self._found = artifacts_of(run)
        self.name = file_name(run.run)
        self.title = f"run {run.run}"
        self.clusters: Path | None = self._found.dataset
        about = read_description(self._found.dataset)
        self.digests = {str(folder): one.digest for folder, one in manifests_of(self._found)}
        self.digests[str(self._found.dataset)] = about.digest
        self.places = list(self._places())

    def _places(self) -> Iterator[Place]:
        for path in _parts(self._found.collect, "problems"):
            yield Place(path=path, kind=Kind.PROBLEMS)
        for candidates, verdicts in self._found.rounds:
            for pair in pairs_of(candidates, verdicts):
                one, other = str(pair.candidates_path), str(pair.verdicts_path)
                yield Place(path=one, kind=Kind.CANDIDATES, verdicts=other)
            for path in _parts(candidates, "failures"):
                yield Place(path=path, kind=Kind.FAILURES, stage="generate")
        for path in _parts(self._found.select, "dropped"):
            yield Place(path=path, kind=Kind.DROPPED, stage="select")
        for file in read_description(self._found.dataset).files:
            path = str(self._found.dataset / file.path)
            if file.path.startswith(DROPPED_FILES):
                yield Place(path=path, kind=Kind.DROPPED)
            elif file.path.startswith(f"{FOLDERS[DEFAULT]}/"):
                yield Place(path=path, kind=Kind.DATA)

    def problems(self) -> Iterator[pl.DataFrame]:
        """Frames of `PROBLEMS`."""
        names = [name for name in PROBLEMS if name not in ("place", "row")]
        for number, place in self._of(Kind.PROBLEMS):
            for batch in batches(Path(place.path), names):
                yield (
                    placed(
                        batch.frame.with_columns(statement=short("statement")), number, batch.first
                    )
                    .select(PROBLEMS.names())
                    .cast(PROBLEMS)
                )

    def rows(self) -> Iterator[pl.DataFrame]:
        """Frames of `ROWS`."""
        for number, place in enumerate(self.places):
            if place.kind is Kind.CANDIDATES:
                yield from candidate_rows(number, place)
            elif place.kind is Kind.FAILURES:
                columns = ["candidate_id", "problem_id", "index", "round", "reason"]
                for batch in batches(Path(place.path), columns):
                    yield in_shape(placed(batch.frame, number, batch.first), ROWS)

    def ends(self) -> Iterator[pl.DataFrame]:
        """Frames of `ENDS`."""
        last_of = self._journeys()
        for number, place in self._of(Kind.DROPPED):
            columns = ["candidate_id", "reason"] + ([] if place.stage else ["stage"])
            for batch in batches(Path(place.path), columns):
                frame = placed(batch.frame, number, batch.first)
                if not place.stage:
                    frame = frame.filter(pl.col("stage") == "shard").join(
                        last_of, left_on="candidate_id", right_on="uuid", how="left"
                    )
                    frame = frame.with_columns(candidate_id=pl.coalesce("last", "candidate_id"))
                yield in_shape(frame, ENDS)
        for number, place in self._of(Kind.DATA):
            for batch in batches(Path(place.path), ["made_of"]):
                frame = batch.frame.select(candidate_id=_LAST, reason=pl.lit(KEPT))
                yield in_shape(placed(frame, number, batch.first), ENDS)

    def _journeys(self) -> pl.DataFrame:
        """`uuid` of each journey and the candidate that it ends with."""
        some = [pl.DataFrame(schema={"uuid": pl.String(), "last": pl.String()})]
        for path in _parts(self._found.select, "samples"):
            for batch in batches(Path(path), ["uuid", "made_of"]):
                longer = batch.frame.filter(pl.col("made_of").list.len() > 1)
                some.append(longer.select("uuid", last=_LAST))
        return pl.concat(some)

    def _of(self, kind: Kind) -> Iterator[tuple[int, Place]]:
        return ((n, place) for n, place in enumerate(self.places) if place.kind is kind)


def candidate_rows(number: int, place: Place) -> Iterator[pl.DataFrame]:
    """The rows of a part of candidates, with the verdicts beside it.

    Raises:
        ManifestMismatch: The two files do not hold the same candidates in the same order.
    """
    columns = ["candidate_id", "problem_id", "index", "round", "teacher", "finish_reason"]
    columns += ["completion_tokens", "rewrites", "text"]
    verdicts = pq.read_table(place.verdicts, columns=["candidate_id", "status"])
    for batch in batches(Path(place.path), columns):
        beside = verdicts.slice(batch.first, batch.frame.height)
        graded = cast("pl.DataFrame", pl.from_arrow(beside))
        if not graded["candidate_id"].equals(batch.frame["candidate_id"]):
            raise ManifestMismatch(
                f"{place.verdicts}: expected the verdicts of {place.path} in its order, found "
                f"others from row {batch.first} on; {_REMEDY}"
            )
        frame = batch.frame.with_columns(
            verdict=graded["status"],
            tokens="completion_tokens",
            counted=pl.col("rewrites").is_null(),
        )
        yield in_shape(placed(frame, number, batch.first), ROWS)


def _parts(folder: Path, kind: str) -> list[str]:
    parts = read_manifest(folder).parts
    return [str(folder / one.path) for one in parts if one.path.startswith(f"{kind}-")]
