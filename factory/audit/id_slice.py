"""The ids of the candidates of a run, in slices by their hash, by where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl

from factory.audit.artifacts import RunArtifacts, dataset_frames, frames
from factory.audit.counts import DROPPED_FILES
from factory.shard.configs import DEFAULT, FOLDERS
from schemas.sample import Form

ID: Final = pl.Schema({"candidate_id": pl.String()})
LAST: Final = pl.col("made_of").list.last()
"""The candidate that a sample ends with."""


def journeys_of(found: RunArtifacts) -> pl.DataFrame:
    """`uuid` of each journey and the candidate that it ends with."""
    some = [
        frame.filter(pl.col("form") == Form.JOURNEY.value).select("uuid", last=LAST)
        for frame in frames(found.select, "samples", ["uuid", "form", "made_of"])
    ]
    return pl.concat([pl.DataFrame(schema={"uuid": pl.String(), "last": pl.String()}), *some])


class IdSlice:
    """The ids of one slice, by what they are: frames with a column `candidate_id`."""

    def __init__(
        self, found: RunArtifacts, slices: int, number: int, journeys: pl.DataFrame
    ) -> None:
        self._found = found
        self._slices, self._number = slices, number
        self._journeys = journeys

    def candidates(self) -> pl.DataFrame:
        """Answered candidates."""
        return self._all(self._drawn("candidates", "candidate_id"))

    def originals(self) -> pl.DataFrame:
        """Candidates of which there is a rewritten form."""
        return self._all(
            frame.select(candidate_id="rewrites").drop_nulls()
            for frame in self._drawn("candidates", "rewrites")
        ).unique()

    def failures(self) -> pl.DataFrame:
        """Candidates that failed."""
        return self._all(self._drawn("failures", "candidate_id"))

    def verdicts(self) -> pl.DataFrame:
        """Graded candidates."""
        return self._all(
            frame
            for _, folder in self._found.rounds
            for frame in frames(folder, "verdicts", ["candidate_id"])
        )

    def select_drops(self) -> pl.DataFrame:
        """`candidate_id` and `reason` of what select dropped."""
        return self._all(
            frames(self._found.select, "dropped", ["candidate_id", "reason"]), reason=True
        )

    def samples(self) -> pl.DataFrame:
        """The last candidate of each sample."""
        return self._all(
            frame.select(candidate_id=LAST)
            for frame in frames(self._found.select, "samples", ["made_of"])
        )

    def beginnings(self) -> pl.DataFrame:
        """The candidates before the last one of each journey."""
        before = pl.col("made_of").list.head(pl.col("made_of").list.len() - 1)
        return self._all(
            frame.filter(pl.col("made_of").list.len() > 1)
            .select(candidate_id=before)
            .explode("candidate_id")
            for frame in frames(self._found.select, "samples", ["made_of"])
        )

    def published(self) -> pl.DataFrame:
        """The last candidate of each row of the dataset."""
        files = dataset_frames(self._found.dataset, f"{FOLDERS[DEFAULT]}/", ["made_of"])
        return self._all(frame.select(candidate_id=LAST) for frame in files)

    def shard_drops(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What shard dropped, by the last candidate; and what the dataset says that select
        dropped, with the reasons."""
        own: list[pl.DataFrame] = []
        copied: list[pl.DataFrame] = []
        columns = ["candidate_id", "stage", "reason"]
        for frame in dataset_frames(self._found.dataset, DROPPED_FILES, columns):
            by_shard = pl.col("stage") == "shard"
            lost = frame.filter(by_shard).join(
                self._journeys, left_on="candidate_id", right_on="uuid", how="left"
            )
            own.append(lost.select(candidate_id=pl.coalesce("last", "candidate_id")))
            copied.append(frame.filter(~by_shard).select("candidate_id", "reason"))
        return self._all(own), self._all(copied, reason=True)

    def _drawn(self, kind: str, column: str) -> Iterator[pl.DataFrame]:
        for folder, _ in self._found.rounds:
            yield from frames(folder, kind, [column])

    def _all(self, some: Iterable[pl.DataFrame], *, reason: bool = False) -> pl.DataFrame:
        schema = {**ID, "reason": pl.String()} if reason else dict(ID)
        return pl.concat([pl.DataFrame(schema=schema), *map(self._mine, some)], rechunk=True)

    def _mine(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._slices == 1:
            return frame
        return frame.filter(pl.col("candidate_id").hash(seed=0) % self._slices == self._number)
