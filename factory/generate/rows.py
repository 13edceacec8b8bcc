"""The parts of a round: candidates from the store, and the evidence for those that failed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from factory.digest import digest
from factory.errors import ManifestMismatch
from factory.generate.settled import Place
from factory.generate.store import CandidateStore
from factory.parts import as_table, kept_part, part_name, write_part
from schemas.arrow import CANDIDATE
from schemas.manifest import PartFile

FAILURE: Final = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.large_string(), nullable=False),
    ]
)
"""Columns of `failures-*.parquet`: the evidence for every drop."""

_FAILURES_PER_PART: Final = 65536
_AT_A_TIME: Final = 2
"""Parts that are packed and written beside each other."""

Requested = tuple[str, str, int]
"""Candidate id, problem id and index."""


class _Writing(NamedTuple):
    """A part that was there, or one that is being written."""

    part: PartFile | Future[PartFile]
    places: list[Place]


class Parts:
    """Writes the parts of one round, numbered by kind; those that are there and valid are kept."""

    def __init__(self, out_dir: Path, key: str, rows_per_part: int, *, round: int) -> None:
        self._out_dir, self._key, self._rows_per_part = out_dir, key, rows_per_part
        self._round = round
        self.written: list[PartFile] = []
        self.candidates = 0
        self.drops: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()

    def from_store(
        self,
        store: CandidateStore,
        requested: Iterable[Requested],
        rewrites: Mapping[str, str] | None = None,
    ) -> None:
        """Every requested candidate that the store has, in their order, and the failed ones. From
        then on the store has their texts in these parts.

        Args:
            rewrites: Candidate id -> id of the candidate that it was made from.

        Raises:
            ManifestMismatch: One has neither a completion nor a failure.
        """
        failed: list[Requested] = []
        writing: deque[_Writing] = deque()
        with ThreadPoolExecutor(_AT_A_TIME, "parts") as pool:
            for held in self._held(store, requested, failed):
                number = self._numbers["candidates"] + len(writing)
                writing.append(self._begin(pool, store, held, rewrites or {}, number))
                if len(writing) > _AT_A_TIME:
                    self._finish(store, writing.popleft())
            while writing:
                self._finish(store, writing.popleft())
        store.give_back()
        self._failed(store, failed)

    def after(self, parts: Sequence[PartFile]) -> None:
        """Go on behind parts of candidates that are written already."""
        for part in parts:
            self._add("candidates", part)
            self.candidates += part.rows

    def from_rows(self, rows: Iterator[dict[str, Any]]) -> None:
        """Candidates that come with the problems, as rows without `round`."""
        while chunk := list(islice(rows, self._rows_per_part)):
            self._part("candidates", [{**row, "round": self._round} for row in chunk], CANDIDATE)
            self.candidates += len(chunk)

    def _held(
        self, store: CandidateStore, requested: Iterable[Requested], failed: list[Requested]
    ) -> Iterator[list[tuple[str, Place]]]:
        """The completions of each part; what has none goes to `failed`."""
        held: list[tuple[str, Place]] = []
        wanted = iter(requested)
        while batch := list(islice(wanted, self._rows_per_part)):
            places = store.places(one for one, _, _ in batch)
            held += [(one, places[one]) for one, _, _ in batch if one in places]
            failed += [one for one in batch if one[0] not in places]
            while len(held) >= self._rows_per_part:
                yield held[: self._rows_per_part]
                held = held[self._rows_per_part :]
        if held:
            yield held

    def _begin(
        self,
        pool: ThreadPoolExecutor,
        store: CandidateStore,
        held: Sequence[tuple[str, Place]],
        rewrites: Mapping[str, str],
        number: int,
    ) -> _Writing:
        """Packing a part lets others work, so that the next one is read meanwhile."""
        ids = [one for one, _ in held]
        places = [place for _, place in held]
        name = part_name("candidates", number)
        made_from = digest({"key": self._key, "ids": ids})
        if (kept := kept_part(self._out_dir, name, made_from=made_from)) is not None:
            return _Writing(kept, places)
        table = _table(store.rows(places), ids, round=self._round, rewrites=rewrites)
        written = pool.submit(write_part, self._out_dir, name, table, made_from=made_from)
        return _Writing(written, places)

    def _finish(self, store: CandidateStore, one: _Writing) -> None:
        part = one.part
        if isinstance(part, Future):
            part = part.result()
            store.settle(self._out_dir / part.path, part.sha256, one.places)
        self._add("candidates", part)
        self.candidates += part.rows

    def _failed(self, store: CandidateStore, failed: Sequence[Requested]) -> None:
        for start in range(0, len(failed), _FAILURES_PER_PART):
            chunk = failed[start : start + _FAILURES_PER_PART]
            found = store.failures(one for one, _, _ in chunk)
            rows = [
                {
                    "candidate_id": one,
                    "problem_id": problem,
                    "index": index,
                    "round": self._round,
                    "reason": found[one].reason.value,
                    "detail": found[one].detail,
                }
                for one, problem, index in chunk
                if one in found
            ]
            if len(rows) != len(chunk):
                raise ManifestMismatch(
                    f"candidate store: expected a completion or a failure for each of "
                    f"{len(chunk)} candidates, found none for {len(chunk) - len(rows)}; run again, "
                    f"what is stored is kept"
                )
            self._part("failures", rows, FAILURE)
            self.drops.update(found[one].reason.value for one, _, _ in chunk)

    def _part(self, kind: str, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> None:
        name = part_name(kind, self._numbers[kind])
        made_from = digest({"key": self._key, "rows": rows})
        part = kept_part(self._out_dir, name, made_from=made_from)
        if part is None:
            part = write_part(self._out_dir, name, as_table(rows, schema), made_from=made_from)
        self._add(kind, part)

    def _add(self, kind: str, part: PartFile) -> None:
        self.written.append(part)
        self._numbers[kind] += 1


def _table(
    rows: pa.Table, ids: Sequence[str], *, round: int, rewrites: Mapping[str, str]
) -> pa.Table:
    """What is stored of candidates, as rows of a round."""
    columns = {
        **dict(zip(rows.column_names, rows.columns, strict=True)),
        "candidate_id": ids,
        "round": pa.repeat(pa.scalar(round, pa.int32()), len(ids)),
        "rewrites": [rewrites.get(one) for one in ids],
        "label": pa.nulls(len(ids), pa.bool_()),
    }
    return pa.table({field.name: columns[field.name] for field in CANDIDATE}, schema=CANDIDATE)
