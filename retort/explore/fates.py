"""What became of a candidate, stage by stage, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import pyarrow.parquet as pq

from retort.explore.light_rows import Kind, Place
from retort.explore.light_table import LightTable
from retort.explore.row_reading import rows_at
from retort.explore.row_texts import Content


class Fates:
    """Says it of the rows of a light table."""

    def __init__(self, table: LightTable) -> None:
        self._table = table
        self._begins: dict[int, int] | None = None
        self._lock = Lock()

    def of_row(self, row: int, end: Content, clusters: Mapping[str, str]) -> list[Content]:
        """One entry per stage that said something, each as `schemas.ledger.Fate`.

        Args:
            end: The row of the files that says where the candidate ended; empty where none does.
            clusters: Sample of the problem that has duplicates -> which, and how similar
                (`factory.audit.problem_path.clusters_of`).
        """
        place, number = self._table.where(row, "end_")
        own, own_number = self._table.where(row)
        if own is not None and own.kind is Kind.FAILURES:
            failed = rows_at(Path(own.path), [own_number])[0]
            return [_fate("generate", failed["reason"], failed["detail"])]
        if place is None:
            return []
        if place.kind is Kind.DATA:
            return self._published(place, number, end, clusters)
        stage = place.stage or end["stage"]
        detail = clusters.get(end["candidate_id"]) if "duplicate" in end["reason"] else None
        dropped = _fate(stage, end["reason"], detail or end["detail"])
        return [dropped] if stage != "shard" else [_fate("select", "sample", ""), dropped]

    def _published(
        self, place: Place, number: int, end: Content, clusters: Mapping[str, str]
    ) -> list[Content]:
        uuid, made_of = str(end.get("uuid") or ""), end.get("made_of") or []
        chosen = _fate("select", "sample", "")
        if len(made_of) > 1:
            other = ", ".join(made_of[:-1])
            chosen = _fate("select", "journey", f"ends journey {uuid}, which begins with {other}")
        told = [f"row {self._begin(place) + number:,}" + (f" as {uuid}" if uuid else "")]
        told += [clusters[uuid]] if uuid in clusters else []
        if end.get("contamination"):
            told.append(f"marked: {end['contamination']}")
        return [chosen, _fate("shard", "published", "; ".join(told))]

    def _begin(self, place: Place) -> int:
        """The number in the dataset of the first row of one of its files."""
        with self._lock:
            if self._begins is None:
                self._begins, rows = {}, 0
                for number, one in enumerate(self._table.places):
                    if one.kind is Kind.DATA:
                        self._begins[number] = rows
                        rows += pq.read_metadata(one.path).num_rows
            return self._begins[self._table.places.index(place)]


def _fate(stage: str, what: str, detail: str) -> Content:
    return {"stage": stage, "what": what, "detail": detail}
